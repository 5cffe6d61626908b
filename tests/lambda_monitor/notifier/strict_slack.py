"""Slack's incoming webhook over HTTP, with the limits and answers of its documentation.

docs.slack.dev: "Block Kit" (each block's limits), "Formatting message text" (escaping), "Sending messages
using incoming webhooks" (answers), "Rate limits" (429 with Retry-After). The length of all blocks together is
not documented; users report `msg_blocks_too_long` from 13,200 characters on (slackapi/bolt-js, issue 2509).
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving

PATH = "/services/T00000000/B11111111/XXXXsecretXXXX"
_MOST_CHARACTERS = 13_000
_ENTITIES = re.compile(r"&(amp|lt|gt);")


class InvalidError(Exception):
    """Slack answers 400 to the message."""


def _need(condition: object, text: str) -> None:
    if not condition:
        raise InvalidError(text)


def check(message: Any) -> None:
    """Raise InvalidError for a message that Slack would refuse."""
    _need(isinstance(message, dict), "invalid_payload")
    _need(set(message) <= {"text", "blocks", "attachments"}, "invalid_payload")
    _need(message.get("text") or message.get("blocks") or message.get("attachments"), "no_text")
    _text(message.get("text", ""), 40_000)
    attachments = message.get("attachments", [])
    _need(len(attachments) <= 20, "too_many_attachments")
    blocks = [*message.get("blocks", []), *(b for a in attachments for b in a["blocks"])]
    _need(len(blocks) <= 50, "invalid_blocks: too many")
    for block in blocks:
        _BLOCKS.get(block.get("type"), _unknown)(block)
    for attachment in attachments:
        _need(attachment["blocks"], "invalid_attachments: no blocks")
        _need(re.fullmatch(r"#[0-9a-f]{6}", attachment["color"]), "invalid_attachments: color")
    actions = [e["action_id"] for b in blocks if b["type"] == "actions" for e in b["elements"]]
    _need(len(set(actions)) == len(actions), "invalid_blocks: action_id not unique")
    _need(len(json.dumps(blocks, ensure_ascii=False)) <= _MOST_CHARACTERS, "msg_blocks_too_long")


def _unknown(block: dict[str, Any]) -> None:
    raise InvalidError(f"invalid_blocks: unknown type {block.get('type')}")


def _text(text: str, longest: int) -> None:
    _need(isinstance(text, str) and len(text) <= longest, f"invalid_blocks: more than {longest} characters")
    _need(not re.search(r"[&<>]", _ENTITIES.sub("", text)), "unescaped control character")


def _object(found: dict[str, Any], longest: int, *kinds: str) -> None:
    _need(found["type"] in kinds and found["text"], "invalid_blocks: text object")
    _need("verbatim" not in found or found["type"] == "mrkdwn", "invalid_blocks: verbatim")
    _need("emoji" not in found or found["type"] == "plain_text", "invalid_blocks: emoji")
    _text(found["text"], longest)


def _header(block: dict[str, Any]) -> None:
    _object(block["text"], 150, "plain_text")


def _section(block: dict[str, Any]) -> None:
    _need(set(block) <= {"type", "text", "fields"} and len(block) > 1, "invalid_blocks: section")
    _need(1 <= len(block.get("fields", [0])) <= 10, "invalid_blocks: fields")
    for field in block.get("fields", []):
        _object(field, 2000, "mrkdwn", "plain_text")
    if "text" in block:
        _object(block["text"], 3000, "mrkdwn", "plain_text")


def _actions(block: dict[str, Any]) -> None:
    _need(1 <= len(block["elements"]) <= 25, "invalid_blocks: elements")
    for button in block["elements"]:
        _need(button["type"] == "button", "invalid_blocks: button")
        _object(button["text"], 75, "plain_text")
        _need(len(button["url"]) <= 3000 and button["url"].startswith("https://"), "invalid_blocks: url")
        _need(len(button["action_id"]) <= 255, "invalid_blocks: action_id")


def _context(block: dict[str, Any]) -> None:
    _need(1 <= len(block["elements"]) <= 10, "invalid_blocks: elements")
    for element in block["elements"]:
        _object(element, 2000, "mrkdwn", "plain_text")


def _rich_text(block: dict[str, Any]) -> None:
    for element in block["elements"]:
        sections = element["elements"] if element["type"] == "rich_text_list" else [element]
        _need(element["type"] != "rich_text_list" or element["style"] in {"bullet", "ordered"}, "style")
        for section in sections:
            _need(section["type"] == "rich_text_section" and section["elements"], "invalid_blocks: rich_text")
            for run in section["elements"]:
                _need(run["type"] == "text" and run["text"], "invalid_blocks: rich_text element")
                _need(set(run) <= {"type", "text", "style"}, "invalid_blocks: rich_text element")


_BLOCKS = {
    "header": _header,
    "section": _section,
    "actions": _actions,
    "context": _context,
    "rich_text": _rich_text,
}


class Slack:
    """A webhook's server: what was posted, and the answers that come before those to the rules."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.requests = 0
        # Each: (status, headers, body), a number of seconds to hang, or "close".
        self.script: list[Any] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], str]:
        """Return status, headers and body of the answer to a post."""
        if path != PATH:
            return 404, {}, "no_service"
        try:
            message = json.loads(body)
            check(message)
        except (InvalidError, ValueError) as error:
            return 400, {}, str(error)
        self.posted.append(message)
        return 200, {}, "ok"


@contextmanager
def running() -> Iterator[Slack]:
    """Serve a webhook for the block."""
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            slack.requests += 1
            step = slack.script.pop(0) if slack.script else None
            if step == "close":
                self.close_connection = True
                return
            if isinstance(step, float):
                time.sleep(step)
                return
            status, headers, text = step or slack.answer(self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Keep the test's output short."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    with server, serving(server):
        yield slack
