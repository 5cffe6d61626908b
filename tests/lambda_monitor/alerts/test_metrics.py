"""Metrics of a run: embedded metric format, one series per check and column, a cap on their number."""

import json
import re

import msgspec
import pytest

from lambda_monitor import monitor
from lambda_monitor.alerts import metrics
from lambda_monitor.alerts.metrics import OTHERS, WHOLE, Series
from lambda_monitor.findings import CheckResult, Findings, Status
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.alerts.test_messages import DRIFT, FINE
from tests.lambda_monitor.synthetic import HOUR, MODEL, NOON, Stack, contract, moment, synthetic_rides

CONTRACT = contract()


def check(name: str, value: float | None = 0.5, *columns: str, limit: float | None = 1.0) -> CheckResult:
    return CheckResult.above(name, value or 0.0, limit, "", columns=columns)


def wide(number: int) -> list[CheckResult]:
    """Return the checks of a window with that many columns, in the order in which a run makes them."""
    names = [f"c{n:03d}" for n in range(number)]
    return [
        *(check(name) for name in ("service.lost", "lake.late", "model.version")),
        *(check("quality.missing", n / number, name) for n, name in enumerate(names)),
        *(check("drift.feature", n, name) for n, name in enumerate(names)),
        check("drift.prediction", 0.5, "prediction"),
        check("performance"),
    ]


def emitted(lines: list[str]) -> list[tuple[str, dict[str, str], float]]:
    """Return name, dimensions and value of each metric, as CloudWatch extracts them."""
    found = []
    for line in map(json.loads, lines):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert directive["Namespace"] == "Scorewatch"
            for names in directive["Dimensions"]:
                dimensions = {name: line[name] for name in names}
                assert all(isinstance(value, str) for value in dimensions.values())
                found += [(m["Name"], dimensions, line[m["Name"]]) for m in directive["Metrics"]]
    return found


def test_metrics_are_in_the_embedded_metric_format() -> None:
    lines = metrics.lines(
        "green_taxi",
        MODEL,
        NOON,
        {"MonitorRuns": 1.0, "FailedChecks": 2.0},
        [DRIFT],
        [Series("drift.feature", "trip_distance", 5.125), Series("outliers", "fare", None)],
        ["ALERT: green_taxi"],
    )

    assert emitted(lines) == [
        ("MonitorRuns", {"UseCase": "green_taxi"}, 1.0),
        ("FailedChecks", {"UseCase": "green_taxi"}, 2.0),
        (
            "TimesLimit",
            {"UseCase": "green_taxi", "Check": "drift.feature", "Column": "trip_distance"},
            5.125,
        ),
    ]
    first = json.loads(lines[0])
    assert {json.loads(line)["_aws"]["Timestamp"] for line in lines} == {int(NOON.timestamp() * 1000)}
    assert (first["messages"], first["checks"][0]["columns"]) == (["ALERT: green_taxi"], ["trip_distance"])


def test_values_have_severity_age_and_errors_of_the_model() -> None:
    checks = [DRIFT, FINE, check("service.staleness", 3.5, limit=12), check("performance.estimate", 5.0)]
    found = metrics.values(
        Findings(status=Status.ALERT, records=7, checks=checks, counts={"LabelledRecords": 2.0}), 1
    )

    assert found == {
        "MonitorRuns": 1.0,
        "MonitoredRecords": 7.0,
        "FailedChecks": 2.0,
        "MonitorErrors": 0.0,
        "AlertMessages": 1.0,
        "Severity": 2.0,
        "RecordAgeHours": 3.5,
        "EstimatedError": 5.0,
        "LabelledRecords": 2.0,
    }
    ok = metrics.values(Findings(status=Status.OK, records=7, checks=[FINE]), 0)
    assert (ok["Severity"], "ModelError" in ok) == (0.0, False)


