"""Evidently report on a sample of a window, with Scorewatch's verdicts.

Verdicts are made from every record of the window with the bundle's thresholds. Evidently gets both: a
drift method that returns the check's value, and one metric per other check. So plots, tests, JSON and
alert agree. None of Evidently's default thresholds or automatic tests is used.
"""

from lambda_monitor.reports import no_telemetry  # noqa: F401  # before Evidently

# isort: split

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from evidently import (
    BinaryClassification,
    DataDefinition,
    Dataset,
    MulticlassClassification,
    Regression,
    Report,
)
from evidently.core.datasets import DatasetColumn
from evidently.core.metric_types import (
    MetricTestResult,
    SingleValue,
    SingleValueCalculation,
    SingleValueMetric,
)
from evidently.legacy.calculations.stattests.registry import StatTest, register_stattest
from evidently.legacy.core import ColumnType
from evidently.legacy.model.widget import BaseWidgetInfo
from evidently.legacy.tests.base_test import TestStatus
from evidently.metrics import ValueDrift, column_statistics
from evidently.presets import ClassificationPreset, DataSummaryPreset, RegressionPreset
from evidently.tests import lte

from contract import bundle
from contract.schema import Contract, Kind, Task
from lambda_monitor.findings import CheckResult, Rendered
from lambda_monitor.lake.texts import category
from lambda_monitor.reports import evidently_page

# Most categories shown by name, by count; the others are shown as one.
TOP_CATEGORIES = 50
OTHER = "(other)"
_BINARY = 2
# Checks of one column's distribution, shown as Evidently's drift metric.
_OF_COLUMNS = {"drift.feature", "drift.prediction", "drift.target"}
_METHOD = "scorewatch"
_STATUS = {
    "ok": TestStatus.SUCCESS,
    "alert": TestStatus.FAIL,
    "skipped": TestStatus.SKIPPED,
    "error": TestStatus.ERROR,
}


class Check(SingleValueMetric):  # type: ignore[misc]  # Evidently has no types for its metrics' metaclass
    """A check as a metric of the report."""

    title: str
    value: float
    status: str
    sentence: str


class CheckCalculation(SingleValueCalculation[Check]):  # type: ignore[misc]  # as above
    """Value and status of a check."""

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> SingleValue:  # noqa: ARG002  # Evidently's signature
        """Return the check's value with its status as the test."""
        result = self.result(self.metric.value)
        result.set_tests(
            [
                MetricTestResult(
                    id="scorewatch",
                    name=self.metric.title,
                    description=self.metric.sentence,
                    metric_config=self.to_metric_config(),
                    test_config={},
                    status=_STATUS[self.metric.status],
                )
            ]
        )
        return result

    def display_name(self) -> str:
        """Return the check's name and columns."""
        return str(self.metric.title)


def render(
    contract: Contract,
    reference: pa.Table,
    current: pa.Table,
    checks: Sequence[CheckResult],
    *,
    records: int,
) -> Rendered:
    """Return the report on `current`, a sample of a window's `records`, against `reference`.

    Both have the features and the prediction; if `current` has the target too, the performance presets
    are added. Columns without a value in either table are left out.
    """
    columns = [*contract.feature_names, bundle.PREDICTION_COLUMN]
    labelled = bundle.TARGET_COLUMN in current.column_names and bundle.TARGET_COLUMN in reference.column_names
    if labelled:
        columns.append(bundle.TARGET_COLUMN)
    columns = [c for c in columns if _filled(reference, c) and _filled(current, c)]
    numeric = [c for c in columns if _is_numeric(contract, c)]
    frames = _frames(reference, current, columns, numeric)
    definition = DataDefinition(
        numerical_columns=numeric,
        categorical_columns=[c for c in columns if c not in numeric],
        **_task(contract, frames[1], labelled=labelled),
    )
    datasets = [Dataset.from_pandas(frame, data_definition=definition) for frame in frames]
    items = _metrics(columns, checks)
    if columns:
        items.append(DataSummaryPreset(columns=columns))
    if definition.regression:
        items.append(RegressionPreset())
    if definition.classification:
        items.append(ClassificationPreset())
    with one_plot_per_column():
        snapshot = Report(items).run(datasets[1], datasets[0])
    # A check without a value is NaN to Evidently; JSON has no NaN.
    found = json.loads(snapshot.json(), parse_constant=lambda _: None)
    note = f"The plots show {len(current):,} of {records:,} records; the checks use all of them."
    page = evidently_page.secured(snapshot.get_html_str(as_iframe=False), note)
    return Rendered(page.encode(), json.dumps(found).encode())


