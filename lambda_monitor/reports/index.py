"""Front page of the report site: windows newest first, one sparkline per column.

The page is one object that contains its rows as JSON and is replaced by conditional writes, so that no
run overwrites another's row. Missing rows are found by listing the reports.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from contract import conditional, layout
from contract.conditional import ConflictError
from contract.timestamps import parse_timestamp, timestamp
from lambda_monitor.findings import PERFORMANCE_HTML, REPORT_HTML, REPORT_JSON, CheckResult
from lambda_monitor.lake.objects import Object, list_objects
from lambda_monitor.reports import html_page, stored
from lambda_monitor.reports.stored import StoredReport

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = f"{layout.REPORTS}/index.html"
# Windows on the page; older reports stay in the bucket.
SHOWN = 500
_POINTS = 48
_ATTEMPTS = 20
_OPENING = '<script type="application/json" id="rows">'
_CLOSING = "</script>"
# Files of a report that the page links to, by title.
_PAGES = {REPORT_HTML: "report", PERFORMANCE_HTML: "performance", REPORT_JSON: "JSON"}
# Longest report.json that is read, in bytes.
_LARGEST = 16 << 20


class Ratio(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One check of a run: value divided by limit."""

    name: str
    status: str
    columns: list[str] = []
    ratio: float | None = None


_DAMAGED = Ratio(name="report.json can't be read", status="error")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One window on the page; `tag` is the entity tag of its report.json."""

    folder: str
    tag: str
    model: str
    version: str
    start: str
    end: str
    status: str
    records: int
    checks: list[Ratio]
    files: list[str]


def update(s3: "S3Client", bucket: str) -> int:
    """Update the page from the reports in the bucket and return its number of rows."""
    for _ in range(_ATTEMPTS):
        known, tag = _load(s3, bucket)
        rows = _rows(s3, bucket, {row.folder: row for row in known})
        try:
            conditional.put(
                s3,
                bucket,
                KEY,
                page(rows).encode(),
                replaces=tag,
                ContentType="text/html; charset=utf-8",
                CacheControl="no-cache",
            )
        except ConflictError:
            continue
        return len(rows)
    raise RuntimeError(f"s3://{bucket}/{KEY} was replaced by others {_ATTEMPTS} times in a row")


def page(rows: Sequence[Row]) -> str:
    """Return the page for `rows`, newest first, without scripts or external resources."""
    # "</script" or "<!--" inside a string would change where the script element ends.
    data = msgspec.json.encode(rows).decode().replace("<", "\\u003c")
    models = ", ".join(sorted({row.model for row in rows})) or "no reports yet"
    body = "".join(
        (
            "<header><h1>Scorewatch</h1>",
            f"<p>{html.escape(models)}</p></header>",
            _columns(rows),
            _windows(rows),
        )
    )
    return html_page.document("Scorewatch reports", f"{body}{_OPENING}{data}{_CLOSING}")


def _load(s3: "S3Client", bucket: str) -> tuple[list[Row], str | None]:
    found = conditional.get(s3, bucket, KEY)
    if found is None:
        return [], None
    try:
        text = found.body.decode()
        data = text[text.rindex(_OPENING) + len(_OPENING) : text.rindex(_CLOSING)]
        return msgspec.json.decode(data, type=list[Row]), found.etag
    except ValueError:  # a DecodeError is one
        # Damaged, or written by another version of Scorewatch: every row is read again from its report.
        return [], found.etag


def _rows(s3: "S3Client", bucket: str, known: Mapping[str, Row]) -> list[Row]:
    files: dict[str, dict[str, Object]] = {}
    windows: dict[str, tuple[datetime, datetime]] = {}
    # Folders of one model sort by time: once the page is full, older folders are not listed.
    after = min(known) if len(known) >= SHOWN and len({r.model for r in known.values()}) == 1 else ""
    for item in list_objects(s3, bucket, f"{layout.REPORTS}/", after=after):
        folder, _, name = item.key.rpartition("/")
        if name in _PAGES and (window := _window_of(folder)):
            windows[folder] = window
            files.setdefault(folder, {})[name] = item
    reports = {folder: names for folder, names in files.items() if REPORT_JSON in names}
    newest = sorted(reports, key=lambda folder: folder.rsplit("/", 1)[1].split("-")[::-1], reverse=True)[
        :SHOWN
    ]
    rows = []
    for folder in newest:
        names = sorted(reports[folder])
        report = reports[folder][REPORT_JSON]
        row = known.get(folder)
        if row is None or row.tag != report.etag or row.files != names:
            row = _row(s3, bucket, report, names, windows[folder])
        rows.append(row)
    return rows


def _window_of(folder: str) -> tuple[datetime, datetime] | None:
    """Return the window of a report's folder, None for any other folder."""
    root, *rest = folder.split("/")
    return layout.window_of(rest[1]) if root == layout.REPORTS and len(rest) == 2 else None  # noqa: PLR2004  # model, window


