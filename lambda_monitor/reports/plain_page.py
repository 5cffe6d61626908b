"""Report page without plots: shown until the Evidently report is rendered, or instead."""

import html
from datetime import datetime

from contract.schema import ModelRef
from lambda_monitor.findings import REPORT_JSON, CheckResult, Findings
from lambda_monitor.reports import html_page

# Failed checks first.
_ORDER = ("alert", "error", "ok", "skipped")


def page(model: ModelRef, start: datetime, end: datetime, findings: Findings) -> bytes:
    """Return the window's status and all checks as HTML without scripts."""
    title = f"{model.name} version {model.version}"
    coming = "<p>The plots are being rendered: reload in a minute.</p>" if findings.pictures else ""
    rows = "".join(_row(check) for check in sorted(findings.checks, key=lambda c: _ORDER.index(c.status)))
    body = (
        f"<header><h1>{html.escape(title)}</h1>"
        f"<p>{html_page.span(start, end)} UTC, {findings.records:,} records</p></header>"
        f"<p>{html_page.pill(findings.status)} {html.escape(findings.reason)}</p>{coming}"
        "<section><table><thead><tr><th>Check</th><th>Status</th><th>Value</th><th>Limit</th>"
        f"<th>Result</th></tr></thead><tbody>{rows}</tbody></table>"
        f'<p><a href="{REPORT_JSON}">As JSON</a></p></section>'
    )
    return html_page.document(title, body).encode()


def _row(check: CheckResult) -> str:
    name = f"{check.name} ({', '.join(check.columns)})" if check.columns else check.name
    return (
        f"<tr><td>{html.escape(name)}</td><td>{html_page.pill(check.status)}</td>"
        f'<td class="number">{_number(check.value)}</td><td class="number">{_number(check.threshold)}</td>'
        f"<td>{html.escape(check.sentence)}</td></tr>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
