"""Adaptive Cards for Microsoft Teams."""

from datetime import UTC, datetime

import msgspec
import pytest

from lambda_monitor.alerts.payload import Kind
from lambda_monitor.findings import CheckResult
from lambda_monitor.notifier import notification, teams
from tests.lambda_monitor.notifier.conftest import Channel, alarm, alert, envelope, shown
from tests.lambda_monitor.notifier.test_slack import HARM, HOSTILE, OPEN

# learn.microsoft.com, "Create and send messages": the size of a message.
_MOST_BYTES = 28 * 1024
_ELEMENTS = {"Container", "FactSet", "RichTextBlock"}


def card(body: str) -> dict:
    found = teams.message(notification.read(body, "dashboard"), datetime.now(UTC))
    assert len(msgspec.json.encode(found)) <= _MOST_BYTES
    [attachment] = found["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content = attachment["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    assert {element["type"] for element in content["body"]} <= _ELEMENTS
    return content


def test_an_alert_is_a_card_with_checks_facts_and_links() -> None:
    found = card(alert())
    text = shown(found)

    assert found["body"][0]["style"] == "warning"
    for expected in (
        "trip_distance drifted",
        "warning: data moved",
        "0.41, limit 0.08",
        "Since",
        "What to do next",
    ):
        assert expected in text
    assert [action["title"] for action in found["actions"]] == ["Report", "Dashboard"]


@pytest.mark.parametrize(
    ("body", "style"),
    [
        (alert(Kind.RESOLVED, before=OPEN), "good"),
        (alert(Kind.ALERT, HARM), "attention"),
        (alarm(), "attention"),
        (alarm("OK"), "good"),
        (envelope("hello"), "default"),
    ],
)
def test_the_style_shows_the_state(body: str, style: str) -> None:
    assert card(body)["body"][0]["style"] == style


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_make_a_card_of_the_allowed_size_without_markdown(name: str) -> None:
    bad = CheckResult(
        name=name, value=1e300, threshold=1e-300, status="alert", columns=[name], sentence=name * 30
    )
    found = card(alert(Kind.ALERT, *[bad] * 40, reason=name * 9))

    facts = next(element for element in found["body"] if element["type"] == "FactSet")["facts"]
    assert not any("](" in fact["value"] for fact in facts)


def test_a_teams_channel_posts_a_card(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE", "teams")
    # The Workflows webhook answers 202.
    channel.slack.script = [(202, {}, "")]

    assert channel.deliver(alert()) == "posted"
