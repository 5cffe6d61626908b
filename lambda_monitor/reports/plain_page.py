"""Report page without plots: shown until the Evidently report is rendered, or instead."""

import html
from datetime import datetime

from contract.schema import ModelRef
from lambda_monitor.findings import (
    PERFORMANCE_HTML,
    REPORT_HTML,
    REPORT_JSON,
    CheckResult,
    Findings,
)
from lambda_monitor.reports import evidently_page, html_page

# Failed checks first.
_ORDER = ("alert", "error", "ok", "skipped")
_FAILED = {"alert", "error"}


def pages(model: ModelRef, start: datetime, end: datetime, findings: Findings) -> dict[str, bytes]:
    """Return the window's HTML files by name: Evidently's where rendered, else the page without plots."""
    title = f"{findings.status.replace('_', ' ')}: {model.name}, {html_page.span(start, end)} UTC"
    names = [REPORT_HTML, *(f"{name}.html" for name in findings.planned)]
    top = _summary(model, start, end, findings, names)
    plain = html_page.document(title, f"{top}{_table(findings)}").encode()
    style = f'<style>{html_page.STYLE}</style><header class="site">{top}{html_page.FOOTER}</header>'
    rendered = {
        name: evidently_page.with_summary(data.decode(), title, style).encode()
        for name, data in findings.files.items()
        if name.endswith(".html")
    }
    return {**dict.fromkeys(names, plain), **rendered}


def _summary(model: ModelRef, start: datetime, end: datetime, findings: Findings, names: list[str]) -> str:
    """Return model, window, status, every failed check and the links, as HTML."""
    failed = sorted((c for c in findings.checks if c.status in _FAILED), key=lambda c: _ORDER.index(c.status))
    items = "".join(f"<li>{_failure(check)}</li>" for check in failed)
    body = f'<ul class="failed">{items}</ul>' if failed else f"<p>{html.escape(findings.reason)}</p>"
    count = f" {len(failed)} of {sum(c.status != 'skipped' for c in findings.checks)} checks failed."
    waiting = "<p>The plots are being rendered: reload in a minute.</p>" if findings.pictures else ""
    links = {"../../index.html": "All windows", REPORT_JSON: "All checks as JSON", REPORT_HTML: "Report"}
    if PERFORMANCE_HTML in names:
        links[PERFORMANCE_HTML] = "Performance report"
    linked = " · ".join(f'<a href="{address}">{text}</a>' for address, text in links.items())
    return (
        f"<h1>{html.escape(model.name)} version {html.escape(model.version)}</h1>"
        f"<p>{html_page.span(start, end)} UTC, {findings.records:,} records. "
        f"Checks: {html.escape(str(findings.configuration))}.</p>"
        f"<p>{html_page.pill(findings.status)}{count if failed else ''}</p>{body}{waiting}<p>{linked}</p>"
    )


def _failure(check: CheckResult) -> str:
    figures = ""
    if check.value is not None and check.threshold is not None:
        figures = f" (value {_number(check.value)}, {check.limit_word} {_number(check.threshold)})"
    return f"<b>{html.escape(_name(check))}</b>: {html.escape(check.sentence)}{figures}"


def _table(findings: Findings) -> str:
    rows = "".join(_row(check) for check in sorted(findings.checks, key=lambda c: _ORDER.index(c.status)))
    return (
        "<section><h2>All checks</h2><table><thead><tr><th>Check</th><th>Status</th>"
        '<th class="wide">Value</th><th class="wide">Limit</th><th>Result</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def _row(check: CheckResult) -> str:
    return (
        f"<tr><td>{html.escape(_name(check))}</td><td>{html_page.pill(check.status)}</td>"
        f'<td class="number wide">{_number(check.value)}</td>'
        f'<td class="number wide">{_number(check.threshold)}</td>'
        f"<td>{html.escape(check.sentence)}</td></tr>"
    )


def _name(check: CheckResult) -> str:
    return f"{check.name} ({', '.join(check.columns)})" if check.columns else check.name


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