def _row(
    s3: "S3Client", bucket: str, item: Object, names: list[str], window: tuple[datetime, datetime]
) -> Row:
    """Return the row of a report; one that can't be read is a row with that as its failed check."""
    folder = item.key.rpartition("/")[0]
    start, end = window
    report = _read(s3, bucket, item)
    return Row(
        folder=folder,
        tag=item.etag,
        model=folder.split("/")[1] if report is None else report.model.name,
        version="" if report is None else report.model.version,
        start=timestamp(start),
        end=timestamp(end),
        status="error" if report is None else report.status,
        records=0 if report is None else report.records,
        checks=[_DAMAGED] if report is None else [_ratio(check) for check in report.checks],
        files=names,
    )


def _read(s3: "S3Client", bucket: str, item: Object) -> StoredReport | None:
    if item.size > _LARGEST:
        return None
    return stored.parse(s3.get_object(Bucket=bucket, Key=item.key)["Body"].read())


def _ratio(check: CheckResult) -> Ratio:
    ratio = None if check.ratio is None else round(check.ratio, 4)
    return Ratio(name=check.name, status=check.status, columns=check.columns, ratio=ratio)


def _columns(rows: Sequence[Row]) -> str:
    """Return the table of columns with the highest ratio of their checks over time."""
    series = _series(rows)
    if not series:
        return ""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(column)}</th><td>{_sparkline(column, points)}</td>'
        f'<td class="number">{points[-1]:.2f}</td></tr>'
        for column, points in sorted(series.items(), key=lambda item: (-item[1][-1], item[0]))
    )
    return (
        "<section><h2>Columns</h2><p>The worst check of each column, as value ÷ limit, oldest to "
        "newest. Points above the line are over their limit.</p><table><thead><tr><th>Column</th>"
        f"<th>Value ÷ limit</th><th>Newest</th></tr></thead><tbody>{lines}</tbody></table></section>"
    )


def _series(rows: Sequence[Row]) -> dict[str, list[float]]:
    series: dict[str, list[float]] = {}
    for row in reversed(rows[:_POINTS]):
        worst: dict[str, float] = {}
        for check in row.checks:
            for column in check.columns:
                if check.ratio is not None:
                    worst[column] = max(worst.get(column, 0.0), check.ratio)
        for column, ratio in worst.items():
            series.setdefault(column, []).append(ratio)
    return series


def _sparkline(column: str, points: Sequence[float]) -> str:
    """Return an SVG line chart; values above twice the limit are drawn at the top."""
    width, height, top = 240, 36, 2.0
    step = width / max(len(points) - 1, 1)
    spots = [(n * step, height - min(max(p, 0.0), top) / top * height) for n, p in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
        for (x, y), p in zip(spots, points, strict=True)
        if p > 1 or len(points) == 1
    )
    label = html.escape(f"{column}: {', '.join(f'{p:.2f}' for p in points)}")
    return (
        f'<svg class="spark" viewBox="-3 -3 {width + 6} {height + 6}" role="img" aria-label="{label}">'
        f'<line x1="0" x2="{width}" y1="{height / 2}" y2="{height / 2}"/>'
        f'<polyline points="{line}"/>{marks}</svg>'
    )


def _windows(rows: Sequence[Row]) -> str:
    lines = "".join(_window(row) for row in rows)
    return (
        "<section><h2>Windows</h2><table><thead><tr><th>Window (UTC)</th><th>Status</th><th>Records</th>"
        f"<th>Version</th><th>Failed</th><th>Pages</th></tr></thead><tbody>{lines}</tbody></table></section>"
    )


def _window(row: Row) -> str:
    start, end = (parse_timestamp(text) for text in (row.start, row.end))
    return (
        f"<tr><td>{html_page.span(start, end)}</td><td>{html_page.pill(row.status)}</td>"
        f'<td class="number">{row.records:,}</td>'
        f'<td class="number">{html.escape(row.version)}</td><td>{_failed(row.checks)}</td>'
        f"<td>{_links(row)}</td></tr>"
    )


def _failed(checks: Iterable[Ratio]) -> str:
    failed = [c for c in checks if c.status in {"alert", "error"}]
    return "<br>".join(
        html.escape(f"{c.name} ({', '.join(c.columns)})" if c.columns else c.name) for c in failed
    )


def _links(row: Row) -> str:
    folder = row.folder.removeprefix(f"{layout.REPORTS}/")
    return " ".join(
        f'<a href="{html.escape(f"{folder}/{name}")}">{title}</a>'
        for name, title in _PAGES.items()
        if name in row.files
    )


def read(s3: "S3Client", bucket: str) -> str:
    """Return the page in the bucket; make it if there is none."""
    if _load(s3, bucket)[1] is None:
        update(s3, bucket)
    return s3.get_object(Bucket=bucket, Key=KEY)["Body"].read().decode()


def links(text: str) -> set[str]:
    """Return the relative addresses that the page `text` links to."""
    return {html.unescape(found) for found in re.findall(r'<a href="([^"]+)"', text)}
