"""Longest waits for the results of a deployed stack, from its Terraform outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# For a function's start, the writing of an object, and a slow machine.
_SLACK_SECONDS = 60.0


@dataclass(frozen=True)
class Deadlines:
    """Seconds after a put: `scored` on the output stream, `landed` and `label` in the lake, `notified`."""

    scored: float
    landed: float
    label: float
    notified: float

    @classmethod
    def of(cls, outputs: Mapping[str, Any], slack: float = _SLACK_SECONDS) -> "Deadlines":
        """Return the deadlines of a stack with these outputs, each with `slack` seconds to spare."""
        interval = float(outputs["delivery_interval_seconds"])
        scored = outputs["batching_window_seconds"] + outputs["predict_timeout_seconds"] + slack
        return cls(scored, scored + interval, interval + slack, slack)
