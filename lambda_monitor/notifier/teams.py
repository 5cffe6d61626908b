"""Adaptive Card of a notification, for a Workflows webhook of Microsoft Teams.

Text from outside goes into text runs and facts' values are escaped: Teams reads Markdown in other elements.
"""

import re
from datetime import datetime
from typing import Any

from lambda_monitor.notifier.notification import Line, Notification, Tone, delay

_STYLES = {
    Tone.CRITICAL: "attention",
    Tone.WARNING: "warning",
    Tone.RESOLVED: "good",
    Tone.PLAIN: "default",
}
_Json = dict[str, Any]


def message(notification: Notification, now: datetime) -> _Json:
    """Return the body of the post; Teams takes at most 28 KB."""
    heading = _runs(_run(notification.title, size="Large", weight="Bolder"))
    body: list[_Json] = [{"type": "Container", "style": _STYLES[notification.tone], "items": [heading]}]
    if notification.facts:
        facts = [{"title": name, "value": _plain(value)} for name, value in notification.facts]
        body.append({"type": "FactSet", "facts": facts})
    if notification.text:
        body.append(_runs(_run(notification.text)))
    body += [_check(line) for line in notification.checks]
    if notification.more > 0:
        body.append(_runs(_run(f"... and {notification.more} more, in the report")))
    if notification.steps:
        body.append(_runs(_run("What to do next", weight="Bolder")))
        body += [_runs(_run(step)) for step in notification.steps]
    if late := delay(notification, now):
        body.append(_runs(_run(late, isSubtle=True)))
    return _post(body, [{"type": "Action.OpenUrl", "title": n, "url": u} for n, u in notification.buttons])


def plain(notification: Notification) -> _Json:
    """Return a card of one line, for a post whose card was refused."""
    return _post([_runs(_run(f"{notification.title}. Teams refused the full message: see the report."))], [])


def _post(body: list[_Json], actions: list[_Json]) -> _Json:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": actions,
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


def _check(line: Line) -> _Json:
    figures = [_run(f"  {line.figures}")] if line.figures else []
    return _runs(_run(line.title, weight="Bolder"), *figures, _run(f"\n{line.sentence}"))


def _runs(*runs: _Json) -> _Json:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **style: Any) -> _Json:
    return {"type": "TextRun", "text": text, **style}


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]()~])", r"\\\1", text)
