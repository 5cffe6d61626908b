"""Calls that services make with a role: event source mappings, Firehose, Scheduler, failed invocations.

MiniStack makes them without asking IAM. Actions: AWS's guides, named at each list.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import eventbridge, lambda_svc, sqs

from local.ministack_iam import may

# Lambda Developer Guide, "Process Kinesis records": required permissions of the function's role.
_MAPPING_READS = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
# The same page and "Develop enhanced fan-out consumers", for a mapping that reads as a registered consumer.
_CONSUMER_READS = ("DescribeStreamConsumer", "SubscribeToShard")
# Firehose Developer Guide, "Grant Firehose access to an Amazon S3 destination".
_DELIVERY_READS = ("DescribeStream", "GetShardIterator", "GetRecords", "ListShards")
# Lambda Developer Guide, "Using Lambda with Amazon SQS": required permissions of the function's role.
_QUEUE_READS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_checked: dict[tuple[str, str], tuple[int, bool]] = {}


def complete() -> None:
    """Apply every patch of this module."""
    authorize_schedules()
    authorize_failed_runs()
    authorize_queue_mappings()


def mapping_may_read(function: Mapping[str, Any], stream: Mapping[str, Any], source: str) -> bool:
    """Return whether an event source mapping may read a stream that has records.

    `source` is the ARN of the stream, or that of a registered consumer of it.
    """
    if not any(shard["records"] for shard in stream["shards"].values()):
        return True
    role = (function.get("config") or function)["Role"]
    if not _all(role, stream["StreamARN"], [f"kinesis:{name}" for name in _MAPPING_READS]):
        return False
    as_consumer = [f"kinesis:{name}" for name in _CONSUMER_READS]
    return source == stream["StreamARN"] or _all(role, source, as_consumer)


def delivery_may_read(stream: Mapping[str, Any]) -> bool:
    """Return whether a delivery stream may read its source; true if producers put records on it."""
    source = stream.get("kinesis_source") or {}
    if not source:
        return True
    reads = [f"kinesis:{name}" for name in _DELIVERY_READS]
    return _all(source["RoleARN"], source["KinesisStreamARN"], reads)


def may_put(role_arn: str, bucket: str, key: str) -> bool:
    """Return whether a service may write an object with the role."""
    return may(role_arn, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")


def authorize_schedules() -> None:
    """Let a schedule start its target only with its role's permission."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: Mapping[str, Any], *rest: Any) -> None:
        if "RoleArn" not in target or may(target["RoleArn"], "lambda:InvokeFunction", target["Arn"]):
            invoke(target, *rest)
        else:
            _report(target["RoleArn"], f"start {target['Arn']}")

    eventbridge._invoke_target = invoke_target


def authorize_failed_runs() -> None:
    """Send failed asynchronous invocations to a queue only with the function's permission."""
    route = lambda_svc._route_async_failure

    def routed(target: str, name: str, *rest: Any) -> None:
        role = lambda_svc._functions[name]["config"]["Role"]
        if not target.startswith("arn:aws:sqs:") or may(role, "sqs:SendMessage", target):
            route(target, name, *rest)
        else:
            _report(role, f"send to {target}")

    lambda_svc._route_async_failure = routed


def authorize_queue_mappings() -> None:
    """Let an event source mapping take messages of a queue only with the function's permission."""
    receive = sqs._receive_messages_for_esm

    def received(url: str, most: int) -> Any:
        queue = sqs._queues[url]
        arn = queue["attributes"]["QueueArn"]
        reads = [f"sqs:{name}" for name in _QUEUE_READS]
        if queue["messages"] and not all(_all(role, arn, reads) for role in _readers(arn)):
            return []
        return receive(url, most)

    sqs._receive_messages_for_esm = received


def _readers(queue_arn: str) -> list[str]:
    """Return the roles of the functions that an event source mapping calls with a queue's messages."""
    mappings = [esm for esm in lambda_svc._esms.values() if esm.get("EventSourceArn") == queue_arn]
    functions = [lambda_svc._get_func_record_for_qualifier(m["FunctionName"], None)[0] for m in mappings]
    return [function["config"]["Role"] for function in functions if function is not None]


def _all(role: str, resource: str, actions: list[str]) -> bool:
    """Return whether the role may make every call, from the answer of this second if there is one."""
    now, key = int(time.time()), (role, resource)
    if _checked.get(key, (0, False))[0] != now:
        allowed = [may(role, action, resource) for action in actions]
        _checked[key] = (now, all(allowed))
        if not all(allowed):
            _report(role, f"read {resource}")
    return _checked[key][1]


def _report(role: str, what: str) -> None:
    print(f"{role} may not {what}", file=sys.stderr)
