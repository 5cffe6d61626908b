"""MiniStack with the AWS behaviour it lacks; runs in a separate environment.

Each patch is one function for exactly one MiniStack version; its docstring states what it replaces.
"""

import base64
import importlib.metadata
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core.lambda_runtime import execution_credentials
from ministack.services import cloudwatch, firehose, kinesis, lambda_svc

from local import (
    event_source,
    failure_record,
    function_metrics,
    ministack_iam,
    ministack_patches,
    ministack_roles,
    routing,
)
from local.firehose_buffers import DELIMITER, Buffers, Target, enabled_processors, limits
from local.function_metrics import FunctionMetrics
from local.runtime import Runtime

VERSION = "1.5.33"
_Reply = dict[str, Any]


def run_images_without_docker(runtime: Runtime, metrics: FunctionMetrics) -> None:
    """Replace the Docker executor of image functions by the Runtime Interface Emulator."""

    def execute(function: Any, event: Any, _request_id: str) -> _Reply:
        config = function.get("config") or function
        reply = runtime.invoke(config, event, execution_credentials(config))
        metrics.read_log(config["FunctionName"])
        return reply

    lambda_svc._execute_function_docker = execute


class _Shard:
    """Adapter from a MiniStack shard to the event source mapping's interface."""

    def __init__(self, shard_id: str, shard: dict[str, Any]) -> None:
        self.shard_id, self._shard = shard_id, shard
        parents = (shard.get("parent_shard_id"), shard.get("adjacent_parent_shard_id"))
        self.parents: Sequence[str] = [parent for parent in parents if parent]
        self.closed = False

    def read(self, position: int, most: int) -> list[event_source.Record]:
        return [
            event_source.Record(
                sequence_number=record["SequenceNumber"],
                partition_key=record["PartitionKey"],
                data=_bytes(record["Data"]),
                arrived_at=float(record["ApproximateArrivalTimestamp"]),
            )
            for record in self._shard["records"][position : position + most]
        ]


def _bytes(data: bytes | str) -> bytes:
    return data if isinstance(data, bytes) else base64.b64decode(data)


def follow_event_source_rules(metrics: FunctionMetrics) -> None:
    """Replace the Kinesis poller, which ignores partial batch responses, bisecting, limits, weights."""
    mappings: dict[str, event_source.EventSourceMapping] = {}

    def poll() -> bool:
        moved = False
        for account, region, esm in lambda_svc._iter_all_esms():
            tokens = lambda_svc._request_account_id.set(account), lambda_svc._request_region.set(region)
            try:
                moved |= _poll_mapping(esm, mappings, metrics)
            finally:
                lambda_svc._request_account_id.reset(tokens[0])
                lambda_svc._request_region.reset(tokens[1])
        return moved

    lambda_svc._poll_kinesis = poll


def _poll_mapping(
    esm: Any, mappings: dict[str, event_source.EventSourceMapping], metrics: FunctionMetrics
) -> bool:
    arn = esm.get("EventSourceArn", "")
    if ":kinesis:" not in arn or not esm.get("Enabled", True):
        return False
    of_stream = arn.partition("/consumer/")[0]
    stream = next((s for s in kinesis._streams.values() if s.get("StreamARN") == of_stream), None)
    function, _ = lambda_svc._get_func_record_for_qualifier(esm["FunctionName"], esm.get("Qualifier"))
    if function is None or stream is None or stream["StreamStatus"] != "ACTIVE":
        return False
    if not ministack_roles.mapping_may_read(function, stream, arn):
        esm["LastProcessingResult"] = "PROBLEM: The function's role may not read the stream"
        return False
    shards = [_Shard(shard_id, shard) for shard_id, shard in stream["shards"].items()]
    mapping = mappings.get(esm["UUID"])
    if mapping is None:
        mapping = mappings[esm["UUID"]] = _mapping(esm, arn, metrics)
        for shard in shards:
            mapping.start_at(shard.shard_id, _first(esm, stream["shards"][shard.shard_id]["records"]))
    return mapping.poll(shards, time.time())


def _first(esm: Any, records: Sequence[Any]) -> int:
    """Return the index of the record that a new mapping reads first."""
    position = esm.get("StartingPosition", "LATEST")
    if position == "AT_TIMESTAMP":
        since = float(esm["StartingPositionTimestamp"])
        arrivals = enumerate(float(record["ApproximateArrivalTimestamp"]) for record in records)
        return next((index for index, arrival in arrivals if arrival >= since), len(records))
    return len(records) if position == "LATEST" else 0


def _target(esm: Any) -> tuple[str, Any]:
    """Return the version that the next invocation of a mapping executes, and MiniStack's record of it."""
    name, qualifier = esm["FunctionName"], esm.get("Qualifier") or "$LATEST"
    alias = lambda_svc._functions[name]["aliases"].get(qualifier)
    version = routing.choose(alias, random.random()) if alias else qualifier  # noqa: S311  # not a secret
    record, _ = lambda_svc._get_func_record_for_qualifier(name, version)
    return version, record