def test_a_series_has_the_users_column_and_the_value_divided_by_the_limit() -> None:
    checks = [
        check("drift.target", 0.3, "target", limit=0.2),
        check("service.lost", 0.01, limit=0.02),
        CheckResult.skipped("drift.feature", "", ["fare"]),
        check("lake.bad_lines", 3.0, limit=0.0),
        check("quality.constant", 1.0, "fare", limit=0.0),
    ]
    assert metrics.series(checks, CONTRACT, 20) == [
        Series("drift.target", "duration", pytest.approx(1.5)),
        Series("drift.feature", "fare", None),
        Series("service.lost", WHOLE, 0.5),
    ]


def test_more_series_than_the_cap_are_summarised_as_the_worst_of_their_kind() -> None:
    found = metrics.series(wide(100), CONTRACT, 20)

    assert len(found) == 20
    assert [one.check for one in found[:3]] == ["performance", "drift.prediction", "drift.feature"]
    assert [one.column for one in found[2:15]] == [f"c{n:03d}" for n in range(13)]
    assert found[15:] == [
        Series("drift", OTHERS, 99.0),
        Series("service.lost", WHOLE, 0.5),
        Series("lake.late", WHOLE, 0.5),
        Series("model.version", WHOLE, 0.5),
        Series("quality", OTHERS, 0.99),
    ]


@pytest.mark.parametrize("most", range(12))
def test_the_cap_holds_down_to_none(most: int) -> None:
    found = metrics.series(wide(50), CONTRACT, most)

    assert len(found) <= most
    assert max((one.times or 0 for one in found), default=49.0) == 49.0
    # The checks are of six kinds.
    assert (found == [Series("every check", OTHERS, 49.0)]) == (0 < most < 6)
    assert len(found) == most or most < 6


def test_the_same_series_go_on_whatever_the_values_and_skipped_checks() -> None:
    checks = wide(100)
    other = [msgspec.structs.replace(c, value=9.0) for c in checks[:60]] + [
        CheckResult.skipped(c.name, "", c.columns) for c in checks[60:]
    ]
    named = [[one[:2] for one in metrics.series(c, CONTRACT, 20)] for c in (checks, other)]
    assert named[0] == named[1]


@pytest.mark.parametrize("column", ["größe", "a: b", " ", ":x", "x" * 300])
def test_a_dimension_is_what_cloudwatch_accepts(column: str) -> None:
    [_, line] = metrics.lines("u", MODEL, NOON, {}, [], [Series("drift.feature", column, 1.0)])

    # "Dimension values must contain only ASCII characters, must include at least one non-whitespace
    # character, and cannot start with a colon", at most 1,024 of them.
    assert re.fullmatch(r"(?!:)[ -~]{1,1024}", json.loads(line)["Column"])
    assert json.loads(line)["Column"].strip()


def test_a_scheduled_run_prints_its_series_and_one_by_hand_none(
    stack: Stack, scheduled, invoke, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(500, seed=7, stretch=2.0)))

    invoke(NOON, NOON + HOUR)
    by_hand = emitted([line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line])
    scheduled(NOON, NOON + HOUR)
    found = emitted([line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line])

    assert [name for name, *_ in by_hand if name == "TimesLimit"] == []
    drift = {d["Column"]: v for name, d, v in found if d.get("Check") == "drift.feature"}
    assert drift["trip_distance"] > 3 > drift["DOLocationID"]
    assert len([name for name, *_ in found if name == "TimesLimit"]) <= 20
    assert ("Severity", {"UseCase": "green_taxi"}, 1.0) in found


def test_an_environment_has_a_namespace_of_its_own(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(500, seed=7, stretch=2.0)))
    environment = stack.environment(ENVIRONMENT="dev", METRICS_NAMESPACE="Scorewatch/dev")
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)
    span = Span(start=NOON, end=NOON + HOUR, asked=False)
    monitor.run(clients, Settings.from_environment(environment), span, moment("request", NOON + HOUR))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert {d["Namespace"] for line in lines for d in line["_aws"]["CloudWatchMetrics"]} == {"Scorewatch/dev"}
    [subject] = lines[0]["messages"]
    assert subject.startswith("ALERT: green_taxi (dev) ")
