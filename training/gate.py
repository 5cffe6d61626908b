"""The gate: compare challenger and champion on the same held-out rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pandas as pd
from sklearn.pipeline import Pipeline

from contract.bundle import BundleError
from contract.schema import Task
from training import onnx_model, serving
from training.errors import describe
from training.evaluate import MAIN_METRIC, losses, score, segment_columns
from training.onnx_graph import ExportError
from training.use_case import UseCase

Losses = npt.NDArray[np.float64]

RESAMPLES = 2_000
DRAWS = 100_000_000
SEGMENT_ROWS = 100
BATCH = 1_000
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Check:
    """Result of one check of the gate, with a sentence."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The gate's decision, check by check."""

    checks: list[Check]

    @property
    def passed(self) -> bool:
        """True when every check passed."""
        return all(c.passed for c in self.checks)

    @property
    def reasons(self) -> list[str]:
        """The sentences of the checks that failed."""
        return [c.sentence for c in self.checks if not c.passed]


def decide(
    use_case: UseCase,
    challenger: Pipeline,
    onnx: bytes,
    champion: Pipeline | None,
    rows: pd.DataFrame,
    changed: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on a challenger.

    Without a champion only parity, size and latency are checked. `changed` lists the differences of the
    contracts, which prevent a comparison.
    """
    checks = [
        _parity(use_case, challenger, onnx, rows),
        _size(use_case, onnx),
        _latency(use_case, onnx, rows),
    ]
    if changed:
        return Verdict([Check("contract", passed=False, sentence=_incomparable("; ".join(changed))), *checks])
    if champion is None:
        return Verdict(
            [Check("champion", passed=True, sentence="there is no champion to compare with"), *checks]
        )
    try:
        champion.predict(use_case.model_rows(rows))
    except Exception as error:  # noqa: BLE001  # scikit-learn raises anything on unfitted values
        sentence = _incomparable(f"the champion can't score the held-out rows ({describe(error)})")
        return Verdict([Check("contract", passed=False, sentence=sentence), *checks])
    target = rows[use_case.target.name].to_numpy()
    theirs, ours = (
        losses(use_case.task, target, model.predict(use_case.model_rows(rows)))
        for model in (champion, challenger)
    )
    return Verdict([_metric(use_case, ours, theirs), *_segments(use_case, rows, ours, theirs), *checks])


def serving_check(folder: Path) -> Check:
    """Check that the scorer of the prediction Lambda serves an exported bundle."""
    try:
        rows = serving.check(folder)
    except BundleError as error:
        return Check("serving", passed=False, sentence=str(error))
    return Check("serving", passed=True, sentence=f"the scorer loads the bundle and scores {rows} rows of it")


def _incomparable(reason: str) -> str:
    return (
        f"the contract changed since the champion: {reason}. The two can't be compared on the same rows: "
        "review both reports and promote with --anyway, or give the use case another name"
    )


def worsening(
    task: Task, ours: Losses, theirs: Losses, *, confidence: float, seed: int
) -> tuple[float, float, float]:
    """Return how much the challenger is worse: difference, low, high.

    The interval is a paired bootstrap over rows.
    Each draw takes the same rows for both models, so a row's difficulty cancels. Negative is better.
    """
    rng = np.random.default_rng(seed)
    resamples = int(np.clip(DRAWS // len(ours), 200, RESAMPLES))
    drawn = np.empty(resamples)
    for number in range(resamples):
        rows = rng.integers(0, len(ours), len(ours))
        drawn[number] = _worse(task, ours[rows], theirs[rows])
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return _worse(task, ours, theirs), float(low), float(high)


def _worse(task: Task, ours: Losses, theirs: Losses) -> float:
    difference = score(task, ours) - score(task, theirs)
    return -difference if MAIN_METRIC[task][1] else difference


def _metric(use_case: UseCase, ours: Losses, theirs: Losses) -> Check:
    gate, metric = use_case.gate, MAIN_METRIC[use_case.task][0]
    _, low, high = worsening(use_case.task, ours, theirs, confidence=gate.confidence, seed=use_case.seed)
    champion = score(use_case.task, theirs)
    sentence = (
        f"{metric} {score(use_case.task, ours):.4g} against the champion's {champion:.4g} on "
        f"{len(ours):,} held-out rows: between {_signed(low, champion)} and {_signed(high, champion)} "
        f"({gate.confidence:.0%} paired bootstrap); it passes if the interval reaches 0 and stays "
        f"within {gate.margin:.1%} worse"
    )
    return Check("quality", passed=low <= 0 and high <= gate.margin * champion, sentence=sentence)


def _segments(use_case: UseCase, rows: pd.DataFrame, ours: Losses, theirs: Losses) -> list[Check]:
    """Return one check per segment column.

    It fails where a value with enough rows is significantly worse by more than the margin.
    """
    gate, champion = use_case.gate, score(use_case.task, theirs)
    limit = gate.segment_margin * champion
    checks = []
    for column in segment_columns(use_case):
        groups = {v: p for v, p in rows.groupby(column).indices.items() if len(p) >= SEGMENT_ROWS}
        worse = {}
        for value, positions in groups.items():
            point = _worse(use_case.task, ours[positions], theirs[positions])
            # Bonferroni: the error rate is shared by all segments.
            confidence = 1 - (1 - gate.confidence) / len(groups)
            if point > limit and _significantly_worse(
                use_case, ours[positions], theirs[positions], confidence
            ):
                worse[value] = point
        listed = ", ".join(f"{v} ({_signed(w, champion)})" for v, w in worse.items()) or "none"
        sentence = (
            f"of {len(groups)} values of {column} with {SEGMENT_ROWS} rows or more, worse by more than "
            f"{gate.segment_margin:.0%} of the champion's overall metric: {listed}"
        )
        checks.append(Check(f"segments of {column}", passed=not worse, sentence=sentence))
    return checks


def _significantly_worse(use_case: UseCase, ours: Losses, theirs: Losses, confidence: float) -> bool:
    return worsening(use_case.task, ours, theirs, confidence=confidence, seed=use_case.seed)[1] > 0


def _parity(use_case: UseCase, challenger: Pipeline, onnx: bytes, rows: pd.DataFrame) -> Check:
    try:
        parity = onnx_model.check_parity(use_case, challenger, onnx, rows)
    except ExportError as error:
        return Check("onnx", passed=False, sentence=str(error))
    return Check(
        "onnx",
        passed=True,
        sentence=f"ONNX agrees with scikit-learn on {parity.rows:,} rows, at most {parity.largest:.1e} apart",
    )


def _size(use_case: UseCase, onnx: bytes) -> Check:
    size, limit = len(onnx) / MEGABYTE, use_case.gate.max_megabytes
    return Check(
        "size",
        passed=size <= limit,
        sentence=f"the model has {size:.2f} MB, the limit is {limit:g} MB",
    )


def _latency(use_case: UseCase, onnx: bytes, rows: pd.DataFrame) -> Check:
    """Check the time per record on one thread.

    Measured on batches of 1,000 records, the best of ten.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    batch = rows.sample(BATCH, replace=len(rows) < BATCH, random_state=use_case.seed)
    inputs = onnx_model.inputs(session, use_case.model_rows(batch))
    best = min(_seconds(session, inputs) for _ in range(10))
    micros, limit = best / BATCH * 1e6, use_case.gate.max_microseconds
    return Check(
        "latency",
        passed=micros <= limit,
        sentence=f"a record takes {micros:.1f} microseconds in a batch of {BATCH:,}, the limit is {limit:g}",
    )


def _seconds(session: ort.InferenceSession, inputs: dict[str, Any]) -> float:
    start = time.perf_counter()
    session.run(None, inputs)
    return time.perf_counter() - start


def _signed(difference: float, champion: float) -> str:
    share = difference / champion if champion else 0.0
    return f"{abs(share):.1%} {'worse' if share > 0 else 'better'}"
