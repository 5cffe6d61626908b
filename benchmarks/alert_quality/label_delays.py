"""Delay of alerts on labels after a concept shift: scheduled decisions by days, beside one window."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.alert_quality import delays, judges, shifts
from benchmarks.alert_quality.hour_sums import Array
from benchmarks.alert_quality.streams import Drawn, stream
from benchmarks.alert_quality.subject import Change
from contract import bundle
from lambda_monitor.checks import columns, days
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.findings import CheckResult

PER_DAY, FOLLOWED, REPETITIONS = 1_000, 6, 3
SHARES = (1.0, judges.FEW_LABELS)
# Hours between looks.
STEP = 3
_PARTS = {"all rows": 1.0, "a segment of about 20%": shifts.LARGE}


def tasks() -> list[tuple[str, float, int]]:
    """Return part, share of labels and seed of each repetition."""
    return [(part, share, seed) for part in _PARTS for share in SHARES for seed in range(REPETITIONS)]


def measured(part: str, share: float, seed: int) -> delays.Delay:
    """Return the hours until an alert on labels, infinite if there is none: by days, and by one window."""
    of = stream()
    change: Change = shifts.concept
    if _PARTS[part] < 1:
        chosen = shifts.segment(of.watched, "PULocationID", _PARTS[part])
        change = shifts.within(chosen, shifts.concept)
    drawn, changed = of.drawn(PER_DAY, FOLLOWED, seed), change(of.watched, of.rides).sort_index()
    labelled = np.random.default_rng(seed).random(len(drawn.hours)) < share
    windows: dict[int, list[CheckResult]] = {}

    def window(end: int) -> list[CheckResult]:
        if end not in windows:
            windows[end] = _results(drawn, changed, labelled, end)
        return windows[end]

    config, first = of.watched.model.check_config, [np.inf, np.inf]
    for end in range(drawn.onset + 1, drawn.length + 1, STEP):
        earlier = _earlier([window(end - DAY * back) for back in range(1, days.EARLIER + 1)])
        found = days.decide(config, window(end), earlier, [])
        for number, results in enumerate((found, window(end))):
            if any(one.status == "alert" for one in results):
                first[number] = min(first[number], end - drawn.onset)
        if np.isfinite(first).all():
            break
    return first[0], first[1]


def _results(drawn: Drawn, changed: pd.DataFrame, labelled: Array, end: int) -> list[CheckResult]:
    of, contract = stream(), stream().watched.contract
    rows = of.rows(drawn, changed, end - DAY, end)
    order = (drawn.hours >= end - DAY) & (drawn.hours < end)
    table = pa.Table.from_pandas(rows[[*of.watched.compared, bundle.TARGET_COLUMN]], preserve_index=False)
    times = pa.array(rows["pickup_datetime"].to_numpy())
    table = table.append_column("pickup_datetime", times)
    truth = judges.truth(contract, table, labelled[order])
    return columns.check_performance(of.watched.model, truth)


def _earlier(windows: list[list[CheckResult]]) -> dict[str, list[float]]:
    """Return the ratios of earlier days by check, the newest first, until a day lacks one."""
    found: dict[str, list[float]] = {}
    for number, results in enumerate(windows):
        for one in results:
            known = found.setdefault(one.key, [])
            if days.decided_by_days(one.name) and one.ratio is not None and len(known) == number:
                known.append(one.ratio)
    return found


def lines(found: Iterable[delays.Delay]) -> list[str]:
    """Return the table, from the delays in the order of `tasks`."""
    made: dict[tuple[str, float], list[delays.Delay]] = {}
    for (part, share, _), delay in zip(tasks(), found, strict=True):
        made.setdefault((part, share), []).append(delay)
    text = [
        f"A concept shift (the target one third larger for the same features), {PER_DAY:,} rides per day, "
        f"hours until an alert on labels, {REPETITIONS} repetitions, looked at every {STEP} hours for "
        f"{FOLLOWED} days. "
        "`one window` is the last 24 hours alone.",
        "",
        "| target larger in, labels | Scorewatch: median | longest | one window: median | longest |",
        "|---|---|---|---|---|",
    ]
    for (part, share), several in made.items():
        cells = [delays.hours(f(one), FOLLOWED) for one in np.array(several).T for f in (np.median, np.max)]
        text.append(f"| {part}, labels of {share:.0%} | {' | '.join(cells)} |")
    return text
