"""The window that an event requests."""

from datetime import UTC, datetime

import pytest

from lambda_monitor.run import EventError, requested_span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, NOON, Stack


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"start": "2026-03-02T12:00:00Z"}, "only 'start'"),
        ({"start": "2026-03-02T12:00:00Z", "end": "yesterday"}, "must be like"),
        ({"start": "2026-03-02T12:00:00Z", "end": "2026-03-02T12:00:00Z"}, "is not before"),
        ({"start": "2026-03-02T12:00:00", "end": "2026-03-02T13:00:00"}, "no time zone"),
        ({"start": 5, "end": 6}, "must be like"),
        ({"start": "2099-03-02T12:00:00Z", "end": "2099-03-02T13:00:00Z"}, "is in the future"),
    ],
)
def test_an_error_names_the_fault_of_the_window(stack: Stack, event: dict, message: str) -> None:
    with pytest.raises(EventError, match=message):
        requested_span(event, Settings.from_environment(stack.environment()), datetime.now(UTC))


def test_without_a_window_the_last_complete_hours_are_taken(stack: Stack) -> None:
    settings = Settings.from_environment(stack.environment(WINDOW_HOURS="24"))
    found = requested_span({}, settings, datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC))

    assert (found.start, found.end, found.asked) == (NOON - 24 * HOUR, NOON, False)
