"""Status of a window, and checks that the user disabled."""

import pyarrow as pa
import pytest

from contract import bundle
from lambda_monitor.check_config import CheckConfig, CheckOverride
from lambda_monitor.checks import verdict
from lambda_monitor.checks.verdict import Evidence
from lambda_monitor.findings import CheckResult, Status
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.labels import Reader
from lambda_monitor.lake.rejections import Rejections
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from tests.lambda_monitor.synthetic import (
    HOUR,
    LAKE,
    LAYOUT,
    NOON,
    Stack,
    contract,
    hours,
    limits,
    profiler,
    read_window,
    reference,
    synthetic_rides,
)


def outcome(status: str) -> CheckResult:
    return CheckResult(
        name="x", value=None, threshold=None, status=status, columns=[], sentence="", detail={}
    )


@pytest.mark.parametrize(
    ("statuses", "records", "expected"),
    [
        (["ok", "skipped"], 5, Status.OK),
        (["ok", "alert", "error"], 5, Status.ALERT),
        (["ok", "error"], 5, Status.ERROR),
        (["error", "alert"], 0, Status.ERROR),
        (["alert"], 0, Status.NO_DATA),
    ],
)
def test_the_status_of_a_window_is_that_of_its_worst_check(
    statuses: list[str], records: int, expected: Status
) -> None:
    assert verdict.overall([outcome(s) for s in statuses], records=records) is expected


def findings(stack: Stack, config: CheckConfig) -> dict[str, str]:
    model = Model(
        contract=contract(),
        reference=reference(),
        profile_spec=LAYOUT,
        baseline=profiler(reference()),
        thresholds=thresholds.load(limits(5000)),
        check_config=config,
    )
    labels = Reader(stack.s3, LAKE, contract(), S3Cache(stack.s3, LAKE, "p/")).read(NOON, NOON + HOUR)
    names = [*contract().feature_names, bundle.PREDICTION_COLUMN, bundle.TARGET_COLUMN]
    truth = Truth(
        start=NOON,
        end=NOON + HOUR,
        records=0,
        rows=pa.table({name: pa.array([], pa.float64()) for name in names}),
        labels=labels,
    )
    evidence = Evidence(
        window=read_window(hours(stack)),
        rejections=Rejections(count=0, reasons={}, unreadable=[], failed=[]),
        truth=truth,
        results=[outcome("alert")],
    )
    return {r.name: r.status for r in verdict.evaluate(model, evidence).checks}


def test_a_disabled_check_has_no_result_and_no_influence(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(200, seed=1))
    stack.put([*lines, *lines[:50]])
    names = ("lake.duplicates", "labels.coverage", "x", "quality.missing")
    enabled = findings(stack, CheckConfig())
    disabled = findings(stack, CheckConfig(checks={name: CheckOverride(enabled=False) for name in names}))

    assert enabled["lake.duplicates"] == "alert"
    assert set(names) <= set(enabled)
    assert not set(names) & set(disabled)
