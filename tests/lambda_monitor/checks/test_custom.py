"""Checks that the user declares in SQL: their results, and what their SQL can't do."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract import checks
from lambda_monitor.checks import custom
from lambda_monitor.checks.custom import CustomError
from lambda_monitor.findings import CheckResult
from tests.lambda_monitor.synthetic import ARTIFACTS, HOUR, MODEL, NOON, Stack, contract, synthetic_rides
from tests.lambda_monitor.synthetic import reference as synthetic_reference

NOW = "2026-03-02T12:00:00.000Z"
LONG = "avg(CAST(trip_distance > 5 AS INTEGER))"


def declared(sql: str, **limits: float) -> bytes:
    check = {"sql": sql, "sentence": "Share of long rides", **(limits or {"above": 0.5})}
    return json.dumps({"custom": {"long_rides": check}}).encode()


def monitored(stack: Stack, invoke: Callable[..., dict], data: bytes, rides: int = 300) -> CheckResult:
    """Return the result of `long_rides` on a window of that many rides."""
    stack.bundle()
    stack.put(stack.events(synthetic_rides(rides, seed=1)))
    checks.upload(stack.s3, ARTIFACTS, MODEL.name, data, NOW)
    [result] = [c for c in invoke()["checks"] if c["name"] == "custom.long_rides"]
    return CheckResult(**result)


def test_an_aggregate_over_the_windows_rows_is_compared_with_its_limit(
    stack: Stack, invoke: Callable[..., dict]
) -> None:
    result = monitored(stack, invoke, declared(LONG, above=0.01))

    share = (synthetic_rides(300, seed=1)["trip_distance"] > 5).mean()
    assert result.value == pytest.approx(share, abs=1e-6)
    assert (result.status, result.threshold, result.columns) == ("alert", 0.01, [])
    assert result.sentence == f"Share of long rides: {share:.6g}, above the limit 0.01."
    [notification] = stack.notifications()
    assert "custom.long_rides failed" in notification["Message"]
    assert f"Share of long rides: {share:.6g}" in notification["Message"]
    assert "make checks USE_CASE=green_taxi CHECKS=checks.json" in notification["Message"]


@pytest.mark.parametrize(
    ("limits", "status", "threshold"),
    [
        ({"above": 0.9}, "ok", 0.9),
        ({"below": 0.01}, "ok", 0.01),
        ({"below": 0.9}, "alert", 0.9),
        ({"below": 0.01, "above": 0.9}, "ok", 0.9),
        ({"below": 0.8, "above": 0.9}, "alert", 0.8),
        ({"above": 0.01, "rows": 301}, "skipped", None),
    ],
)
def test_limits_are_upper_or_lower_ones(
    stack: Stack, invoke: Callable[..., dict], limits: dict, status: str, threshold: float | None
) -> None:
    result = monitored(stack, invoke, declared(LONG, **limits))

    assert (result.status, result.threshold) == (status, threshold)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("count(*)", 300),
        ('count(DISTINCT "@id")', 300),
        ('date_diff(\'minute\', min("@arrived_at"), max("@arrived_at"))', 59),
        ("(SELECT count(*) FROM (SELECT DISTINCT PULocationID FROM rows)) -- zones", None),
        ("corr(prediction, trip_distance)", None),
    ],
)
def test_every_column_can_be_used(
    stack: Stack, invoke: Callable[..., dict], sql: str, value: float | None
) -> None:
    result = monitored(stack, invoke, declared(sql if "SELECT" not in sql else f"max({sql}\n)"))

    assert result.value == value or (value is None and result.value > 0)


def test_a_window_that_cuts_an_hour_counts_only_its_own_rows(
    stack: Stack, invoke: Callable[..., dict]
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(400, seed=1)))
    checks.upload(stack.s3, ARTIFACTS, MODEL.name, declared("count(*)"), NOW)

    [result] = [c for c in invoke(NOON, NOON + HOUR / 4)["checks"] if c["name"] == "custom.long_rides"]

    assert result["value"] == 100


def test_a_window_too_large_for_the_disk_is_represented_by_its_sample(
    stack: Stack, invoke: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "VALUES", 1_000)

    result = monitored(stack, invoke, declared("count(*)"))

    assert result.sentence.endswith("from a sample of 300 of 300 records.")


def test_an_expression_without_a_value_is_skipped_and_an_invalid_one_is_an_error(
    stack: Stack, invoke: Callable[..., dict]
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(300, seed=1)))
    data = {
        "custom": {
            "none": {"sql": "max(NULL)", "sentence": "Nothing", "above": 1},
            "typo": {"sql": "avg(distance)", "sentence": "Distance", "above": 1},
        }
    }
    checks.upload(stack.s3, ARTIFACTS, MODEL.name, json.dumps(data).encode(), NOW)

    answer = invoke()

    found = {c["name"]: c for c in answer["checks"]}
    assert found["custom.none"]["status"] == "skipped"
    assert found["custom.typo"]["status"] == "error"
    assert '"distance" not found' in found["custom.typo"]["sentence"]
    assert answer["status"] == "error"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(pa.table({"a": [1.0, 2.0, 3.0]}), path)
    return path


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("(SELECT count(*) FROM read_csv('/etc/passwd'))", "file system operations are disabled"),
        ("(SELECT max(length(content)) FROM read_text('/etc/passwd'))", "are disabled"),
        ("(SELECT count(*) FROM glob('/*'))", "are disabled"),
        ("(SELECT count(*) FROM 'https://example.com/x.parquet')", "disabled"),
        ("(SELECT count(*) FROM 's3://lake/x.parquet')", "disabled"),
        ("getenv('PATH')", "does not exist"),
        ("1) AS DOUBLE); SET enable_external_access = true; SELECT CAST((1", "not one expression"),
        ("1) AS DOUBLE) FROM rows; DROP VIEW rows; SELECT CAST((1", "not one expression"),
        ("a", "no or several results"),
        ("avg(a", "syntax error"),
        ("max('x')", "Could not convert"),
        ("string_agg(repeat('x', 500000000), '')", "emory"),
        ("sum(length(repeat('x', 2000000000)))", ""),
    ],
)
def test_sql_has_no_access_to_anything_but_the_rows(rows: Path, sql: str, reason: str) -> None:
    with pytest.raises(CustomError, match=reason):
        custom.evaluate(rows, sql, seconds=5)


def test_sql_that_does_not_end_is_killed(rows: Path) -> None:
    started = time.monotonic()

    with pytest.raises(CustomError, match="took more than 1 s"):
        custom.evaluate(rows, "(SELECT count(*) FROM range(100000000000))", seconds=1)

    assert time.monotonic() - started < 5


def test_the_process_of_the_sql_has_no_credentials(
    rows: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "program.py").write_text(
        'import json, os\nprint(json.dumps({"error": str(sorted(os.environ))}))'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(custom, "_PROGRAM", "program")

    with pytest.raises(CustomError) as raised:
        custom.evaluate(rows, "1")

    assert "PYTHONPATH" in str(raised.value)
    assert "AWS" not in str(raised.value)


def test_the_checks_of_a_window_share_a_limit_of_time(
    stack: Stack, invoke: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "TOTAL_SECONDS", 0.0)

    result = monitored(stack, invoke, declared("count(*)"))

    assert (result.status, result.value) == ("error", None)
    assert "took more than 0 s together" in result.sentence


def test_a_rehearsal_gives_the_values_on_the_reference_or_names_the_check() -> None:
    config = {"long": custom.CustomCheck(sql="avg(trip_distance)", sentence="Distance", above=9)}
    table = synthetic_reference(200)

    mean = table.to_pandas()["trip_distance"].mean()
    assert custom.rehearse(contract(), table, config) == {"long": pytest.approx(mean)}
    config["typo"] = custom.CustomCheck(sql="avg(distance)", sentence="Distance", above=9)
    with pytest.raises(CustomError, match=r"custom check 'typo': .*distance.*; correct its sql"):
        custom.rehearse(contract(), table, config)
