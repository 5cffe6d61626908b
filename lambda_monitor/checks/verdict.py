"""All checks of a window, its status, and its Evidently reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
import pyarrow as pa

from contract.bundle import TARGET_COLUMN
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns, days, delivery, error_evidence
from lambda_monitor.checks.evidence import Scheduled, decide
from lambda_monitor.findings import CheckResult, Findings, Picture, Rendered, Status
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.hours.window import Window
from lambda_monitor.lake.rejections import Rejections
from lambda_monitor.lake.sample import spread
from lambda_monitor.model import Model
from lambda_monitor.profiles.profile import Profile
from lambda_monitor.reports import heavy_import
from lambda_monitor.untrusted import one_line

# Longest reason of a status, in characters.
_REASON = 10_000


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Data of a window; `results` are checks that were already made, `now` is the time of the run.

    `scheduled` is what a scheduled decision knows of earlier hours; a window by hand has none.
    """

    window: Window
    rejections: Rejections
    truth: Truth
    results: Sequence[CheckResult] = ()
    now: datetime | None = None
    scheduled: Scheduled | None = None


def evaluate(model: Model, evidence: Evidence) -> Findings:
    """Return the findings on a window, its reports not yet rendered."""
    window, truth = evidence.window, evidence.truth
    config = model.check_config
    made = [*evidence.results, *(evidence.scheduled.faults if evidence.scheduled is not None else ())]
    made += delivery.check_delivery(model.contract, window, evidence.rejections, now=evidence.now)
    made += delivery.check_labels(truth)
    results = [_tuned(result, config) for result in made if config.wants(result.name, result.columns)]
    if window.profile is not None:
        results += _decided(model, evidence, window.profile)
    status = overall(results, records=window.records)
    pictures = _pictures(model, window, truth, results) if window.records else []
    return Findings(
        status=status,
        records=window.records,
        checks=results,
        reason=_reason(status, results),
        planned=[picture.name for picture in pictures],
        pictures=pictures,
        counts={
            "DuplicateRecords": float(window.duplicates),
            "UnreadableObjects": float(len(window.unreadable)),
            "LabelledRecords": float(len(truth.rows)),
        },
        configuration=model.configuration,
    )


def _decided(model: Model, evidence: Evidence, profile: Profile) -> list[CheckResult]:
    """Return the checks of columns and labels, as the schedule decides them if it is a scheduled window."""
    of_columns = columns.check_columns(model, profile)
    of_labels = columns.check_performance(model, evidence.truth)
    known = evidence.scheduled
    if known is None:
        return [*of_columns, *of_labels]
    decided = [*decide(model, profile, of_columns, known), *of_labels]
    over_days = days.decide(model.check_config, decided, known.days, known.open)
    return error_evidence.decide(model, over_days, known)


def drawn(findings: Findings) -> Findings:
    """Return `findings` with its reports rendered; a failure to render adds a check with status error."""
    files: dict[str, bytes] = {}
    results = list(findings.checks)
    for picture in findings.pictures:
        try:
            rendered = picture.draw()
        except Exception as error:  # noqa: BLE001  # any failure of Evidently must not hide the verdict
            results.append(_undrawn(picture.name, error))
        else:
            files |= {
                f"{picture.name}.html": rendered.html,
                f"{picture.name}.evidently.json": rendered.json,
            }
    if len(results) == len(findings.checks):
        return msgspec.structs.replace(findings, pictures=[], files=files)
    status = overall(results, records=findings.records)
    return msgspec.structs.replace(
        findings, status=status, checks=results, reason=_reason(status, results), pictures=[], files=files
    )


def _tuned(result: CheckResult, config: CheckConfig) -> CheckResult:
    """Return `result` with the user's limit, if there is one and the check was made."""
    limit = config.limit(result.name, result.columns, result.threshold)
    if limit is None or limit == result.threshold or result.value is None or result.status == "skipped":
        return result
    bad: Literal["alert", "error"] = "error" if result.name in delivery.UNJUDGED else "alert"
    return msgspec.structs.replace(result, threshold=limit, status=bad if result.value > limit else "ok")


def overall(results: Sequence[CheckResult], *, records: int) -> Status:
    """Return the window's status: alert before error before ok.

    A window without records is no_data, or error if unreadable objects may have held some.
    """
    statuses = {result.status for result in results}
    if not records:
        return Status.ERROR if "error" in statuses else Status.NO_DATA
    if "alert" in statuses:
        return Status.ALERT
    return Status.ERROR if "error" in statuses else Status.OK


def _reason(status: Status, results: Sequence[CheckResult]) -> str:
    if status is Status.OK:
        drift = [result for result in results if result.name == "drift.feature"]
        left_out = drift and all(result.status == "skipped" for result in drift)
        return "Too few records for any drift check." if left_out else ""
    kind = "error" if status is Status.ERROR else "alert"
    return one_line(" ".join(result.sentence for result in results if result.status == kind), _REASON)


def _pictures(model: Model, window: Window, truth: Truth, results: Sequence[CheckResult]) -> list[Picture]:
    """Return the Evidently reports to render."""
    of_truth = [
        r for r in results if TARGET_COLUMN in r.columns or r.name.startswith(("performance", "bias.error"))
    ]
    rest = [r for r in results if r not in of_truth]
    pictures = [_picture("report", model, window.sample, rest, window.records)]
    if len(truth.rows):
        pictures.append(_picture("performance", model, spread(truth.rows), of_truth, len(truth.rows)))
    return pictures


def _picture(
    name: str, model: Model, rows: pa.Table, results: Sequence[CheckResult], records: int
) -> Picture:
    def draw() -> Rendered:
        # Importing Evidently takes seconds: only after the window was read.
        heavy_import.load("lambda_monitor.reports.evidently_report")
        from lambda_monitor.reports import evidently_report  # noqa: PLC0415

        return evidently_report.render(model.contract, model.reference, rows, results, records=records)

    return Picture(name, draw)


def _undrawn(name: str, error: Exception) -> CheckResult:
    return CheckResult(
        name="report.evidently",
        value=None,
        threshold=None,
        status="error",
        columns=[],
        sentence=f"Evidently could not render {name}: {type(error).__name__}: {one_line(error, 300)}",
        detail={},
    )
