"""Delay of the alerts on nulls and unknown codes, which are raised at once: exact shares per window."""

import numpy as np

from benchmarks.alert_quality.delays import VOLUMES
from benchmarks.alert_quality.streams import stream
from lambda_monitor.checks.delivery import REJECTED_LIMIT
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.profiles.thresholds import share_limit

# Shares of the records that the broken sender sends.
SENDERS = (1.0, 0.2, 0.05)
_REPETITIONS = 10
_COLUMN = "PULocationID"


def first_hour(rows: list[int], odd: list[int], onset: int, check: str, expected: float) -> float:
    """Return the hours from `onset` until the share of odd values of 24 hours is beyond its limit.

    `expected` is their share in the reference; infinite if the limit is not reached.
    """
    for end in range(onset + 1, len(rows) + 1):
        total, hits = sum(rows[end - DAY : end]), sum(odd[end - DAY : end])
        limit = REJECTED_LIMIT if check == "service.rejected" else share_limit(expected, max(total, 1))
        if total >= LEAST[check] and hits / total > limit:
            return end - onset
    return np.inf


def _expected() -> float:
    before = stream().watched.model.baseline.categorical[_COLUMN]
    return before.unknown / max(before.count, 1)


def _median(check: str, per_day: int, sender: float) -> float:
    found = []
    for seed in range(_REPETITIONS):
        drawn = stream().drawn(per_day, min(VOLUMES[per_day], 4), seed)
        rng = np.random.default_rng(seed)
        bad = (drawn.hours >= drawn.onset) & (rng.random(len(drawn.hours)) < sender)
        rows, odd = (np.bincount(h, minlength=drawn.length) for h in (drawn.hours, drawn.hours[bad]))
        found.append(first_hour(rows.tolist(), odd.tolist(), drawn.onset, check, _expected()))
    return float(np.median(found))


def lines() -> list[str]:
    """Return the table."""
    head = "| ".join(f"{per_day:,} rides per day " for per_day in VOLUMES)
    made = [
        "A sender that breaks, hours until an alert (median, a look every hour). These checks are decided by "
        "the window and raised at once, as before evidence over time. A null in a feature that must have a "
        "value makes scoring reject the record.",
        "",
        f"| what, of how many records | check | {head}|",
        "|" + "---|" * (2 + len(VOLUMES)),
    ]
    for what, check in (("null", "service.rejected"), ("a new code", "quality.categories")):
        for sender in SENDERS:
            cells = " | ".join(f"{_median(check, per_day, sender):,.0f}" for per_day in VOLUMES)
            made.append(f"| {what} in {_COLUMN}, {sender:.0%} | `{check}` | {cells} |")
    return made
