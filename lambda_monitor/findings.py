"""What a run found, and the names of the files that say so."""

import msgspec

from lambda_monitor.alerts import Status
from lambda_monitor.checks import CheckResult

REPORT_HTML = "report.html"
REPORT_JSON = "report.json"
RUN_JSON = "run.json"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found about its window; `files` are Evidently's, by name, `counts` become metrics."""

    status: Status
    records: int
    checks: list[CheckResult]
    reason: str = ""
    files: dict[str, bytes] = {}
    counts: dict[str, float] = {}
