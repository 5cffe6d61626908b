"""Recordings of things that we do not model, and differences that are meant, each with its reason."""

_STREAMS = "test_lambda_integration_kinesis::"
_OF_THE_EMULATOR = "answered by the embedded AWS's own service, not by a model of ours"
_ASYNCHRONOUS = "asynchronous invocation is the embedded AWS's own; nothing reads these records"

# By the start of the recording's name.
NOT_APPLICABLE = {
    f"{_STREAMS}test_kinesis_event_filtering_json_pattern": "the stack sets no filter, the model has none",
    f"{_STREAMS}test_duplicate_event_source_mappings": _OF_THE_EMULATOR,
    f"{_STREAMS}test_esm_with_not_existing_kinesis_stream": _OF_THE_EMULATOR,
    "test_kinesis::": _OF_THE_EMULATOR,
    "test_firehose::test_resource_tagging": _OF_THE_EMULATOR,
    "test_scheduler::test_tag_resource": "the stack makes no schedule group",
    "test_scheduler::test_untag_resource": "the stack makes no schedule group",
    "test_cloudwatch_metrics::test_alarm_number_of_messages_sent": (
        "alarms go to people; nothing of ours reads their messages"
    ),
    "test_lambda_destinations::": _ASYNCHRONOUS,
}

# By recording and fact.
MEANT = {
    ("test_scheduler::tests_create_schedule_with_valid_schedule_expression", "expression"): (
        "at(...) runs once; the variable takes only schedules that repeat"
    ),
}


def reason(name: str) -> str | None:
    """Return why recording `name` does not apply, None if it does."""
    return next((why for start, why in NOT_APPLICABLE.items() if name.startswith(start)), None)
