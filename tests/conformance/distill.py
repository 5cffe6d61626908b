"""Facts of a recording: what AWS delivered, discarded, refused or accepted."""

import re
from collections.abc import Callable, Iterator
from typing import Any

Facts = dict[str, Any]

STREAMS = "test_lambda_integration_kinesis::"
# Everything else in a description depends on the account or the moment.
_SETTINGS = (
    "BatchSize",
    "BisectBatchOnFunctionError",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
)
_REFUSED = range(404, 413)
_WRITES = ("put-", "copy-", "complete-")


def stream_facts(content: dict[str, Any]) -> Facts:
    """Return the facts of a recording of an event source mapping."""
    described = next((value for key, value in content.items() if key.startswith("create")), {})
    facts: Facts = {name: described[name] for name in _SETTINGS if name in described}
    batches = list(_batches(content))
    if batches:
        facts |= delivered([[_identity(r) for r in batch] for batch in batches])
        facts["event"] = _shape(batches[0][0])
    for document in _failures(content):
        facts |= {f"failure {name}": value for name, value in failure_facts(document).items()}
    if facts.get("failure condition") and "kinesis_events" not in content:
        # These recordings list what was delivered in all, sorted, without its batches.
        facts.pop("batches", None)
    if (state := content.get("get_esm_result")) is not None:
        facts["result"] = state["LastProcessingResult"]
    return facts


def delivered(batches: list[list[str]]) -> Facts:
    """Return how many records each batch had, and how often each record came."""
    order = list(dict.fromkeys(name for batch in batches for name in batch))
    flat = [name for batch in batches for name in batch]
    return {"batches": [len(batch) for batch in batches], "deliveries": [flat.count(name) for name in order]}


def failure_facts(document: dict[str, Any]) -> Facts:
    """Return the facts of a record at an on-failure destination."""
    context, batch = document["requestContext"], document["KinesisBatchInfo"]
    return {
        "condition": context["condition"],
        "invocations": context["approximateInvokeCount"],
        "error": document.get("responseContext", {"functionError": "no response"})["functionError"],
        "batch size": batch["batchSize"],
        "times": sorted({_clock(value) for value in (document["timestamp"], *_arrivals(batch))}),
        "fields": _fields(document),
    }


def _arrivals(batch: dict[str, Any]) -> Iterator[str]:
    yield batch["approximateArrivalOfFirstRecord"]
    yield batch["approximateArrivalOfLastRecord"]


def _clock(stamp: str) -> str:
    """Return the form of a time: placeholders keep it."""
    return re.sub(r"\d", "0", stamp.removeprefix("<timestamp:").removesuffix(">"))


def _fields(document: Any, path: str = "") -> list[str]:
    if not isinstance(document, dict) or path == "payload":
        return [path]
    names = sorted(document)
    return [field for name in names for field in _fields(document[name], f"{path}.{name}".lstrip("."))]


def _shape(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record's fields, with the values that don't depend on account, stream or moment."""
    shard, _, number = record["eventID"].partition(":")
    return {
        "fields": _fields(record),
        "constants": [record[n] for n in ("eventName", "eventSource", "eventVersion")],
        "schema": record["kinesis"]["kinesisSchemaVersion"],
        "identified by": [shard.rstrip("0123456789"), number == record["kinesis"]["sequenceNumber"]],
    }


def _identity(record: dict[str, Any]) -> str:
    return str(record["kinesis"]["sequenceNumber"])


def _batches(content: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    for key in ("invocation_events", "kinesis_events"):
        yield from (event.get("event", event)["Records"] for event in content.get(key, []))
    for key in ("kinesis_records", "kinesis_records-a"):
        if key in content:
            yield content[key]["Records"]
    if "Records" in content:
        yield content["Records"]


def _failures(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("sqs_payload", "record_age_exceeded_payload"):
        yield from (message["Body"] for message in content.get(key, {}).get("Messages", []))
    if "failure_sns_message" in content:
        yield content["failure_sns_message"]["Message"]
    if "record_body" in content:
        yield content["record_body"]


def answers(content: dict[str, Any]) -> Facts:
    """Return how S3 answered each write: accepted, refused (the condition), or an error."""
    return {step: _answer(answer) for step, answer in content.items() if step.startswith(_WRITES)}


def _answer(answer: dict[str, Any]) -> str:
    if "Error" not in answer:
        return "accepted"
    kind = "refused" if answer["ResponseMetadata"]["HTTPStatusCode"] in _REFUSED else "error"
    return f"{kind}: {answer['Error']['Code']}"


def schedule(content: dict[str, Any]) -> Facts:
    """Return whether the scheduler took an expression."""
    (answer,) = content.values()
    return {"expression": "refused" if "Error" in answer else "accepted"}


def metrics(content: dict[str, Any]) -> Facts:
    """Return the metrics CloudWatch had for one invocation, and how its error was told."""
    results = [r for a in content.values() for r in a.get("MetricDataResults", [])]
    values = {r["Label"]: r["Values"] for r in results}
    share = sum(values.get("Errors", [])) / sum(values["Invocations"])
    facts: Facts = {"metrics": values, "share of errors": share}
    if "FunctionError" in content["invoke"]:
        facts["error"] = sorted(content["invoke"]["Payload"])
    return facts


def deliveries(content: dict[str, Any]) -> Facts:
    """Return how many delivery streams received the message put once to their stream."""
    (buckets,) = content.values()
    return {"received": len(buckets), "alike": len({str(body) for body in buckets.values()}) == 1}


_READERS: tuple[tuple[str, Callable[[dict[str, Any]], Facts]], ...] = (
    (STREAMS, stream_facts),
    ("test_s3_preconditions::", answers),
    ("test_s3_api::", answers),
    ("test_scheduler::", schedule),
    ("test_cloudwatch_metrics::", metrics),
    ("test_firehose::", deliveries),
)


def facts_of(name: str, content: dict[str, Any]) -> Facts:
    """Return the facts of recording `name`."""
    reader = next(read for start, read in _READERS if name.startswith(start))
    return reader(content)
