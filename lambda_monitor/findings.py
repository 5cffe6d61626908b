"""What a run found, and the names of the files that say so."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal

import msgspec

REPORT_HTML = "report.html"
REPORT_JSON = "report.json"
RUN_JSON = "run.json"


class Status(StrEnum):
    """What a run found."""

    OK = "ok"
    ALERT = "alert"
    NO_DATA = "no_data"
    ERROR = "error"


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check says: its value beside its limit, the columns concerned, a sentence for people.

    `skipped` means that the check could not be made for a known reason, `error` that it failed.
    """

    name: str
    value: float | None
    threshold: float | None
    status: Literal["ok", "alert", "skipped", "error"]
    columns: list[str]
    sentence: str
    detail: dict[str, Any] = {}


class Rendered(msgspec.Struct, frozen=True):
    """A report for people and for machines."""

    html: bytes
    json: bytes


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
