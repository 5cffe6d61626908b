"""Block Kit message of a notification, within Slack's limits.

Text from outside goes into `rich_text`, which Slack does not parse, or is escaped: the name of a column can't
mention a channel or hide a link.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from lambda_monitor.notifier.notification import Line, Notification, Tone, delay

_COLOURS = {
    Tone.CRITICAL: "#c62828",
    Tone.WARNING: "#f9a825",
    Tone.RESOLVED: "#2e7d32",
    Tone.PLAIN: "#757575",
}
# docs.slack.dev/reference/block-kit: characters of a header and of a button's URL, fields of a section.
_HEADER, _URL, _FIELDS = 150, 3000, 10
# Of a message. Undocumented: users report msg_blocks_too_long from 13,200 on (slackapi/bolt-js, issue 2509).
_CHARACTERS = 12_000
_Json = dict[str, Any]


def message(notification: Notification, now: datetime) -> _Json:
    """Return the body of the post, with as many checks as Slack takes in one message."""
    while True:
        found = _message(notification, now)
        if len(msgspec.json.encode(found).decode()) <= _CHARACTERS or not notification.checks:
            return found
        notification = msgspec.structs.replace(
            notification, checks=notification.checks[:-1], more=notification.more + 1
        )


def _message(notification: Notification, now: datetime) -> _Json:
    """Return a header, and a coloured attachment with everything else."""
    blocks: list[_Json] = []
    if notification.facts:
        fields = [_mrkdwn(f"*{name}*\n{escaped(value)}") for name, value in notification.facts[:_FIELDS]]
        blocks.append({"type": "section", "fields": fields})
    if notification.text:
        blocks.append(_rich(_section(_text(notification.text))))
    if notification.checks:
        blocks.append(_rich(_list(*map(_check, notification.checks)), *_rest(notification.more)))
    if notification.steps:
        steps = [_section(_text(step)) for step in notification.steps]
        blocks.append(_rich(_section(_text("What to do next", bold=True)), _list(*steps, style="ordered")))
    if buttons := _buttons(notification.buttons):
        blocks.append({"type": "actions", "elements": buttons})
    if late := delay(notification, now):
        blocks.append({"type": "context", "elements": [_mrkdwn(escaped(late))]})
    title = _fit(notification.title, _HEADER)
    header = {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    attachment = {"color": _COLOURS[notification.tone], "blocks": blocks}
    return {"text": title, "blocks": [header], "attachments": [attachment] if blocks else []}


def plain(notification: Notification) -> _Json:
    """Return a message of one line, for a post whose blocks were refused."""
    return {"text": f"{_fit(notification.title, _HEADER)}\nSlack refused the full message: see the report."}


def escaped(text: str) -> str:
    """Return `text` with Slack's control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fit(text: str, longest: int) -> str:
    """Return `text` escaped, cut so that it has at most `longest` characters then."""
    whole = escaped(text)
    if len(whole) <= longest:
        return whole
    kept = ""
    for character in text:
        if len(kept) + len(escaped(character)) > longest - 3:
            break
        kept += escaped(character)
    return f"{kept}..."


def _mrkdwn(text: str) -> _Json:
    # verbatim: Slack makes no links of what looks like a URL or a name.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _rich(*elements: _Json) -> _Json:
    return {"type": "rich_text", "elements": list(elements)}


def _section(*elements: _Json) -> _Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def _list(*sections: _Json, style: str = "bullet") -> _Json:
    return {"type": "rich_text_list", "style": style, "elements": list(sections)}


def _text(text: str, *, bold: bool = False) -> _Json:
    return {"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})}


def _check(line: Line) -> _Json:
    figures = [_text(f"  {line.figures}")] if line.figures else []
    return _section(_text(line.title, bold=True), *figures, _text(f"\n{line.sentence}"))


def _rest(more: int) -> list[_Json]:
    return [_section(_text(f"... and {more} more, in the report"))] if more > 0 else []


def _buttons(links: Sequence[tuple[str, str]]) -> list[_Json]:
    return [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": label, "emoji": False},
            "url": url,
            "action_id": f"open-{label.lower()}",
        }
        for label, url in links
        if len(url) <= _URL
    ]
