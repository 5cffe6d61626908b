"""Results of a monitoring run, and the file names of its report."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal, Self

import msgspec

REPORT_HTML = "report.html"
PERFORMANCE_HTML = "performance.html"
REPORT_JSON = "report.json"
RUN_JSON = "run.json"

Failed = Literal["alert", "error"]
# Detail of a check whose threshold is the least value, not the largest.
LEAST_VALUE = "least_value"
# Detail of labels.coverage: labels were joined to samples of hours that Athena counted.
SAMPLED = "sampled"
LARGEST_RATIO = 1_000.0
# Most examples that a result, a page or a message lists.
LISTED = 20


class Status(StrEnum):
    """Status of a window."""

    OK = "ok"
    ALERT = "alert"
    NO_DATA = "no_data"
    ERROR = "error"


def ratio(value: float | None, threshold: float | None, detail: dict[str, Any]) -> float | None:
    """Return a value in units of its threshold, above 1 if it is beyond; None without one of them."""
    if value is None or not threshold:
        return None
    if detail.get(LEAST_VALUE):
        return min(threshold / value, LARGEST_RATIO) if value > 0 else LARGEST_RATIO
    return value / threshold


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one check: value and threshold in the check's unit, columns concerned, one sentence.

    `skipped` means that the check could not be made for an expected reason, `error` that its data could
    not be read.
    """

    name: str
    value: float | None
    threshold: float | None
    status: Literal["ok", "alert", "skipped", "error"]
    columns: list[str]
    sentence: str
    detail: dict[str, Any] = {}

    @property
    def ratio(self) -> float | None:
        """The value in units of its limit, above 1 if it is beyond; None without value or limit."""
        return ratio(self.value, self.threshold, self.detail)

    @property
    def limit_word(self) -> str:
        """What the threshold is: the largest value that is ok, or the least."""
        return "least" if self.detail.get(LEAST_VALUE) else "limit"

    @property
    def key(self) -> str:
        """Name and columns: the same check in every window."""
        return f"{self.name}: {', '.join(self.columns)}"

    @classmethod
    def skipped(cls, name: str, sentence: str, columns: Sequence[str] = ()) -> Self:
        """Return the result of a check that could not be made."""
        return cls(
            name=name, value=None, threshold=None, status="skipped", columns=list(columns), sentence=sentence
        )

    @classmethod
    def unreadable(cls, name: str, error: Exception) -> Self:
        """Return the result of a check whose data could not be read."""
        return cls(name=name, value=None, threshold=None, status="error", columns=[], sentence=f"{error}.")

    @classmethod
    def above(
        cls,
        name: str,
        value: float,
        threshold: float | None,
        sentence: str,
        *,
        columns: Sequence[str] = (),
        detail: dict[str, Any] | None = None,
        failed: Failed = "alert",
    ) -> Self:
        """Return the result of a check that has status `failed` above its threshold, else `ok`."""
        return cls(
            name=name,
            value=value,
            threshold=threshold,
            status=failed if threshold is not None and value > threshold else "ok",
            columns=list(columns),
            sentence=sentence,
            detail=detail or {},
        )

    @classmethod
    def below(
        cls, name: str, value: float, threshold: float | None, sentence: str, *, detail: dict[str, Any]
    ) -> Self:
        """Return the result of a check that has status `alert` below its threshold, else `ok`."""
        bad = threshold is not None and value < threshold
        return cls(
            name=name,
            value=value,
            threshold=threshold,
            status="alert" if bad else "ok",
            columns=[],
            sentence=sentence,
            detail={**detail, LEAST_VALUE: True},
        )

    @classmethod
    def share(
        cls,
        name: str,
        hits: int,
        total: int,
        threshold: float | None,
        sentence: str,
        *,
        columns: Sequence[str] = (),
        detail: dict[str, Any] | None = None,
    ) -> Self:
        """Return the result of a check on the share `hits` of `total`, 0 if `total` is 0."""
        return cls.above(name, hits / max(total, 1), threshold, sentence, columns=columns, detail=detail)

    def rounded(self, digits: int) -> Self:
        """Return the result with value and threshold rounded; the status is that of the exact values."""
        value, threshold = (None if v is None else round(v, digits) for v in (self.value, self.threshold))
        return msgspec.structs.replace(self, value=value, threshold=threshold)


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Which configuration of checks was used; `version` is that of an upload."""

    source: Literal["default", "bundle", "uploaded"] = "default"
    version: int | None = None
    sha256: str | None = None

    def __str__(self) -> str:
        """Return the configuration as a page and a command name it."""
        if self.sha256 is None:
            return "the defaults"
        of = "the bundle" if self.version is None else f"upload {self.version}"
        return f"checks.json of {of}, SHA-256 {self.sha256[:12]}"


class Rendered(msgspec.Struct, frozen=True):
    """One report as HTML and as JSON."""

    html: bytes
    json: bytes


class Picture(msgspec.Struct, frozen=True):
    """An Evidently report that is not rendered yet."""

    name: str
    draw: "Callable[[], Rendered]"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Status and check results of one window.

    `counts` become metrics. `planned` names the Evidently reports; `pictures` are not rendered yet, `files`
    holds the rendered ones by file name.
    """

    status: Status
    records: int
    checks: list[CheckResult]
    reason: str = ""
    planned: list[str] = []
    pictures: list[Picture] = []
    files: dict[str, bytes] = {}
    counts: dict[str, float] = {}
    configuration: Configuration = Configuration()
