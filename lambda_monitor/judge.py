"""From what a window holds to what is said of it: every check, and the report that shows them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lambda_monitor import checks, operations, report
from lambda_monitor.alerts import Status
from lambda_monitor.checks import CheckResult
from lambda_monitor.findings import EVIDENTLY_JSON, REPORT_HTML, Findings
from lambda_monitor.model import Model
from lambda_monitor.rejections import Rejections
from lambda_monitor.window import Window

if TYPE_CHECKING:
    import pyarrow as pa


def judge(model: Model, window: Window, rejections: Rejections) -> Findings:
    """Return what is to be said of `window`."""
    results = operations.judge(model.contract, window, rejections)
    if window.profile is not None:
        results += checks.evaluate(model, window.profile)
    status = overall(results, records=window.records)
    files: dict[str, bytes] = {}
    if window.records:
        files, failure = _render(model, window.sample, results)
        if failure is not None:
            results.append(failure)
            status = overall(results, records=window.records)
    return Findings(
        status=status,
        records=window.records,
        checks=results,
        reason=_reason(status, results),
        files=files,
        counts={
            "Duplicates": float(window.duplicates),
            "Rejected": float(rejections.count),
            "UnreadableObjects": float(len(window.unreadable)),
            "OtherVersions": float(sum(window.others.values())),
        },
    )


def overall(results: Sequence[CheckResult], *, records: int) -> Status:
    """Return the window's status: what is wrong with the data first, then what kept it from being judged.

    Without records nothing of the model can be said, so a window is no_data unless objects that
    could not be read may have held some.
    """
    statuses = {result.status for result in results}
    if not records:
        return Status.ERROR if "error" in statuses else Status.NO_DATA
    if "alert" in statuses:
        return Status.ALERT
    return Status.ERROR if "error" in statuses else Status.OK


def _reason(status: Status, results: Sequence[CheckResult]) -> str:
    if status is Status.OK:
        return ""
    kind = "error" if status is Status.ERROR else "alert"
    return " ".join(result.sentence for result in results if result.status == kind)


def _render(
    model: Model, sample: "pa.Table", results: Sequence[CheckResult]
) -> tuple[dict[str, bytes], CheckResult | None]:
    """Return the report's files; where Evidently fails the verdict stands, and says so."""
    try:
        rendered = report.render(model.contract, model.reference, sample, results)
    except Exception as error:  # noqa: BLE001  # whatever breaks a picture must not hide the verdict
        failure = CheckResult(
            name="report.evidently",
            value=None,
            threshold=None,
            status="error",
            columns=[],
            sentence=f"Evidently could not draw the report: {type(error).__name__}: {error}",
            detail={},
        )
        return {}, failure
    return {REPORT_HTML: rendered.html, EVIDENTLY_JSON: rendered.json}, None
