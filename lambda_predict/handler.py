"""Lambda handler of the input stream's event source mapping."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from lambda_predict import metrics, model
from lambda_predict.pack import KILOBYTE, count, pack
from lambda_predict.publish import Firehose, Kinesis, Print, Remaining, Sender, below, lowest, publish
from lambda_predict.score import Scorer
from lambda_predict.settings import Settings

# Seconds reserved for the response before Lambda's time-out.
_RESERVE = 2.0
# publish() retries within the time left; botocore's own retries would exceed it. Requests are valid
# by construction, and validating them costs as much as scoring.
_ONCE = Config(
    retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2, parameter_validation=False
)
_PATIENT = Config(retries={"total_max_attempts": 5, "mode": "standard"}, connect_timeout=2, read_timeout=10)


class RejectNotKeptError(RuntimeError):
    """The rejection of the batch's first record could not be written."""


@cache
def start() -> tuple[Settings, Scorer, Sender, Sender]:
    """Load settings, model and senders once per process.

    A failure is not cached: the batch stays in the stream and the next invocation tries again.
    """
    settings = Settings.read(os.environ)
    if settings.bundle:
        return settings, Scorer(model.read(Path(settings.bundle))), Print(), Print()
    s3 = boto3.client("s3", config=_PATIENT)
    scorer = Scorer(model.load(s3, settings.artifact_bucket, settings.model_name, settings.model_version))
    if settings.test_run:
        return settings, scorer, Print(), Print()
    firehose = boto3.client("firehose", config=_ONCE)
    if settings.shadow_stream:
        apart = Firehose(firehose, settings.shadow_stream)
        return settings, scorer, apart, apart
    output = Kinesis(boto3.client("kinesis", config=_ONCE), settings.output_stream)
    return settings, scorer, output, Firehose(firehose, settings.rejected_stream)


def remaining(context: Any) -> Remaining:
    """Return a function that returns the seconds left for publishing."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000 - _RESERVE


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Score and publish a batch; return the first unpublished record.

    Raises RejectNotKeptError if that is the batch's first record and rejected: only an error makes
    Lambda split the batch, so that a rejected record does not hold up or take along the others.
    """
    settings, scorer, output, rejected = start()
    if not event["Records"]:
        # A release asks a new version whether it starts, before any record reaches it.
        return {"batchItemFailures": []}
    now, left_seconds = datetime.now(UTC), remaining(context)
    batch = scorer.score(event["Records"], now)
    # Half of the time at most: an unavailable delivery of rejects must leave time for the output.
    half = left_seconds() / 2
    unkept = publish(rejected, batch.rejected, lambda: left_seconds() - half)
    sent = below(unkept, batch.scored)
    left = unkept + publish(output, pack(sent, settings.output_record_kb * KILOBYTE), left_seconds)
    unpublished = count(left) + len(batch.scored) - len(sent)
    resume = lowest(left)[0].sequence_number if left else None
    timely = metrics.timeliness(event["Records"], resume, settings.objective_seconds, datetime.now(UTC))
    ref = scorer.model.contract.model
    use_case, namespace = settings.use_case, settings.metrics_namespace
    version = settings.aws_lambda_function_version
    print(metrics.embedded(batch, unpublished, ref, use_case, now, timely, namespace, version))  # noqa: T201 - the log
    first = event["Records"][0]["kinesis"]["sequenceNumber"]
    if any(line.sequence_number == first for line in unkept):
        raise RejectNotKeptError(
            f"record {first} is rejected and {settings.shadow_stream or settings.rejected_stream} does not "
            "accept its rejection: Lambda splits the batch and tries again"
        )
    return {"batchItemFailures": [{"itemIdentifier": line.sequence_number} for line in lowest(left)]}
