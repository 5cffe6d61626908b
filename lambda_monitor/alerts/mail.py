"""Subject and text of a notification for people."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from contract import layout
from lambda_monitor.alerts import advice, links, titles
from lambda_monitor.alerts.payload import Kind, Payload
from lambda_monitor.alerts.state import State
from lambda_monitor.findings import LISTED, PERFORMANCE_HTML, REPORT_HTML, CheckResult, Status
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from lambda_monitor.alerts.messages import Context

# SNS takes subjects of fewer than 100 ASCII characters, and 256 KiB of texts and attributes in total. The
# text goes out twice: as the mail, and escaped once more in the payload.
_SUBJECT_LIMIT = 99
_TEXT_BYTES = 16 * 1024
# Of the text, so that the link and the next steps are never cut.
_FAILED_BYTES, _LEFT_BYTES = 6 * 1024, 2 * 1024
_SENTENCE, _REASON, _HEADLINE = 400, 2000, 300
TAGS = {Kind.RESOLVED: "RESOLVED", Kind.REMINDER: "REMINDER"}


def subject(context: "Context", payload: Payload) -> str:
    """Return one line of fewer than 100 ASCII characters."""
    tag = TAGS.get(payload.kind, "ALERT")
    about = context.title
    level = "" if payload.kind is Kind.RESOLVED else f" {payload.severity}, {payload.meaning}"
    plain = ascii_only(f"{tag}: {about}{level}: {_what(context, payload.kind, short=True)}")
    return plain if len(plain) <= _SUBJECT_LIMIT else plain[: _SUBJECT_LIMIT - 3] + "..."


def text(context: "Context", payload: Payload, before: State) -> str:
    """Return the text: what, how bad and since when first, then figures, link and next steps."""
    kind = payload.kind
    parts = [_opening(context, payload, before)]
    if kind is not Kind.RESOLVED:
        parts += [_failing(context), _not_checked(context, before)]
    parts += [_facts(context), _report(context)]
    if kind is not Kind.RESOLVED:
        parts.append(_next_steps(context, kind))
    parts.append(_places(context))
    return _cut("\n\n".join(part for part in parts if part) + "\n")


def _what(context: "Context", kind: Kind, *, short: bool = False) -> str:
    """Return the worst failure and the number of others."""
    failing = titles.worst_first(context.failing)
    if kind is Kind.RESOLVED:
        return "all checks pass again"
    if kind is Kind.NO_DATA:
        return "no predictions arrived"
    if not failing and kind is Kind.ERROR:
        return "monitoring failed" if short else f"monitoring failed: {one_line(context.reason, _REASON)}"
    if not failing:
        return "checks that failed earlier are still open"
    rest = len(failing) - 1
    others = f"; {rest} more" if short else f", and {rest} more check{'s' * (rest > 1)} failed"
    return one_line(titles.summary(failing[0], context.contract), _HEADLINE) + (others if rest else "")


def _opening(context: "Context", payload: Payload, before: State) -> str:
    """Return the first line, and a note on a state that was lost or on returned records."""
    kind, end = payload.kind, context.end
    lasted = _duration(end - payload.since)
    what = f"{context.title}: {_what(context, kind)}"
    if kind is Kind.RESOLVED:
        about = f"{payload.severity} alert ({payload.meaning})"
        alert = f" The {about} lasted {lasted}, from {_moment(payload.since)}."
        line = f"RESOLVED: {what}.{alert if lasted else ''}"
    else:
        since = f"For {lasted}, since {_moment(payload.since)}" if lasted else f"First seen at {_moment(end)}"
        tag = f"{payload.severity.upper()}, {payload.meaning}{', reminder' * (kind is Kind.REMINDER)}"
        line = f"{tag}: {what}. {since}."
    notes = []
    if before.damaged:
        notes.append("The stored alert state was damaged and is started anew: notifications may repeat.")
    if before.status is Status.NO_DATA and kind is Kind.REMINDER and context.records:
        notes.append("Predictions arrive again; checks that failed earlier are still open.")
    return "\n".join([line, *notes])


def _failing(context: "Context") -> str:
    failing = titles.worst_first(context.failing)
    if not failing:
        return ""
    made = sum(check.status != "skipped" for check in context.checks)
    lines = [f"Failed ({len(failing)} of {made} checks made), worst first; [names] as in docs/monitoring.md:"]
    return "\n".join(lines + _listed([_entry(check, context) for check in failing], _FAILED_BYTES))


def _listed(entries: list[str], most: int) -> list[str]:
    """Return the first entries, in `most` bytes, and how many were left out."""
    shown: list[str] = []
    for entry in entries[:LISTED]:
        if len("\n".join([*shown, entry]).encode()) > most:
            break
        shown.append(entry)
    rest = len(entries) - len(shown)
    return [*shown, f"  ... and {rest} more, in the report"] if rest else shown


def _entry(check: CheckResult, context: "Context") -> str:
    """Return one failed check: what, value and limit, sentence."""
    figures = titles.figures(check, context.contract)
    what = one_line(titles.title(check, context.contract), _HEADLINE)
    return (
        f"  - {what}{f': {figures}' if figures else ''} [{check.name}]\n"
        f"    {one_line(check.sentence, _SENTENCE)}"
    )


def _not_checked(context: "Context", before: State) -> str:
    """Return the checks that failed earlier and were not made in this window."""
    left = {c.key: c for c in context.checks if c.status == "skipped" and c.key in (before.open or [])}
    if not left:
        return ""
    lines = ["Failed earlier, not checked in this window:"]
    entries = []
    for _, check in sorted(left.items()):
        about = ", ".join(titles.columns(check, context.contract)) or "all records"
        entries.append(f"  - {one_line(about)} [{check.name}]: {one_line(check.sentence)}")
    return "\n".join(lines + _listed(entries, _LEFT_BYTES))


def _facts(context: "Context") -> str:
    where = links.place(context.topic_arn)
    return "\n".join(
        [
            f"Window: {_moment(context.start)} to {_moment(context.end)}, {context.records:,} records.",
            f"Model: {one_line(context.model.name)} version {one_line(context.model.version)}, "
            f"use case {context.title}. Reference: the validation rows of its training.",
            f"AWS account: {where.account}, region: {where.region}",
        ]
    )


def _report(context: "Context") -> str:
    """Return the link to the report: presigned if there is one, else to the console."""
    if context.link is None:
        console = links.s3_object(links.place(context.topic_arn), context.report)
        return f"Open the report (AWS asks you to log in):\n{console}"
    until = _moment(context.link.until)
    return f"Open the report (without login, until {until} at the latest):\n{context.link.url}"


def _next_steps(context: "Context", kind: Kind) -> str:
    names = [check.name for check in titles.worst_first(context.failing)]
    found = advice.steps(names, context.target, no_data=kind is Kind.NO_DATA, error=kind is Kind.ERROR)
    return "\n".join(["What to do next:", *found])


def _places(context: "Context") -> str:
    """Return where the window's pages, the site and the runbook are."""
    names = [check.name for check in context.failing]
    bucket = context.report.removeprefix("s3://").partition("/")[0]
    blocks = [_place("Report", context.report, context)]
    if "performance" in advice.topics(names):
        page = context.report.removesuffix(REPORT_HTML) + PERFORMANCE_HTML
        blocks.append(_place("Performance report", page, context))
    blocks.append(
        f"All reports: s3://{bucket}/{layout.REPORTS}/index.html\n  in a terminal:  {context.target.site}"
    )
    blocks.append("Runbook: " + ", ".join(advice.anchors(names)))
    return "\n".join(blocks)


def _place(title: str, uri: str, context: "Context") -> str:
    where = links.place(context.topic_arn)
    return (
        f"{title}: {uri}\n  in the console: {links.s3_object(where, uri)}\n"
        f"  in a terminal:  aws s3 presign {uri} --region {where.region}"
    )


def _duration(lasted: timedelta) -> str:
    """Return a duration in minutes, hours or days; empty for none."""
    minutes = int(lasted / timedelta(minutes=1))
    for name, length in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= 2 * length or (minutes == length and length > 1) or (length == 1 and minutes):
            count = round(minutes / length)
            return f"{count} {name}{'s' * (count != 1)}"
    return ""


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ascii_only(text: str) -> str:
    """Return `text` without accents, with other characters than ASCII replaced."""
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in parts if not unicodedata.combining(character))
    return bare.encode("ascii", "replace").decode()


def _cut(text: str) -> str:
    """Return `text`, cut to what a message may hold."""
    data = text.encode()
    if len(data) <= _TEXT_BYTES:
        return text
    return data[:_TEXT_BYTES].decode(errors="ignore") + "\n... (cut; the report has every check)\n"
