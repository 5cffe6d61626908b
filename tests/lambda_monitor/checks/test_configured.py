"""Which checks.json a run uses: the upload before the bundle's before the defaults."""

import json
from collections.abc import Callable

import pytest

from contract import bundle, checks
from lambda_monitor import check_config, model
from lambda_monitor.check_config import CheckConfigError
from tests.lambda_monitor.synthetic import ARTIFACTS, MODEL, Stack, synthetic_rides

NOW = "2026-03-02T12:00:00.000Z"
OFF = b'{"checks": {"outliers": {"enabled": false}}}'
STRICT = b'{"checks": {"outliers": {"threshold": -1}}}'


def used(stack: Stack, invoke: Callable[..., dict]) -> tuple[dict, str, list[str]]:
    """Return the configuration in report.json, the page, and the names of failed checks."""
    page = invoke()["report"]
    report = json.loads(stack.read(page.replace("report.html", "report.json")))
    failed = sorted({c["name"] for c in report["checks"] if c["status"] == "alert"})
    return report["configuration"], stack.read(page).decode(), failed


def upload(stack: Stack, data: bytes | None) -> None:
    checks.upload(stack.s3, ARTIFACTS, MODEL.name, data, NOW)


def test_a_run_uses_the_newest_upload_and_the_report_names_it(
    stack: Stack, invoke: Callable[..., dict]
) -> None:
    stack.bundle(checks=OFF)
    stack.put(stack.events(synthetic_rides(300, seed=1)))

    report, page, failed = used(stack, invoke)
    assert report == {"source": "bundle", "version": None, "sha256": checks.digest(OFF)}
    assert f"Checks: checks.json of the bundle, SHA-256 {checks.digest(OFF)[:12]}." in page
    assert failed == []

    upload(stack, STRICT)
    report, page, failed = used(stack, invoke)
    assert report == {"source": "uploaded", "version": 1, "sha256": checks.digest(STRICT)}
    assert f"Checks: checks.json of upload 1, SHA-256 {checks.digest(STRICT)[:12]}." in page
    assert failed == ["outliers"]

    upload(stack, None)
    report, _, failed = used(stack, invoke)
    assert (report["source"], failed) == ("bundle", [])


def test_without_any_checks_json_the_report_names_the_defaults(
    stack: Stack, invoke: Callable[..., dict]
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(300, seed=1)))

    report, page, _ = used(stack, invoke)

    assert report == {"source": "default", "version": None, "sha256": None}
    assert "Checks: the defaults." in page


def test_an_upload_that_does_not_fit_the_model_is_an_error_not_ignored(
    stack: Stack, invoke: Callable[..., dict]
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(300, seed=1)))
    upload(stack, b'{"checks": {"outliers": {"columns": {"fare": {"enabled": false}}}}}')

    answer = invoke()

    assert answer["status"] == "error"
    assert "upload 1 of checks: checks.json names the column 'fare' of outliers" in answer["reason"]


def test_an_unreadable_upload_is_an_error(stack: Stack) -> None:
    stack.bundle()
    stack.s3.put_object(Bucket=ARTIFACTS, Key=f"models/{MODEL.name}/{bundle.CHECKS}", Body=b"{")

    with pytest.raises(CheckConfigError, match="can't be read"):
        model.configured(model.load(stack.s3, ARTIFACTS, MODEL.name, "1"), stack.s3, ARTIFACTS)


CHECK = {"sql": "avg(a)", "sentence": "Mean", "above": 1}


@pytest.mark.parametrize(
    ("custom", "message"),
    [
        ({"Mean": CHECK}, "name it with at most 40"),
        ({"m" * 41: CHECK}, "name it with at most 40"),
        ({"mean": {**CHECK, "above": None}}, "without a limit: give above or below"),
        ({"mean": {**CHECK, "sql": " "}}, "1 to 2,000 characters"),
        ({"mean": {**CHECK, "sql": "1" * 2001}}, "1 to 2,000 characters"),
        ({"mean": {**CHECK, "sentence": "a\nb"}}, "one line of 1 to 200"),
        ({"mean": {**CHECK, "sentence": "a" * 201}}, "one line of 1 to 200"),
        ({"mean": {**CHECK, "rows": 0}}, "rows must be 1 or more"),
        ({"mean": {**CHECK, "over": 1}}, "unknown field `over`"),
        ({f"mean{number}": CHECK for number in range(21)}, "declares 21 custom checks: 20 are allowed"),
    ],
)
def test_a_custom_check_is_declared_completely(custom: dict, message: str) -> None:
    with pytest.raises(CheckConfigError, match=message):
        check_config.load(json.dumps({"custom": custom}).encode(), ["a"])
