import pytest

from tests.iam import grants
from tests.iam.grants import Grant


def test_each_action_resource_and_value_of_a_condition_is_a_grant() -> None:
    statement = {
        "Sid": "List",
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": "arn:aws:s3:::lake",
        "Condition": {"StringLike": {"s3:prefix": ["a/*", "b/*"]}},
    }
    found = grants.of_role("monitor", [{"Statement": [statement]}])
    assert [(g.action, dict(g.keys)["s3:prefix"]) for g in found] == [
        ("s3:GetBucketLocation", "a/*"),
        ("s3:GetBucketLocation", "b/*"),
        ("s3:ListBucket", "a/*"),
        ("s3:ListBucket", "b/*"),
    ]


@pytest.mark.parametrize(
    "change", [{"Effect": "Deny"}, {"NotAction": "s3:*"}, {"Condition": {"IpAddress": {"aws:SourceIp": "1"}}}]
)
def test_statements_of_another_form_are_refused(change: dict[str, object]) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | change
    with pytest.raises(ValueError, match="read"):
        grants.of_role("monitor", [{"Statement": statement}])


def test_a_call_is_allowed_by_pattern_and_condition_only() -> None:
    grant = Grant("monitor", "List", "s3:ListBucket", "arn:aws:s3:::l?ke*", (("s3:prefix", "a/*"),))
    assert grant.allows("s3:listbucket", "arn:aws:s3:::lake-1", {"s3:prefix": "a/b"})
    assert not grant.allows("s3:ListBucket", "arn:aws:s3:::lake", {"s3:prefix": "b/"})
    assert not grant.allows("s3:ListBucket", "arn:aws:s3:::lake", {})
    assert not grant.allows("s3:ListBucket", "arn:aws:s3:::Lake", {"s3:prefix": "a/b"})