@contextlib.contextmanager
def one_plot_per_column() -> Iterator[None]:
    """Draw each column's distribution once while Evidently makes a report.

    Evidently draws the same plot for each of a numeric column's seven statistics and shows one of them.
    """
    draw = column_statistics.distribution
    drawn: dict[str, list[BaseWidgetInfo]] = {}

    def once(title: str, current: DatasetColumn, reference: DatasetColumn | None) -> list[BaseWidgetInfo]:
        column = str(current.data.name)
        if column not in drawn:
            drawn[column] = draw(title, current, reference)
        return [widget.copy(update={"title": title}) for widget in drawn[column]]

    column_statistics.distribution = once
    try:
        yield
    finally:
        column_statistics.distribution = draw


def _metrics(columns: Sequence[str], checks: Sequence[CheckResult]) -> list[Any]:
    ordered = sorted((c for c in checks if _drawn(c, columns)), key=_ratio, reverse=True)
    drift: dict[str, CheckResult] = {}
    for check in ordered:
        drift.setdefault(check.columns[0], check)
    _register({column: check.value or 0.0 for column, check in drift.items()})
    items: list[Any] = [
        ValueDrift(
            column=column, method=_METHOD, threshold=check.threshold, tests=[lte(threshold=check.threshold)]
        )
        for column, check in drift.items()
    ]
    shown = {id(check) for check in drift.values()}
    items += [
        Check(
            title=f"{check.name}: {', '.join(check.columns)}" if check.columns else check.name,
            value=float("nan") if check.value is None else check.value,
            status=check.status,
            sentence=check.sentence,
        )
        for check in checks
        if id(check) not in shown
    ]
    return items


def _ratio(check: CheckResult) -> float:
    return check.ratio or 0.0


def _drawn(check: CheckResult, columns: Sequence[str]) -> bool:
    """Return whether the check is shown as Evidently's drift metric of one column."""
    return (
        check.name in _OF_COLUMNS
        and check.status in {"ok", "alert"}
        and len(check.columns) == 1
        and check.columns[0] in columns
        and check.value is not None
        and check.threshold is not None
    )


def _register(values: dict[str, float]) -> None:
    """Register a drift method that returns the value of its column in `values`."""

    def answer(
        reference: "pd.Series[Any]", current: "pd.Series[Any]", kind: ColumnType, threshold: float
    ) -> tuple[float, bool]:
        del reference, kind
        value = values[str(current.name)]
        return value, value > threshold

    method = StatTest(
        name=_METHOD,
        display_name="Scorewatch, on every record of the window",
        allowed_feature_types=[ColumnType.Numerical, ColumnType.Categorical],
    )
    register_stattest(method, answer)


def _filled(table: pa.Table, column: str) -> bool:
    return column in table.column_names and table.column(column).null_count < len(table)


def _is_numeric(contract: Contract, column: str) -> bool:
    if column in {bundle.PREDICTION_COLUMN, bundle.TARGET_COLUMN}:
        return contract.task is Task.REGRESSION
    # A text is its length.
    return contract.feature(column).kind is not Kind.CATEGORICAL


def _frames(
    reference: pa.Table, current: pa.Table, columns: list[str], numeric: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables as data frames: floats, and categories as text with rare ones grouped."""
    sides: list[dict[str, Any]] = [{}, {}]
    for column in columns:
        pair = [table.column(column).to_pandas() for table in (reference, current)]
        if column in numeric:
            pair = [values.astype("float64") for values in pair]
        else:
            pair = _grouped([values.astype("object").map(_text, na_action="ignore") for values in pair])
        for side, values in zip(sides, pair, strict=True):
            side[column] = values
    first, second = (pd.DataFrame(side) for side in sides)
    return first, second


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else category(value)


def _grouped(pair: list[Any]) -> list[Any]:
    counts = pd.concat(pair).value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    if len(ordered) <= TOP_CATEGORIES + 1:
        return pair
    kept = {category for category, _ in ordered[:TOP_CATEGORIES]}
    return [values.where(values.isin(kept) | values.isna(), OTHER) for values in pair]


def _task(contract: Contract, current: pd.DataFrame, *, labelled: bool) -> dict[str, Any]:
    needed = {bundle.TARGET_COLUMN, bundle.PREDICTION_COLUMN}
    if not labelled or not needed <= set(current.columns):
        return {}
    names = {"target": bundle.TARGET_COLUMN, "prediction": bundle.PREDICTION_COLUMN}
    if contract.task is Task.REGRESSION:
        return {"regression": [Regression(**names)]}
    labels = contract.target.labels or []
    names = {"target": bundle.TARGET_COLUMN, "prediction_labels": bundle.PREDICTION_COLUMN}
    if len(labels) == _BINARY:
        positive = labels[1] if contract.target.positive is None else contract.target.positive
        return {"classification": [BinaryClassification(**names, pos_label=str(positive))]}
    return {"classification": [MulticlassClassification(**names)]}
