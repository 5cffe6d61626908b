import random
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_predict.publish import publish
from lambda_predict.score import Line
from tests.lambda_predict import synthetic


def lines(count: int, size: int = 10) -> list[Line]:
    return [Line(str(i), f"k{i}", b"%06d" % i + b"x" * (size - 6)) for i in range(count)]


def test_calls_are_within_the_limits_of_put_records() -> None:
    sink, clock = synthetic.Sink(), synthetic.Clock(60)
    assert publish(sink, lines(1201), clock.remaining, clock.pause) == []
    assert sink.calls == [500, 500, 201]
    big = synthetic.Sink()
    publish(big, lines(11, 1024 * 1024 - 10), clock.remaining, clock.pause)
    assert big.calls == [5, 5, 1]


def test_only_failed_entries_are_sent_again() -> None:
    answers = iter([[i % 3 > 0 for i in range(9)], [True, False, True], [True]])
    sink, clock = synthetic.Sink(lambda _: next(answers)), synthetic.Clock(60)
    sent = lines(9)
    assert publish(sink, sent, clock.remaining, clock.pause) == []
    assert sink.calls == [9, 3, 1]
    assert sorted(sink.lines) == [line.data for line in sent]


def test_failed_entries_are_returned_when_time_runs_out() -> None:
    random.seed(1)
    sink, clock = synthetic.Sink(lambda batch: [line.key != "k3" for line in batch]), synthetic.Clock(5)
    left = publish(sink, lines(5), clock.remaining, clock.pause)
    assert [line.key for line in left] == ["k3"]
    assert clock.left > 0
    assert max(clock.pauses) <= 2


def test_retries_back_off_with_jitter_up_to_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambda_predict.publish.random.uniform", max)
    sink, clock = synthetic.Sink(lambda batch: [False] * len(batch)), synthetic.Clock(10)
    assert publish(sink, lines(1), clock.remaining, clock.pause) == lines(1)
    assert clock.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert len(sink.calls) == 10


def test_no_pause_ends_without_time_for_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambda_predict.publish.random.uniform", max)
    sink, clock = synthetic.Sink(lambda batch: [False] * len(batch)), synthetic.Clock(3.1)
    sink.seconds = 3
    assert publish(sink, lines(1), clock.remaining, clock.pause) == lines(1)
    assert (sink.calls, clock.pauses) == ([1, 1], [0.05])


def test_no_call_starts_in_less_time_than_it_may_take() -> None:
    clock, sent = synthetic.Clock(7), lines(1_201)

    def slow(batch: list[Line]) -> list[bool]:
        clock.left -= 3
        return [True] * len(batch)

    sink = synthetic.Sink(slow)
    sink.seconds = 3
    assert publish(sink, sent, clock.remaining, clock.pause) == sent[1_000:]
    assert sink.calls == [500, 500]
    assert publish(sink, sent[:1], clock.remaining, clock.pause) == sent[:1]
    assert sink.calls == [500, 500]


def test_without_time_nothing_is_sent() -> None:
    sink, clock = synthetic.Sink(), synthetic.Clock(0)
    sent = lines(5)
    assert publish(sink, sent, clock.remaining, clock.pause) == sent
    assert sink.calls == []


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutRecords")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("ThrottlingException"),
        client_error("Throttling"),
        client_error("LimitExceededException"),
        client_error("KMSThrottlingException"),
        client_error("RequestTimeout"),
        client_error("InternalFailure", 500),
        client_error("ServiceUnavailableException", 503),
        EndpointConnectionError(endpoint_url="http://x"),
        ConnectTimeoutError(endpoint_url="http://x"),
        ReadTimeoutError(endpoint_url="http://x"),
        ConnectionClosedError(endpoint_url="http://x"),
    ],
    ids=lambda error: (
        error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    ),
)
def test_a_call_with_a_transient_error_is_repeated(error: Exception) -> None:
    faults = iter([error, None])

    def fault(batch: list[Line]) -> list[bool]:
        if (raised := next(faults)) is not None:
            raise raised
        return [True] * len(batch)

    sink, clock = synthetic.Sink(fault), synthetic.Clock(60)
    assert publish(sink, lines(3), clock.remaining, clock.pause) == []
    assert (sink.calls, len(sink.lines)) == ([3, 3], 3)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"]
)
def test_a_permanent_error_is_raised_without_a_retry(code: str) -> None:
    def fault(_: list[Line]) -> list[bool]:
        raise client_error(code)

    sink, clock = synthetic.Sink(fault), synthetic.Clock(60)
    with pytest.raises(ClientError, match=code):
        publish(sink, lines(3), clock.remaining, clock.pause)
    assert sink.calls == [3]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_each_line_is_accepted_once_or_returned(data: st.DataObject) -> None:
    def fault(batch: list[Line]) -> list[bool]:
        if data.draw(st.integers(0, 5)) == 0:
            raise synthetic.throttled()
        return [data.draw(st.booleans()) for _ in batch]

    sent = lines(data.draw(st.integers(0, 15)))
    sink, clock = synthetic.Sink(fault), synthetic.Clock(1)
    left = publish(sink, sent, clock.remaining, clock.pause)
    assert sorted([*sink.lines, *(line.data for line in left)]) == [line.data for line in sent]