def _mapping(esm: Any, arn: str, metrics: FunctionMetrics) -> event_source.EventSourceMapping:
    region = arn.split(":")[3]

    def as_event(shard_id: str, records: list[event_source.Record]) -> Any:
        return event_source.event(
            records, shard_id, arn, region, lambda data: base64.b64encode(data).decode()
        )

    def invoke(shard_id: str, records: list[event_source.Record]) -> Any:
        version, record = _target(esm)
        reply = lambda_svc._execute_function(record, as_event(shard_id, records))
        failed = bool(reply.get("error") or reply.get("throttle"))
        if qualifier := esm.get("Qualifier"):
            metrics.invoked(esm["FunctionName"], qualifier, version, failed=failed)
        if failed:
            esm["LastProcessingResult"] = "PROBLEM: Function call failed"
            raise event_source.InvocationError(str(reply.get("body")))
        esm["LastProcessingResult"] = "OK"
        return reply.get("body")

    def give_up(failed: event_source.Failed) -> None:
        target = ((esm.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
        if target.startswith("arn:aws:s3:::"):
            config = lambda_svc._functions[esm["FunctionName"]]["config"]
            key, document = failure_record.with_payload(
                failed, arn, config["FunctionArn"], esm["UUID"], as_event(failed.shard_id, failed.records)
            )
            _put_object(
                config["Role"], target.removeprefix("arn:aws:s3:::"), key, json.dumps(document).encode()
            )
        elif target:
            print(f"on-failure destination {target} is not supported here", file=sys.stderr)

    return event_source.EventSourceMapping(event_source.Settings.of(esm), invoke, give_up)


def _put_object(role: str, bucket: str, key: str, body: bytes) -> None:
    """Write an object with the permission of a service's role; without it, report the loss."""
    if ministack_roles.may_put(role, bucket, key):
        firehose._put_s3_object(bucket, key, body)
    else:
        print(f"{role} may not write {key} to {bucket}: {len(body)} bytes are lost", file=sys.stderr)


def buffer_deliveries() -> None:
    """Replace one plain object per record by buffered, compressed objects; free delivered records."""
    one_by_one = firehose._deliver_records_to_s3
    buffers = Buffers(_put_object)

    def deliver(stream: dict[str, Any], dest: dict[str, Any], records: list[tuple[str, bytes]]) -> None:
        dest["records"].clear()
        cfg = dest["config"]
        if not ministack_roles.delivery_may_read(stream):
            return
        processors = enabled_processors(cfg)
        converts = (cfg.get("DataFormatConversionConfiguration") or {}).get("Enabled")
        if converts or processors - {DELIMITER}:
            one_by_one(stream, dest, records)
            return
        compress = cfg.get("CompressionFormat") == "GZIP"
        interval, size = limits(cfg)
        target = Target(
            role=cfg["RoleARN"],
            bucket=firehose._s3_bucket_from_arn(cfg.get("BucketARN", "")),
            prefix=firehose._evaluate_prefix(cfg.get("Prefix", ""), time.gmtime()),
            stem=f"{stream['name']}-{stream.get('version', 1)}",
            extension=cfg.get("FileExtension") or (".gz" if compress else ""),
            compress=compress,
            interval=interval,
            size=size,
        )
        for _, data in records:
            buffers.add(target, data + b"\n" if DELIMITER in processors else data)

    firehose._deliver_records_to_s3 = deliver
    threading.Thread(target=buffers.run, daemon=True, name="firehose-flush").start()


def end_with_parent(runtime: Runtime) -> None:
    """End this process and its functions when standard input closes, i.e. the starting process ended."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        runtime.close()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def main() -> None:
    """Serve until stopped. Arguments: state folder, images file, Runtime Interface Emulator."""
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        raise SystemExit(
            f"The patches need MiniStack {VERSION}, found {found}: pin it in pyproject.toml, run make lock"
        )
    state, images, binary = (Path(argument) for argument in sys.argv[1:4])
    endpoint = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    region = os.environ["MINISTACK_REGION"]
    base = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    runtime = Runtime(images, binary, state / "logs", base)
    metrics = FunctionMetrics(state / "logs", function_metrics.store_in(cloudwatch))
    run_images_without_docker(runtime, metrics)
    follow_event_source_rules(metrics)
    ministack_patches.complete()
    ministack_iam.complete()
    ministack_roles.complete()
    if os.environ.get("SCOREWATCH_LOCAL_FIREHOSE") != "per-record":
        buffer_deliveries()
    if "--detached" not in sys.argv:
        end_with_parent(runtime)
    sys.argv = sys.argv[:1]
    try:
        app.main()
    finally:
        runtime.close()


if __name__ == "__main__":
    main()
