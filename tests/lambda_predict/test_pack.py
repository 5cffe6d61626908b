import json
from collections.abc import Sequence

import msgspec
import pytest

from lambda_predict import handler as handlers
from lambda_predict.pack import count, pack
from lambda_predict.score import EVENT_LIMIT, Line, Scorer
from tests.lambda_predict import synthetic

KEY_BYTES = 256 * 3


def lines(*sizes: int) -> list[Line]:
    """Return lines of those sizes, newline included; sequence numbers from 1."""
    return [Line(str(n), f"key {n}", b"x" * (size - 1) + b"\n") for n, size in enumerate(sizes, start=1)]


@pytest.mark.parametrize(
    ("sizes", "limit", "records"),
    [
        ((10, 10, 10), 0, [[1], [2], [3]]),
        ((10, 10, 10), 20, [[1, 2], [3]]),
        ((10, 10, 10), 30, [[1, 2, 3]]),
        ((10, 10, 10), 29, [[1, 2], [3]]),
        ((10, 11, 10), 20, [[1], [2], [3]]),
        ((10, 50, 10), 20, [[1], [2], [3]]),
        ((50,), 20, [[1]]),
        ((10, 9, 50, 10, 10), 20, [[1, 2], [3], [4, 5]]),
        ((), 20, []),
    ],
)
def test_lines_are_joined_in_order_up_to_the_limit(
    sizes: tuple[int, ...], limit: int, records: list[list[int]]
) -> None:
    given = lines(*sizes)

    packed = pack(given, limit)

    assert [line.data for line in packed] == [b"".join(given[n - 1].data for n in group) for group in records]
    assert [(line.sequence_number, line.key) for line in packed] == [
        (str(group[0]), f"key {group[0]}") for group in records
    ]
    assert count(packed) == len(given)


def test_the_largest_record_and_its_key_fit_into_kinesis() -> None:
    [largest, *_] = pack(lines(*[1000] * 2000), 1000 * 1024)
    assert 1000 * 1024 - 1000 < len(largest.data) <= 1000 * 1024
    assert len(largest.data) + KEY_BYTES <= EVENT_LIMIT


class Refusing(synthetic.Sink):
    """Sink that never accepts the records of those positions."""

    def __init__(self, *positions: int) -> None:
        super().__init__(lambda given: [n not in positions for n in range(len(given))])


def invoke(
    monkeypatch: pytest.MonkeyPatch, model: synthetic.Model, output: synthetic.Sink, kb: int
) -> object:
    monkeypatch.setattr(handlers, "publish", lambda send, given, _: refused(send, given))
    settings = msgspec.structs.replace(synthetic.SETTINGS, output_record_kb=kb)
    monkeypatch.setattr(handlers, "start", lambda: (settings, Scorer(model), output, synthetic.Sink()))
    records = synthetic.kinesis([synthetic.ride(f"r{n}") for n in range(1, 31)])
    return handlers.handler({"Records": records}, synthetic.Context(60))


def refused(send: synthetic.Sink, given: Sequence[Line]) -> list[Line]:
    return [line for line, taken in zip(given, send(given), strict=True) if not taken] if given else []


@pytest.mark.parametrize(("position", "resume", "unpublished"), [(0, "1", 4), (1, "5", 4), (7, "29", 2)])
def test_a_record_not_accepted_resumes_at_its_first_event(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: synthetic.Model,
    position: int,
    resume: str,
    unpublished: int,
) -> None:
    answer = invoke(monkeypatch, model, Refusing(position), kb=2)
    assert answer == {"batchItemFailures": [{"itemIdentifier": resume}]}
    log = json.loads(capsys.readouterr().out)
    assert (log["Scored"], log["Unpublished"], log["OnTime"] + log["Late"]) == (
        30,
        unpublished,
        int(resume) - 1,
    )


def test_records_are_packed_only_if_the_setting_says_so(
    monkeypatch: pytest.MonkeyPatch, model: synthetic.Model
) -> None:
    single, packed = synthetic.Sink(), synthetic.Sink()
    for sink, kb in ((single, 0), (packed, 25)):
        assert invoke(monkeypatch, model, sink, kb) == {"batchItemFailures": []}
    assert (single.calls, packed.calls) == ([30], [1])

    def events(sink: synthetic.Sink) -> list[dict[str, object]]:
        return [{**json.loads(line), "scored_at": None} for line in sink.lines]

    assert events(single) == events(packed)
