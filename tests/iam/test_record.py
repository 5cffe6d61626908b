"""Least privilege of the recorded stack. After a change of policies or calls: make iam-record."""

import json
from collections.abc import Iterator
from typing import Any

import parliament
import pytest

from tests.iam import isolation, proof, reasons, record, removal
from tests.iam.record import Record


@pytest.fixture(scope="module")
def stored() -> Record:
    return record.read()


def test_no_grant_is_without_a_test_or_a_reason(stored: Record) -> None:
    rows = removal.remove_each(stored.grants(), stored.calls)
    assert [row.grant for row in rows if row.surplus] == []


def test_no_reason_is_given_for_what_a_test_needs(stored: Record) -> None:
    rows = list(removal.remove_each(stored.grants(), stored.calls))
    idle = [row.grant for row in rows if not row.calls]
    unused = reasons.names() - {name for grant in idle for name in reasons.names_of(grant)}
    assert unused == set()


def test_nothing_beyond_the_calls_is_allowed_without_a_reason(stored: Record) -> None:
    beyond = proof.surplus(stored.grants(), stored.calls)
    assert [one for one in beyond if not reasons.reason(one.grant)] == []


def test_a_role_that_is_allowed_more_is_reported(stored: Record) -> None:
    changed = json.dumps(stored.policies["monitor"]).replace("/predictions/*", "/*")
    wider = Record(stored.use_case, {"monitor": json.loads(changed)}, stored.resources, stored.calls)
    (found,) = [one for one in proof.surplus(wider.grants(), wider.calls) if not reasons.reason(one.grant)]
    assert (found.grant.role, found.grant.action) == ("monitor", "s3:GetObject")
    assert found.grant.allows(found.grant.action, found.resource, found.keys)


def test_no_role_reaches_another_use_case(stored: Record) -> None:
    assert isolation.reached(stored.grants(), stored.resources, stored.use_case) == []


def test_every_resource_has_the_use_case_in_its_name_except_keys(stored: Record) -> None:
    slugs = (stored.use_case, stored.use_case.replace("_", "-"))
    nameless = [arn for arn in stored.resources if not any(slug in arn for slug in slugs)]
    assert all(arn.endswith(":key/KEY") for arn in nameless)


# The condition key is of October 2025, parliament's list of April 2025.
UNKNOWN = {("producer", "lambda:InvokedViaFunctionUrl")}


def documents(stored: Record) -> Iterator[tuple[str, Any]]:
    for kind, policies in stored.policies.items():
        for policy in policies:
            yield kind, policy


def test_parliament_finds_nothing_in_any_policy(stored: Record) -> None:
    found = [
        (kind, str(finding))
        for kind, policy in documents(stored)
        for finding in parliament.analyze_policy_string(json.dumps(_with_an_id(policy))).findings
    ]
    named = [(kind, text) for kind, text in found for who, key in UNKNOWN if kind == who and key in text]
    assert len(named) == len(UNKNOWN)
    assert [one for one in found if one not in named] == []


def _with_an_id(policy: Any) -> Any:
    """Return the policy with a form of key id that parliament accepts."""
    return json.loads(json.dumps(policy).replace(":key/KEY", ":key/00000000-0000-0000-0000-000000000000"))
