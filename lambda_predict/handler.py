"""Kinesis batch in, events out."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from lambda_predict import metrics, model
from lambda_predict.publish import Firehose, Kinesis, Print, Remaining, Sender, below, lowest, publish
from lambda_predict.score import Scorer
from lambda_predict.settings import Settings

# Seconds kept back to answer Lambda before it stops the function.
_RESERVE = 2.0
# publish() retries on its own clock; botocore's second one would hide the time it takes. What we send
# is well formed by construction, and checking it again costs as much as scoring it.
_ONCE = Config(
    retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5, parameter_validation=False
)
_PATIENT = Config(retries={"total_max_attempts": 5, "mode": "standard"}, connect_timeout=2, read_timeout=10)


@cache
def start() -> tuple[Settings, Scorer, Sender, Sender]:
    """Load what every invocation shares; a failure isn't cached, so the batch waits in the stream."""
    settings = Settings.read(os.environ)
    s3 = boto3.client("s3", config=_PATIENT)
    scorer = Scorer(model.load(s3, settings.artifact_bucket, settings.model_name, settings.model_version))
    if settings.test_run:
        return settings, scorer, Print(), Print()
    output = Kinesis(boto3.client("kinesis", config=_ONCE), settings.output_stream)
    rejected = Firehose(boto3.client("firehose", config=_ONCE), settings.rejected_stream)
    return settings, scorer, output, rejected


def remaining(context: Any) -> Remaining:
    """Return what tells the seconds there are for publishing."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000 - _RESERVE


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Score a batch; answer where Lambda must resume, or nothing when every record is written."""
    settings, scorer, output, rejected = start()
    now, left_seconds = datetime.now(UTC), remaining(context)
    batch = scorer.score(event["Records"], now)
    # Half of the time at most: a delivery of rejected records that is down must not hold up the good ones.
    half = left_seconds() / 2
    left = publish(rejected, batch.rejected, lambda: left_seconds() - half)
    sent = below(left, batch.scored)
    left += publish(output, sent, left_seconds)
    unpublished = len(left) + len(batch.scored) - len(sent)
    print(metrics.embedded(batch, unpublished, scorer.model.contract.model, settings.use_case, now))  # noqa: T201 - the log
    return {"batchItemFailures": [{"itemIdentifier": line.sequence_number} for line in lowest(left)]}
