"""One channel's function: posted once, filtered, claimed; what it imports."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from contract.conditional import ConflictError
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.findings import Status
from lambda_monitor.notifier import notification, webhook
from lambda_monitor.notifier.claims import Claim, ClaimedError, Claims
from lambda_monitor.notifier.settings import Settings, SettingsError
from tests.lambda_monitor.alerts.test_messages import BEFORE, FINE
from tests.lambda_monitor.notifier.conftest import Channel, alarm, alert, envelope
from tests.lambda_monitor.notifier.test_slack import HARM
from tests.lambda_monitor.synthetic import LAKE, Killed

PREFIX = "alerts/scorewatch-green-taxi/notified/team/"


def keys(channel: Channel) -> list[str]:
    return [o["Key"] for o in channel.s3.list_objects_v2(Bucket=LAKE).get("Contents", [])]


def test_a_message_that_is_delivered_twice_is_posted_once(channel: Channel) -> None:
    body = alert()

    assert [channel.deliver(body), channel.deliver(body)] == ["posted", "posted before"]
    assert len(channel.slack.posted) == 1
    assert len(keys(channel)) == 1
    assert keys(channel)[0].startswith(PREFIX)


def test_a_message_that_the_monitor_publishes_twice_is_posted_once(channel: Channel) -> None:
    first = alert()

    assert channel.deliver(first) == "posted"
    assert channel.deliver(first.replace("sns-1", "sns-2")) == "posted before"


def test_the_start_and_the_end_of_an_alarm_are_two_messages(channel: Channel) -> None:
    bodies = [alarm(), alarm("OK", "2026-03-02T13:00:00.000+0000"), alarm()]
    assert [channel.deliver(body) for body in bodies] == ["posted", "posted", "posted before"]


def test_messages_without_an_id_of_their_own_have_that_of_sns(channel: Channel) -> None:
    bodies = [envelope("hello", identity=identity) for identity in ("1", "2", "1")]
    assert [channel.deliver(body) for body in bodies] == ["posted", "posted", "posted before"]


def test_a_second_delivery_during_the_post_posts_nothing(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, post = alert(), webhook.post

    def overtaken(*arguments: Any) -> None:
        monkeypatch.setattr(webhook, "post", post)
        with pytest.raises(ClaimedError, match="is being posted by request request-1"):
            channel.deliver(body)
        post(*arguments)

    monkeypatch.setattr(webhook, "post", overtaken)

    assert channel.deliver(body) == "posted"
    assert len(channel.slack.posted) == 1


def test_two_deliveries_that_claim_at_once_post_once(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, read = alert(), Claims.take
    inner: list[str] = []

    def overtaken(self: Claims, *arguments: Any) -> Any:
        put = self._put

        def late(*parameters: Any) -> str:
            monkeypatch.setattr(Claims, "take", read)
            inner.append(channel.deliver(body))
            return put(*parameters)

        self._put = late  # type: ignore[method-assign]
        return read(self, *arguments)

    monkeypatch.setattr(Claims, "take", overtaken)
    with pytest.raises(ConflictError):
        channel.deliver(body)

    assert (inner, len(channel.slack.posted)) == (["posted"], 1)


def test_the_claim_of_a_killed_function_ends_with_its_time(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, post = alert(), webhook.post

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(webhook, "post", killed)
    with pytest.raises(Killed):
        channel.deliver(body, seconds=0.2)
    monkeypatch.setattr(webhook, "post", post)
    [key] = keys(channel)
    claim = msgspec.json.decode(channel.s3.get_object(Bucket=LAKE, Key=key)["Body"].read(), type=Claim)
    assert claim.claimed_until - datetime.now(UTC) < timedelta(seconds=0.2)
    ended = msgspec.structs.replace(claim, claimed_until=datetime.now(UTC))
    channel.s3.put_object(Bucket=LAKE, Key=key, Body=msgspec.json.encode(ended))

    assert channel.deliver(body) == "posted"


def test_a_failed_post_is_made_good_by_the_next_delivery_at_once(channel: Channel) -> None:
    body = alert()
    channel.slack.script = [(404, {}, "no_service")]
    with pytest.raises(webhook.RefusedError):
        channel.deliver(body)

    assert channel.deliver(body) == "posted"


def test_a_mark_that_fails_does_not_post_again(channel: Channel, capsys: pytest.CaptureFixture[str]) -> None:
    puts = []

    def fails(**call: Any) -> None:
        puts.append(call)
        if len(puts) > 1:
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "slow"}}, "PutObject")

    handler = sys.modules["lambda_monitor.notifier.handler"]
    handler._S3.meta.events.register("before-call.s3.PutObject", fails)

    assert channel.deliver(alert()) == "posted"
    assert "can't be marked as posted" in capsys.readouterr().out


OPEN = msgspec.structs.replace(
    BEFORE, status=Status.ALERT, severity="critical", reported=["drift.feature: a"]
)


@pytest.mark.parametrize(
    ("severities", "checks", "body", "taken"),
    [
        ("critical", "", alert(Kind.ALERT, HARM), True),
        ("critical", "", alert(), False),
        ("warning", "", alert(), True),
        ("critical", "", alert(Kind.RESOLVED, before=OPEN), True),
        ("warning", "", alert(Kind.RESOLVED, before=OPEN), False),
        ("warning", "", alarm(), False),
        ("warning", "", alarm(name="scorewatch-green-taxi-scoring-budget-slow"), True),
        ("critical", "", alarm("OK", name="scorewatch-green-taxi-scoring-budget-slow"), False),
        ("", "drift", alert(), True),
        ("", "drift.feature", alert(), True),
        ("", "drift.feat", alert(), False),
        ("", "performance,quality", alert(), False),
        ("", "performance", alert(Kind.RESOLVED, before=OPEN), False),
        ("", "drift", alert(Kind.RESOLVED, before=OPEN), True),
        ("", "drift", alert(Kind.NO_DATA, FINE), False),
        ("", "no_data", alert(Kind.NO_DATA, FINE), True),
        ("", "alarm", alarm("OK"), True),
        ("", "drift", alarm(), False),
        ("critical", "drift", envelope("by hand"), True),
        ("critical", "performance", alert(), False),
    ],
)
def test_a_channel_takes_what_its_filter_selects(
    severities: str, checks: str, body: str, taken: bool
) -> None:
    found = notification.read(body)
    wanted = notification.wanted(
        found, [s for s in severities.split(",") if s], [c for c in checks.split(",") if c]
    )
    assert wanted == taken


def test_a_filtered_message_is_neither_claimed_nor_posted(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKS", "performance")

    assert channel.deliver(alert()) == "filtered"
    assert (channel.slack.requests, keys(channel)) == (0, [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SECRET_ARN": ""}, "SECRET_ARN not set"),
        ({"SERVICE": "irc"}, "environment can't be read"),
    ],
)
def test_a_wrong_environment_is_named(changes: dict[str, str], message: str) -> None:
    environment = {
        "CHANNEL": "a",
        "SERVICE": "slack",
        "SECRET_ARN": "arn",
        "WEBHOOK_HOSTS": "hooks.slack.com,*.example.com",
        "LAKE_BUCKET": "lake",
        "MODEL_NAME": "m",
        "SEVERITIES": "",
    }
    found = Settings.from_environment(environment)
    assert (found.webhook_hosts, found.severities) == (["hooks.slack.com", "*.example.com"], [])
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment({**environment, **changes})


def test_the_function_imports_none_of_the_monitors_heavy_packages() -> None:
    script = (
        "import sys, lambda_monitor.notifier.handler\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} "
        "& {'pandas', 'numpy', 'evidently', 'duckdb', 'scipy', 'pyarrow', 'requests'}))"
    )
    environment = {"AWS_DEFAULT_REGION": "eu-west-1", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
