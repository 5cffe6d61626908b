import pytest

from tests.iam import isolation, proof
from tests.iam.calls import Call
from tests.iam.grants import Grant

GET = "s3:GetObject"
INSIDE = Call("monitor", GET, "arn:aws:s3:::lake/reports/*", ())
PREFIX = (("s3:prefix", "reports/*"),)


def test_a_grant_within_the_calls_has_no_witness() -> None:
    assert proof.surplus([Grant("monitor", "Read", GET, "arn:aws:s3:::lake/reports/2026/*")], [INSIDE]) == []


@pytest.mark.parametrize("resource", ["arn:aws:s3:::lake/*", "arn:aws:s3:::lake/report?/*", "*"])
def test_a_grant_beyond_the_calls_has_a_witness_outside_of_them(resource: str) -> None:
    grant = Grant("monitor", "Read", GET, resource)
    (found,) = proof.surplus([grant], [INSIDE])
    assert grant.allows(GET, found.resource, found.keys)
    assert not found.resource.startswith("arn:aws:s3:::lake/reports/")


def test_calls_of_another_role_or_action_cover_nothing() -> None:
    grant = Grant("predict", "Read", GET, INSIDE.resource)
    put = Grant("monitor", "Write", "s3:PutObject", INSIDE.resource)
    assert [one.grant for one in proof.surplus([grant, put], [INSIDE])] == [grant, put]


def test_a_call_with_a_condition_does_not_cover_a_grant_without_it() -> None:
    call = Call("monitor", "s3:ListBucket", "arn:aws:s3:::lake", PREFIX)
    bound = Grant("monitor", "List", "s3:ListBucket", "arn:aws:s3:::lake", PREFIX)
    free = Grant("monitor", "List", "s3:ListBucket", "arn:aws:s3:::lake")
    assert [one.grant for one in proof.surplus([bound, free], [call])] == [free]


def test_an_action_with_a_wildcard_is_refused() -> None:
    with pytest.raises(ValueError, match="name every action"):
        proof.surplus([Grant("monitor", "Read", "s3:Get*", "*")], [])


def test_a_grant_on_a_service_without_a_recorded_resource_is_refused() -> None:
    grant = Grant("monitor", "", "ssm:GetParameter", "arn:aws:ssm:r:1:parameter/a")
    with pytest.raises(ValueError, match="no such resource"):
        isolation.reached([grant], RESOURCES, "green_taxi")


RESOURCES = [
    "arn:aws:s3:::scorewatch-green-taxi-lake-1a",
    "arn:aws:kinesis:r:1:stream/scorewatch-green-taxi-input",
    "arn:aws:glue:r:1:table/scorewatch_green_taxi/predictions",
]


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::scorewatch-green-taxi-lake-1a/reports/*",
        "arn:aws:kinesis:r:1:stream/scorewatch-green-taxi-input",
        "arn:aws:glue:r:1:table/scorewatch_green_taxi/predictions",
        "*",
    ],
)
def test_own_resources_are_no_reach(resource: str) -> None:
    assert isolation.reached([Grant("monitor", "", GET, resource)], RESOURCES, "green_taxi") == []


@pytest.mark.parametrize(
    ("resource", "start"),
    [
        ("arn:aws:s3:::scorewatch-green-taxi*/reports/*", "green-taxi"),
        ("arn:aws:s3:::scorewatch-*-lake-1a/reports/index.html", ""),
        ("arn:aws:kinesis:r:1:stream/scorewatch-green-taxi-*", "green-taxi-"),
        ("arn:aws:glue:r:1:table/scorewatch_white_wine/*", "white_wine"),
    ],
)
def test_a_pattern_that_another_use_case_matches_is_reported_with_its_name(resource: str, start: str) -> None:
    grant = Grant("monitor", "", GET, resource)
    (found,) = isolation.reached([grant], RESOURCES, "green_taxi")
    assert found.use_case.startswith(start)
    assert found.use_case not in {"green-taxi", "green_taxi"}
    assert found.use_case in found.resource
    assert grant.allows(GET, found.resource, {})
