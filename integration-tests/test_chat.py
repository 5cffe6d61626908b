"""A chat channel on the deployed stack: from an alert to a post, and where the webhook's URL is not."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract import layout
from local import traffic
from tests import documents
from tests.lambda_monitor.notifier.strict_slack import PATH, Slack, running

CHANNEL = "team"
PAGE = documents.ROOT / "docs/alerts.md"
_SECONDS = 60


@pytest.fixture(scope="module")
def slack(deployed: Any) -> Iterator[Slack]:
    """Return Slack's webhook on this machine, with its URL put into the channel's secret as documented."""
    if deployed.work is None:
        pytest.skip("a function in AWS can't reach this machine")
    if shutil.which("aws") is None:
        pytest.skip("no AWS CLI is installed")
    with running() as found:
        [command] = [code for code in documents.fenced(PAGE) if "secretsmanager" in code]
        assert f"--secret-id {deployed.outputs['notify_secrets'][CHANNEL]} " in command
        shell(command, found.url)
        yield found


def shell(command: str, stdin: str = "") -> None:
    subprocess.run(["bash", "-ec", command], input=stdin, text=True, check=True, capture_output=True)


def text(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)


def wait(slack: Slack, part: str) -> dict[str, Any]:
    """Return the posted message that has that text."""

    def posted() -> dict[str, Any] | None:
        return next((message for message in slack.posted if part in text(message)), None)

    return traffic.wait_for(f"the post with {part}", posted, seconds=_SECONDS)


def test_an_alert_of_the_monitor_is_posted_with_links_to_report_and_dashboard(
    deployed: Any, slack: Slack
) -> None:
    frame, lines = deployed.records("drifted", 2_000, seed=5)
    start = traffic.now()
    deployed.put(lines)
    ids = set(frame[deployed.contract.id_field].astype(str))
    reader = deployed.lake(layout.PREDICTIONS)
    traffic.wait_landed(reader, deployed.contract.id_field, ids, start, seconds=120)
    end = traffic.now()
    summary = traffic.monitor(deployed.client("lambda"), deployed.outputs["monitor_function"], start, end)
    assert (summary["status"], summary["notified"]) == ("alert", True)

    found = wait(slack, "2,000 records")

    assert found["text"].startswith("ALERT: green_taxi")
    shown = text(found)
    assert "Dashboard" in shown
    assert "/s3/object/" in shown


def test_an_alarm_and_a_message_by_hand_are_posted_once_each(deployed: Any, slack: Slack) -> None:
    sns, topic = deployed.client("sns"), deployed.outputs["alert_topic_arn"]
    change = {
        "AlarmName": "scorewatch-test-alarm",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:scorewatch-test-alarm",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2026-03-02T12:00:00.000+0000",
    }
    # CloudWatch may publish the same change twice.
    for _ in range(2):
        sns.publish(TopicArn=topic, Message=json.dumps(change))
    [command] = [code for code in documents.fenced(PAGE) if "sns publish" in code]
    shell(re.sub(r"arn:aws:sns:\S+", topic, command))

    assert wait(slack, '"Hello"')["text"] == "Test"
    wait(slack, "scorewatch-test-alarm")
    queue = deployed.client("sqs")
    url = queue.get_queue_url(QueueName=_queue(deployed))["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty() -> bool | None:
        found = queue.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return True if [found[name] for name in names] == ["0", "0"] else None

    traffic.wait_for("an empty queue", empty, seconds=240)
    assert [text(m).count("Threshold Crossed") for m in slack.posted if "test-alarm" in text(m)] == [1]


def test_the_url_is_in_no_state_log_or_environment(deployed: Any, slack: Slack) -> None:
    wait(slack, '"Hello"')
    secret = PATH.rpartition("/")[2]
    # State, plans, logs of the functions and of the embedded AWS.
    found = subprocess.run(
        ["grep", "-rlF", "--exclude-dir=venvs", secret, str(deployed.work)],
        capture_output=True,
        text=True,
        check=False,
    )
    function = deployed.client("lambda").get_function_configuration(FunctionName=_queue(deployed))

    assert found.stdout.splitlines() == []
    assert list(Path(deployed.work).rglob("*.tfstate")) != []
    assert secret not in json.dumps(function, default=str)
    assert "SECRET_ARN" in function["Environment"]["Variables"]


def _queue(deployed: Any) -> str:
    """Return the name of the channel's queue, which is its function's, too."""
    return f"{deployed.outputs['model_name']}-notify-{CHANNEL}"
