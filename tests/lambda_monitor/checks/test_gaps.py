"""The gap between a window and the newest one before it."""

from contract import layout
from lambda_monitor.checks import gaps
from tests.lambda_monitor.synthetic import HOUR, LAKE, MODEL, NOON, Stack


def test_the_gap_is_that_after_the_newest_window(stack: Stack) -> None:
    for hour in (0, 1, 2):
        key = layout.report_prefix(MODEL.name, NOON + hour * HOUR, NOON + (hour + 1) * HOUR) + "report.json"
        stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"{}")

    following = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON + 3 * HOUR, NOON + 4 * HOUR)
    later = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON + 5 * HOUR, NOON + 6 * HOUR)

    assert (following.status, following.value) == ("ok", 0.0)
    assert (later.status, later.value) == ("alert", 2.0)
