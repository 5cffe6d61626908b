"""Comparison of a model in shadow with the live one, record by record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from contract.schema import Task
from lambda_monitor.lake import texts
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.labels import TARGET, Reader
from ops import shadow_events
from ops.shadow_events import Reference, Scored, Side

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Labels = dict[str, float | str]
# Labelled records below which the errors are printed without a conclusion.
_ENOUGH_LABELS = 100
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcomes:
    """Counts of records that arrived on the stream since the comparison's start.

    `missing` were scored live and have no outcome in shadow though later records of their shard have;
    `waiting` arrived after the last of their shard that has.
    """

    live: int
    shadow: int
    both: int
    live_rejected: int
    shadow_rejected: int
    missing: int
    waiting: int
    only_shadow: int


@dataclass(frozen=True)
class Errors:
    """Main metric of both models on the labelled records, and how much the shadow's is worse, with bounds."""

    metric: str
    records: int
    live: float
    shadow: float
    worse: tuple[float, float, float] | None


@dataclass(frozen=True)
class Comparison:
    """Result of a comparison; `differences` is shadow minus live per record, of a regression."""

    live: Side
    shadow: Side
    start: datetime
    end: datetime
    outcomes: Outcomes
    equal: int
    differences: npt.NDArray[np.float64]
    changes: "Counter[tuple[str, str]]"
    latency: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    errors: Errors | None


def from_lake(
    s3: "S3Client", bucket: str, live: Side, shadow: Side, start: datetime, now: datetime
) -> Comparison:
    """Read both sides and the labels of records that arrived in [start, now), and compare them."""
    from training.uncached import NoCache  # noqa: PLC0415  its package takes seconds to import

    shadow_events.read(s3, bucket, (live, shadow), start, now)
    table = Reader(s3, bucket, live.contract, NoCache()).read(start, now).table
    labels = zip(table.column(ID).to_pylist(), table.column(TARGET).to_pylist(), strict=True)
    known: Labels = {i: v if isinstance(v, float) else texts.category(v) for i, v in labels}
    return compare(live, shadow, known, start, now)


def compare(live: Side, shadow: Side, labels: Labels, start: datetime, end: datetime) -> Comparison:
    """Compare what both did with the records of [start, end); `labels` are by record id."""
    common = sorted(live.scored.keys() & shadow.scored.keys())
    pairs = [(live.scored[reference], shadow.scored[reference]) for reference in common]
    regression = live.contract.task is Task.REGRESSION
    changed = [(str(a.prediction), str(b.prediction)) for a, b in pairs if a.prediction != b.prediction]
    values = [(float(a.prediction), float(b.prediction)) for a, b in pairs] if regression else []
    table = np.array(values, dtype=np.float64).reshape(-1, 2)
    # A shadow that starts in the past scores records that have waited for it.
    since = min((event.scored for event in shadow.scored.values()), default=0.0)
    timely = [(a.scored - a.arrived, b.scored - b.arrived) for a, b in pairs if a.arrived >= since]
    seconds = np.array(timely, dtype=np.float64).reshape(-1, 2)
    return Comparison(
        live=live,
        shadow=shadow,
        start=start,
        end=end,
        outcomes=_outcomes(live, shadow, len(common)),
        equal=len(pairs) - len(changed),
        differences=table[:, 1] - table[:, 0],
        changes=Counter() if regression else Counter(changed),
        latency=(seconds[:, 0], seconds[:, 1]),
        errors=_errors(live.contract.task, pairs, labels),
    )


def _outcomes(live: Side, shadow: Side, both: int) -> Outcomes:
    newest: dict[str, float] = {}
    for (shard, _), arrived in shadow.arrivals.items():
        newest[shard] = max(arrived, newest.get(shard, arrived))
    absent: list[Reference] = [reference for reference in live.scored if reference not in shadow.arrivals]
    waiting = sum(live.arrivals[ref] > newest.get(ref[0], float("-inf")) for ref in absent)
    return Outcomes(
        live=len(live.scored),
        shadow=len(shadow.scored),
        both=both,
        live_rejected=len(live.rejected),
        shadow_rejected=len(shadow.rejected),
        missing=len(absent) - waiting,
        waiting=waiting,
        only_shadow=len(shadow.scored.keys() & live.rejected.keys()),
    )


def _errors(task: Task, pairs: Sequence[tuple[Scored, Scored]], labels: Labels) -> Errors | None:
    """Return the errors on the records that have a label, None without one."""
    from training import evaluate, gate  # noqa: PLC0415  their packages take seconds to import

    found = [(labels[a.record_id], a.prediction, b.prediction) for a, b in pairs if a.record_id in labels]
    if not found:
        return None
    target, theirs, ours = (np.array(column) for column in zip(*found, strict=True))
    of_live, of_shadow = (evaluate.losses(task, target, values) for values in (theirs, ours))
    worse = None
    if len(found) >= _ENOUGH_LABELS:
        worse = gate.worsening(task, of_shadow, of_live, confidence=_CONFIDENCE, seed=0)
    return Errors(
        metric=evaluate.MAIN_METRIC[task][0],
        records=len(found),
        live=evaluate.score(task, of_live),
        shadow=evaluate.score(task, of_shadow),
        worse=worse,
    )
