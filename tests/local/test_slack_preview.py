"""Slack messages without Slack: JSON that Slack takes, and a page that shows it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from lambda_monitor.alerts.payload import Kind
from local import slack_preview
from tests.lambda_monitor.notifier import strict_slack

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", [Kind.ALERT, Kind.REMINDER, Kind.RESOLVED])
def test_a_sample_is_a_message_that_slack_takes(kind: Kind) -> None:
    strict_slack.check(slack_preview.sample(kind))


def test_the_page_shows_each_text_of_the_message() -> None:
    post = slack_preview.sample(Kind.ALERT)
    page = slack_preview.page(post)

    texts = re.findall(r'"text": "([^"]+)"', json.dumps(post["attachments"]))
    assert len(texts) > 10
    for text in texts:
        for line in text.replace("\\n", "\n").split("\n"):
            assert line.strip("*") in page


def test_text_from_outside_is_no_markup_of_the_page() -> None:
    element = {"type": "text", "text": "<script>"}
    rich = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [element]}],
    }
    page = slack_preview.page({"blocks": [], "attachments": [{"color": "#000000", "blocks": [rich]}]})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_command_of_the_documents_writes_json_and_page() -> None:
    # The environment counts as set up, whatever the lock's date.
    command = ["make", "slack-preview", "-o", ".venv/.ready"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "slack.html shows alert.json and resolved.json" in printed
    written = json.loads((slack_preview.OUT / "alert.json").read_text())
    assert written == slack_preview.sample(Kind.ALERT) | {"text": written["text"]}
