"""What a run found, and the names of the files that say so."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from lambda_monitor.alerts import Status
from lambda_monitor.checks import CheckResult

if TYPE_CHECKING:
    from lambda_monitor.report import Rendered

REPORT_HTML = "report.html"
REPORT_JSON = "report.json"
RUN_JSON = "run.json"


class Picture(msgspec.Struct, frozen=True):
    """A report that Evidently has yet to draw."""

    name: str
    draw: "Callable[[], Rendered]"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found about its window; `counts` become metrics.

    `pictures` are still to be drawn; `files` came of those that were, by name.
    """

    status: Status
    records: int
    checks: list[CheckResult]
    reason: str = ""
    pictures: list[Picture] = []
    files: dict[str, bytes] = {}
    counts: dict[str, float] = {}
