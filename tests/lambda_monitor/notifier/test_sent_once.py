"""A drift of ten runs, from the monitor's state to mail and Slack, with overlapping runs and outages.

The queue follows the documentation of SQS: a message that the function did not take is delivered again when
its visibility timeout ends. Copies stand for SNS delivering a message more than once.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambda_monitor import monitor
from lambda_monitor.findings import CheckResult, Findings, Status
from lambda_monitor.notifier import webhook
from lambda_monitor.run import Clients, Run, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.alerts.test_messages import DRIFT, FINE, context
from tests.lambda_monitor.notifier.conftest import TOPIC, Channel, envelope
from tests.lambda_monitor.strict_sns import StrictSns, refusal
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON

SETTINGS = Settings(
    artifact_bucket="artifacts",
    lake_bucket=LAKE,
    model_name="scorewatch-green-taxi",
    model_version="1",
    use_case="green_taxi",
    alert_topic_arn=TOPIC,
    window_hours=1,
    reminder_hours=4,
    label_delay_days=7,
)
# infra/modules/notifier/main.tf.
VISIBILITY = timedelta(seconds=180)
EVERY = ["ALERT", "REMINDER", "REMINDER", "RESOLVED"]
Outage = tuple[float, float]


class Queue:
    """The channel's queue and its function, on a clock of its own."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: list[tuple[datetime, str]] = []

    def put(self, body: str, now: datetime) -> None:
        self._waiting.append((now, body))

    def deliver_until(self, end: datetime, down: Callable[[datetime], bool]) -> None:
        """Deliver what is visible before `end`, in the order of time."""
        while due := sorted(entry for entry in self._waiting if entry[0] <= end):
            moment, body = entry = due[0]
            self._waiting.remove(entry)
            out = down(moment)
            self._channel.slack.script = [(503, {}, "")] * 100 if out else []
            try:
                # Little time ends the retries of an outage soon; a working service may be slow.
                self._channel.deliver(body, seconds=3.02 if out else 60.0)
            except (webhook.UnavailableError, webhook.RefusedError):
                self._waiting.append((moment + VISIBILITY, body))
        self._channel.slack.script = []


class Topic:
    """SNS: one subscriber by mail, one queue; it does not answer while `down`."""

    def __init__(self, queue: Queue, down: Callable[[datetime], bool], copies: int = 1) -> None:
        self._queue, self._down, self._copies = queue, down, copies
        self.now = NOON
        self.mails: list[str] = []
        self.during: Callable[[], None] | None = None

    def publish(self, **message: Any) -> dict[str, str]:
        if self._down(self.now):
            raise refusal("ServiceUnavailable", "down")
        if self.during is not None:
            during, self.during = self.during, None
            during()
        strict = StrictSns()
        strict.publish(**message)
        self.mails.append(message["Subject"])
        [body] = strict.delivered("sqs")
        for copy in range(self._copies):
            self._queue.put(envelope(body, identity=f"{len(self.mails)}-{copy}"), self.now)
        return {"MessageId": str(len(self.mails))}


def _within(outage: Outage | None) -> Callable[[datetime], bool]:
    if outage is None:
        return lambda _: False
    begins, ends = (NOON + timedelta(hours=hour) for hour in outage)
    return lambda now: begins <= now < ends


def _checks(hour: int) -> list[CheckResult]:
    return [DRIFT, FINE] if 1 <= hour <= 10 else [FINE]


def follow(
    channel: Channel,
    *,
    sns: Outage | None = None,
    slack: Outage | None = None,
    racing: bool = False,
    copies: int = 1,
) -> tuple[Topic, Queue]:
    """Run the monitor's notifications for hours 0 to 14; the windows of hours 1 to 10 drift."""
    queue = Queue(channel)
    topic = Topic(queue, _within(sns), copies)
    clients = Clients(s3=channel.s3, sns=topic, cloudwatch=None, athena=None)  # type: ignore[arg-type]

    def notify(hour: int, name: str) -> None:
        end = NOON + hour * HOUR
        span = Span(start=end - HOUR, end=end, asked=False)
        status = Status.ALERT if len(_checks(hour)) > 1 else Status.OK
        findings = Findings(status=status, records=1000, checks=_checks(hour))
        run = Run(id=f"{name}-{hour}", now=topic.now, deadline=topic.now + timedelta(minutes=15))
        about = msgspec.structs.replace(context(), start=span.start, end=span.end)
        monitor._notify(clients, SETTINGS, about, span, findings, run)

    for hour in range(15):
        # The scheduled run, and Lambda's one retry of a failed one.
        for minutes in (20, 22):
            topic.now = NOON + hour * HOUR + timedelta(minutes=minutes)
            queue.deliver_until(topic.now, _within(slack))
            if racing:
                topic.during = lambda hour=hour: notify(hour, "second")
            try:
                notify(hour, "first")
            except ClientError:
                continue
            break
        if racing:
            topic.during = None
            with contextlib.suppress(ClientError):
                notify(hour, "third")
    queue.deliver_until(topic.now + HOUR, _within(slack))
    return topic


def kinds(subjects: list[str]) -> list[str]:
    return [subject.partition(":")[0] for subject in subjects]


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"racing": True},
        {"copies": 2},
        {"sns": (1.0, 2.0)},
        {"sns": (5.0, 6.0)},
        {"sns": (11.0, 12.0)},
        {"slack": (1.0, 2.4)},
        {"slack": (11.0, 12.4)},
        {"slack": (1.0, 2.4), "sns": (5.0, 6.0), "racing": True, "copies": 2},
    ],
    ids=str,
)
def test_one_alert_the_reminders_and_one_resolution_arrive_by_mail_and_in_slack(
    channel: Channel, faults: dict[str, Any]
) -> None:
    topic = follow(channel, **faults)

    assert kinds(topic.mails) == EVERY
    assert kinds([message["text"] for message in channel.slack.posted]) == EVERY
