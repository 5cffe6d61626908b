from tests.iam import removal
from tests.iam.calls import Call
from tests.iam.grants import Grant

PUT = Grant("monitor", "Write", "s3:PutObject", "arn:aws:s3:::lake/reports/*")
CALL = Call("monitor", "s3:PutObject", "arn:aws:s3:::lake/reports/*", (), "test_a")


def test_a_grant_is_needed_by_the_test_whose_call_it_alone_allows() -> None:
    (row,) = removal.remove_each([PUT], [CALL])
    assert (row.calls, row.test, row.surplus) == (1, "test_a", False)
    assert "test_a fails (1 recorded call denied)" in removal.table([row])


def test_two_grants_for_one_call_are_both_surplus() -> None:
    wide = Grant("monitor", "All", "s3:PutObject", "arn:aws:s3:::lake/*")
    assert all(row.surplus for row in removal.remove_each([PUT, wide], [CALL]))


def test_another_role_does_not_need_the_grant() -> None:
    (row,) = removal.remove_each([PUT], [Call("predict", CALL.action, CALL.resource, (), "test_a")])
    assert row.surplus
    assert "SURPLUS" in removal.table([row])


def test_a_grant_with_a_reason_is_no_surplus() -> None:
    (row,) = removal.remove_each([Grant("predict", "Trace", "xray:PutTraceSegments", "*")], [])
    assert not row.surplus
    assert "not exercised: Lambda sends" in removal.table([row])
    assert removal.summary([row]) == {"needed by a test": 0, "not exercised": 1, "surplus": 0}
