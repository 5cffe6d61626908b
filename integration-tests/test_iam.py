"""The stored policies and calls against this run, and the effect of removed grants; runs last."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local import kinesis_event, traffic
from tests.iam import calls, record, removal
from tests.iam.record import Record
from tests.iam.recorder import RENEW, Recorder, is_shared

COMMAND = "make iam-record"


@pytest.fixture
def found(deployed: Any, recorder: Recorder) -> Record:
    if deployed.work is None:
        pytest.skip("only the embedded AWS records calls")
    region = deployed.client("sts").meta.region_name
    use_case = deployed.contract.use_case
    state = deployed.work / "local/terraform" / use_case / "terraform.tfstate"
    return recorder.record(deployed.client, use_case, region, record.resources(state))


def is_whole(session: pytest.Session) -> bool:
    """Return whether this run has every test of the shared stack."""
    ran, option = {item.path for item in session.items}, session.config.option
    files = {file for file in Path(__file__).parent.glob("test_*.py") if is_shared(file)}
    return files <= ran and not option.keyword and not option.markexpr


def test_policies_and_calls_are_the_recorded_ones(found: Record, request: pytest.FixtureRequest) -> None:
    if RENEW:
        assert is_whole(request.session), f"{COMMAND} runs every test"
        found.write()
    stored = record.read()
    if found.name != stored.name:
        pytest.skip(f"the record is of {stored.name}, this run of {found.name}")
    policies = {kind: stored.policies.get(kind) for kind in found.policies}
    assert found.policies == policies, f"policies have changed: {COMMAND}"
    assert set(found.resources) <= set(stored.resources), f"new resources: {COMMAND}"
    made, known = calls.without_tests(found.calls), calls.without_tests(stored.calls)
    assert not made - known, f"new calls: {COMMAND}"
    if is_whole(request.session):
        # Some tests create roles and remove them.
        assert policies == stored.policies, f"policies that no test creates any more: {COMMAND}"
        assert found.resources == stored.resources, f"resources that no test creates any more: {COMMAND}"
        assert not known - made, f"calls that no test makes any more: {COMMAND}"


# One per way in which a role is used: by the function, its event source mapping, Firehose, and for a key.
REMOVED = {
    "kinesis:PutRecords": ("predict", "score"),
    "firehose:PutRecordBatch": ("predict", "score"),
    "kinesis:GetRecords": ("predict", "put"),
    "s3:PutObject": ("predictions", "put"),
    "s3:ListBucket": ("monitor", "monitor"),
    "kms:Decrypt": ("monitor", "monitor"),
}


def use(deployed: Any, way: str) -> None:
    """Use the stack: score a valid and an invalid record directly, put one on the stream, or monitor."""
    (line,) = deployed.records("normal", 1, seed=31)[1]
    if way == "put":
        deployed.put([line])
        return
    scoring = way == "score"
    event = kinesis_event.make([line, b"not json"], traffic.now()) if scoring else {}
    function = deployed.outputs["predict_function" if scoring else "monitor_function"]
    deployed.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())


def without(document: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without an action."""
    kept = []
    for statement in document["Statement"]:
        listed = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if actions := [one for one in listed if one != action]:
            kept.append(statement | {"Action": actions})
    return document | {"Statement": kept}


@contextmanager
def removed(iam: Any, role: str, action: str) -> Iterator[None]:
    """Remove an action from all policies of a role."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = {n: iam.get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in names}

    def put(documents: dict[str, dict[str, Any]]) -> None:
        for name, document in documents.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    put({name: without(document, action) for name, document in before.items()})
    try:
        yield
    finally:
        put(before)


@pytest.mark.parametrize("action", REMOVED)
def test_removed_grant_denies_the_call_that_the_table_names(
    deployed: Any, recorder: Recorder, action: str
) -> None:
    if deployed.work is None:
        pytest.skip("changes a role, and only the embedded AWS records calls")
    kind, way = REMOVED[action]
    stored = record.read()
    rows = removal.remove_each(stored.grants(), stored.calls)
    assert any(row.calls for row in rows if (row.grant.role, row.grant.action) == (kind, action))
    region, use_case = deployed.client("sts").meta.region_name, deployed.contract.use_case
    role = f"scorewatch-{use_case.replace('_', '-')}-{kind}-{region}"
    start = time.time()

    def denied() -> bool | None:
        return (kind, action) in recorder.denied(use_case, region, start) or None

    use(deployed, way)
    assert not denied()
    with removed(deployed.client("iam"), role, action):
        use(deployed, way)
        traffic.wait_for(f"the denial of {action}", denied, seconds=60)
