"""Facts of our model of the event source mapping, from scenarios written after the recordings."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local import event_source, failure_record
from local.event_source import FOREVER, EventSourceMapping, Failed, InvocationError, Record, Settings
from tests.conformance.distill import STREAMS, Facts, delivered, failure_facts, stream_facts

PUT_AT = 1_763_600_000.0
# Half a backoff: no retry is late by more than that.
STEP = 0.125
SECONDS = 400
_STREAM = "arn:aws:kinesis:eu-west-1:111111111111:stream/input"
_FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:predict"

Answer = Callable[[list[Record]], Any]


def raising(_records: list[Record]) -> Any:
    raise InvocationError("the function raised")


def failing_at(data: bytes) -> Answer:
    """Return a function that reports the records with this data as failed."""

    def answer(records: list[Record]) -> Any:
        return {
            "batchItemFailures": [{"itemIdentifier": r.sequence_number} for r in records if r.data == data]
        }

    return answer


@dataclass(frozen=True)
class Scenario:
    """Records put to one shard, the mapping's request, and the function's answer.

    `delay` is the age in seconds of the first record when the mapping starts to read.
    """

    records: int
    request: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer = lambda _: {}
    delay: float = 0.0
    late: int = 0
    flat: bool = False


_PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "MaximumBatchingWindowInSeconds": 1}
_ONE = {"BatchSize": 1, "MaximumBatchingWindowInSeconds": 1}
_RETRIED_ONCE = Scenario(1, _ONE | {"MaximumRetryAttempts": 1}, raising)
_AGE = _ONE | {"MaximumRecordAgeInSeconds": 60}


def _answering(answer: Any) -> Scenario:
    return Scenario(1, _ONE | _PARTIAL | {"MaximumRetryAttempts": 2}, lambda _: answer)


def _reporting(*items: Any) -> Scenario:
    return _answering({"batchItemFailures": list(items)})


_FAILURES = {
    "item_identifier_not_present_failure": _reporting({"itemIdentifier": 123}),
    "empty_string_item_identifier_failure": _reporting({"itemIdentifier": ""}),
    "null_item_identifier_failure": _reporting({"itemIdentifier": None}),
    "invalid_key_foo_failure": _reporting({"foo": 123}),
    "invalid_key_foo_null_value_failure": _reporting({"foo": None}),
    "unhandled_exception_in_function": Scenario(1, _ONE | _PARTIAL | {"MaximumRetryAttempts": 2}, raising),
}
_SUCCESSES = {
    "empty_string_success": _answering(""),
    "empty_list_success": _answering([]),
    "null_success": _answering(None),
    "empty_dict_success": _answering({}),
    "empty_batch_item_failure_success": _reporting(),
    "null_batch_item_failure_success": _answering({"batchItemFailures": None}),
}
SCENARIOS = {
    "test_create_kinesis_event_source_mapping": Scenario(10),
    "test_create_kinesis_event_source_mapping_multiple_lambdas_single_kinesis_event_stream": Scenario(1),
    "test_kinesis_event_source_mapping_with_async_invocation": Scenario(20, {"BatchSize": 10}),
    "test_kinesis_event_source_trim_horizon": Scenario(30, {"BatchSize": 10}),
    "test_disable_kinesis_event_source_mapping": Scenario(10, {"BatchSize": 10}),
    "test_kinesis_event_source_mapping_with_on_failure_destination_config": _RETRIED_ONCE,
    "test_kinesis_event_source_mapping_with_sns_on_failure_destination_config": _RETRIED_ONCE,
    "test_kinesis_event_source_mapping_with_s3_on_failure_destination": _RETRIED_ONCE,
    "test_kinesis_report_batch_item_failures": Scenario(
        6, _PARTIAL | {"BatchSize": 3, "MaximumRetryAttempts": 3}, failing_at(b"5"), flat=True
    ),
    "test_kinesis_empty_provided": Scenario(1, _ONE | {"MaximumRetryAttempts": 2}, lambda _: ""),
    "test_kinesis_maximum_record_age_exceeded[expire-while-retrying]": Scenario(1, _AGE, raising),
    "test_kinesis_maximum_record_age_exceeded[expire-before-ingestion]": Scenario(
        1, _AGE | {"MaximumRetryAttempts": 0}, raising, delay=61
    ),
    "test_kinesis_maximum_record_age_exceeded_discard_records": Scenario(
        1, _AGE | {"BatchSize": 10, "MaximumRetryAttempts": 0}, delay=80, late=5, flat=True
    ),
    **{f"test_kinesis_report_batch_item_failure_scenarios[{name}]": s for name, s in _FAILURES.items()},
    **{f"test_kinesis_report_batch_item_success_scenarios[{name}]": s for name, s in _SUCCESSES.items()},
}


class _Shard:
    shard_id, parents, closed = "shardId-000000000000", (), False

    def __init__(self, scenario: Scenario) -> None:
        moments = [PUT_AT] * scenario.records + [PUT_AT + scenario.delay] * scenario.late
        self._records = [Record(f"{49 + n:056d}", "key", b"%d" % n, at) for n, at in enumerate(moments)]

    def read(self, position: int, most: int) -> Sequence[Record]:
        return self._records[position : position + most]


def ours(name: str, recorded: Facts) -> Facts:
    """Return the facts of our model in the scenario of recording `name`, those that it recorded."""
    scenario = SCENARIOS[name.removeprefix(STREAMS)]
    settings = Settings.of(scenario.request)
    batches, failed = _run(scenario, settings)
    facts = _described(settings) | delivered([[r.sequence_number for r in b] for b in batches])
    if scenario.flat:
        del facts["batches"]
    events = [event_of(batch) for batch in batches]
    facts |= stream_facts({"kinesis_events": events[:1]}) if events else {}
    facts |= delivered([[r.sequence_number for r in b] for b in batches])
    for given_up in failed:
        document = _document(given_up, bucket="s3_on_failure" in name)
        facts |= {f"failure {fact}": value for fact, value in failure_facts(document).items()}
    facts["result"] = "PROBLEM: Function call failed" if failed else "OK"
    return {fact: value for fact, value in facts.items() if fact in recorded or fact.startswith("failure ")}


def _run(scenario: Scenario, settings: Settings) -> tuple[list[list[Record]], list[Failed]]:
    batches: list[list[Record]] = []
    failed: list[Failed] = []

    def invoke(_shard_id: str, records: list[Record]) -> Any:
        batches.append(list(records))
        return scenario.answer(records)

    mapping, shard = EventSourceMapping(settings, invoke, failed.append), _Shard(scenario)
    for step in range(int(SECONDS / STEP)):
        mapping.poll([shard], PUT_AT + scenario.delay + step * STEP)
    return batches, failed


def event_of(records: list[Record]) -> Any:
    """Return the event the function receives for `records`."""
    encode = lambda data: base64.b64encode(data).decode()  # noqa: E731
    return event_source.event(records, _Shard.shard_id, _STREAM, "eu-west-1", encode)


def _document(failed: Failed, *, bucket: bool) -> dict[str, Any]:
    if not bucket:
        return failure_record.document(failed, _STREAM, _FUNCTION, PUT_AT)
    return failure_record.with_payload(failed, _STREAM, _FUNCTION, "uuid", event_of(failed.records))[1]


def _described(settings: Settings) -> Facts:
    unlimited = {FOREVER: -1}
    return {
        "BatchSize": settings.batch_size,
        "BisectBatchOnFunctionError": settings.bisect,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if settings.report_failures else [],
        "MaximumBatchingWindowInSeconds": settings.batching_window,
        "MaximumRecordAgeInSeconds": unlimited.get(int(settings.maximum_age), settings.maximum_age),
        "MaximumRetryAttempts": unlimited.get(settings.maximum_retries, settings.maximum_retries),
    }
