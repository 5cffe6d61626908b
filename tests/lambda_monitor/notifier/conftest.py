"""A channel: its function with moto's S3 and Secrets Manager, and Slack's webhook on this machine."""

import importlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws

from lambda_monitor.alerts import messages
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.alerts.state import State
from lambda_monitor.findings import CheckResult
from lambda_monitor.notifier import webhook
from tests.lambda_monitor.alerts.test_messages import BEFORE, context
from tests.lambda_monitor.notifier.strict_slack import Slack, running
from tests.lambda_monitor.strict_sns import StrictSns
from tests.lambda_monitor.synthetic import LAKE

TOPIC = "arn:aws:sns:eu-west-1:123456789012:scorewatch-green-taxi-alerts"


class Invocation:
    """The context of one invocation with `seconds` left."""

    def __init__(self, request_id: str, seconds: float) -> None:
        self.aws_request_id, self.seconds = request_id, seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Channel:
    """One deployed channel; `deliver` invokes its function as the event source mapping does."""

    def __init__(self, handler: Callable[..., dict[str, Any]], slack: Slack) -> None:
        self._handler, self.slack = handler, slack
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=LAKE, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.secrets = boto3.client("secretsmanager")
        self.secret = self.secrets.create_secret(Name="notify-team")["ARN"]
        self.requests = 0

    def put_url(self, url: str) -> None:
        self.secrets.put_secret_value(SecretId=self.secret, SecretString=url)

    def deliver(self, body: str, seconds: float = 30.0) -> str:
        self.requests += 1
        event = {"Records": [{"messageId": str(self.requests), "body": body}]}
        done = self._handler(event, Invocation(f"request-{self.requests}", seconds))["done"]
        assert isinstance(done, str)
        return done


@pytest.fixture
def slack() -> Iterator[Slack]:
    with running() as found:
        yield found


@pytest.fixture
def channel(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        found = Channel(
            importlib.reload(importlib.import_module("lambda_monitor.notifier.handler")).handler, slack
        )
        found.put_url(slack.url)
        environment = {
            "CHANNEL": "team",
            "SERVICE": "slack",
            "SECRET_ARN": found.secret,
            "WEBHOOK_HOSTS": "127.0.0.1",
            "LAKE_BUCKET": LAKE,
            "MODEL_NAME": "scorewatch-green-taxi",
            "DASHBOARD": "scorewatch-green-taxi-eu-west-1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # The waits between attempts, so that tests take no longer than they must.
        monkeypatch.setattr(webhook, "_FIRST_WAIT", 0.01)
        monkeypatch.setattr(webhook, "_ATTEMPT_SECONDS", 0.5)
        yield found


def envelope(message: str, *, identity: str = "sns-1", subject: str = "", at: datetime | None = None) -> str:
    """Return what SNS puts on a queue that is subscribed without raw delivery."""
    at = at or datetime.now(UTC)
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": identity,
            "TopicArn": TOPIC,
            **({"Subject": subject} if subject else {}),
            "Message": message,
            "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": "1",
        }
    )


def alert(kind: Kind = Kind.ALERT, *checks: CheckResult, before: State = BEFORE, **changes: Any) -> str:
    """Return the envelope of a message of the monitor."""
    sns = StrictSns()
    messages.publish(sns, TOPIC, messages.compose(context(*checks, **changes), kind, before))
    [text] = sns.delivered("sqs")
    return envelope(text, subject=sns.published[0]["Subject"])


def alarm(
    state: str = "ALARM",
    at: str = "2026-03-02T12:00:00.000+0000",
    name: str = "scorewatch-green-taxi-scoring-late",
) -> str:
    """Return the envelope of CloudWatch's message on an alarm, in the form of its documentation."""
    message = {
        "AlarmName": name,
        "AlarmDescription": "Scoring is late. Runbook: docs/operations.md#alarm-scoring-late",
        "AWSAccountId": "123456789012",
        "AlarmConfigurationUpdatedTimestamp": "2026-03-01T12:00:00.000+0000",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed: 5 datapoints [700000.0] were greater than the threshold.",
        "StateChangeTime": at,
        "Region": "EU (Ireland)",
        "AlarmArn": f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}",
        "OldStateValue": "OK",
        "OKActions": [TOPIC],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "Trigger": {"MetricName": "IteratorAge", "Namespace": "AWS/Lambda"},
    }
    return envelope(json.dumps(message), subject=f'{state}: "{name}" in EU (Ireland)')


def shown(message: dict[str, Any]) -> str:
    """Return all text of a posted message."""
    return msgspec.json.encode(message).decode()
