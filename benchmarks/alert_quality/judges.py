"""Scorewatch's own checks and Evidently's defaults as judges."""

import functools
from datetime import UTC, datetime
from itertools import chain

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from evidently import Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.calculations.stattests.registry import StatTest
from evidently.legacy.core import ColumnType
from evidently.metrics import ValueDrift

from benchmarks.alert_quality.subject import Watched
from contract import bundle
from contract.schema import Contract
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns
from lambda_monitor.checks.delivery import REJECTED_LIMIT
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.lake.events import ARRIVED
from lambda_monitor.lake.labels import Labels
from lambda_monitor.profiles.profile import Profile

OURS, LABELLED, COUNTED = "Scorewatch", "Scorewatch with labels", "Scorewatch, seasons count"
FEW = "Scorewatch with 5% of labels"
EVIDENTLY_ANY, EVIDENTLY_HALF = "Evidently, any column", "Evidently, half the columns"
FEW_LABELS = 0.05
_COUNT = CheckConfig(seasonality="count")
# Evidently reports dataset drift if half the columns drifted.
_SHARE = 0.5


def verdicts(watched: Watched, rows: pd.DataFrame) -> tuple[dict[str, bool], list[str]]:
    """Return which judges raise an alarm on a window, and Scorewatch's reasons."""
    alerts, labelled, few, counted = scorewatch(watched, rows)
    drifted = evidently(watched, rows)
    found = {
        OURS: bool(alerts),
        LABELLED: bool(alerts or labelled),
        FEW: bool(alerts or few),
        COUNTED: bool(counted),
        EVIDENTLY_ANY: any(drifted),
        EVIDENTLY_HALF: sum(drifted) >= _SHARE * len(drifted),
    }
    labels_only = [f"5% of labels, {reason}" for reason in few]
    return found, [*alerts, *labelled, *labels_only]


def scorewatch(watched: Watched, rows: pd.DataFrame) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return alerts without labels, those that labels of all and of 5% add, and alerts if seasons count.

    A record without a feature counts as rejected, since scoring would reject it.
    """
    whole = rows[watched.names].notna().all(axis=1)
    share = 1 - float(whole.mean())
    rejected = [f"service.rejected: {share:.3f} > {REJECTED_LIMIT}"] if share > REJECTED_LIMIT else []
    table = pa.Table.from_pandas(rows[whole].reset_index(drop=True), preserve_index=False)
    model = watched.model
    profile = Profile.of(table, model.profile_spec)
    plain = columns.check_columns(model, profile)
    counting = columns.check_columns(msgspec.structs.replace(model, check_config=_COUNT), profile)
    draws = np.random.default_rng(len(table)).random(len(table))
    every, few = (
        _alerts(columns.check_performance(model, truth(model.contract, table, draws < share)))
        for share in (1.0, FEW_LABELS)
    )
    return rejected + _alerts(plain), every, few, rejected + _alerts(counting)


def truth(contract: Contract, table: pa.Table, chosen: npt.NDArray[np.bool_]) -> Truth:
    """Return the window with labels for the chosen records, arrived at the time of their rows."""
    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    if times:
        table = table.append_column(ARRIVED, table.column(times[0]))
    rows = table.filter(pa.array(chosen))
    labels = Labels(table=rows, conflicts=0, bad_lines=0, unreadable=[])
    now, outcome = datetime.now(UTC), bundle.probability_column(contract) or bundle.PREDICTION_COLUMN
    return Truth(
        start=now, end=now, records=len(table), rows=rows, labels=labels, outcomes=table.column(outcome)
    )


def evidently(watched: Watched, rows: pd.DataFrame) -> list[bool]:
    """Return whether Evidently's default test reports drift, per column."""
    found = []
    for name in watched.compared:
        test, kind = _default_test(watched, name)
        found.append(bool(test(watched.reference[name], rows[name].dropna(), kind, None).drifted))
    return found


def agreement(watched: Watched, windows: list[pd.DataFrame]) -> tuple[int, int]:
    """Return how many verdicts agree with Evidently's Reports, and the total."""
    same = total = 0
    for rows in windows:
        sides = [
            side[watched.compared].astype(dict.fromkeys(watched.categorical, "str"))
            for side in (rows, watched.reference)
        ]
        metrics = [ValueDrift(column=name) for name in watched.compared]
        tests = Report(metrics, include_tests=True).run(*sides).dict()["tests"]
        reported = [test["status"] == "FAIL" for test in tests]
        same += sum(a == b for a, b in zip(reported, evidently(watched, rows), strict=True))
        total += len(reported)
    return same, total


@functools.cache
def _default_test(watched: Watched, name: str) -> tuple[StatTest, ColumnType]:
    """Return the test that Evidently selects for a column of the reference."""
    kind = ColumnType.Categorical if name in watched.categorical else ColumnType.Numerical
    column = watched.reference[name]
    return get_stattest(column, column, kind, None), kind


def _alerts(results: list[CheckResult]) -> list[str]:
    return list(chain.from_iterable(_described(result) for result in results if result.status == "alert"))


def _described(result: CheckResult) -> list[str]:
    which = f" {result.detail['statistic']}" if "statistic" in result.detail else ""
    which = f" {result.detail['segment']}" if "segment" in result.detail else which
    value, threshold = result.value or 0.0, result.threshold or 0.0
    return [f"{result.name} {' '.join(result.columns)}{which}: {value:.4f} > {threshold:.4f}"]
