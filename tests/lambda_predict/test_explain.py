"""Bounds of explanations; repeated keys compared with an exact parser."""

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.events import Rejection
from lambda_predict.decode import Decoder
from tests.lambda_predict import synthetic

DECODER = Decoder(synthetic.contract())


def record(extra: bytes) -> bytes:
    return synthetic.ride()[:-2] + b', "x": ' + extra + b"}}"


def nested(size: int, depth: int = 300) -> bytes:
    """Return nested objects with long keys and siblings, and an infinity."""
    key = b"k" * (size // depth // 2)
    inner = b"1"
    for _ in range(depth):
        inner = b'{"a%s": 1, "b%s": %s}' % (key, key, inner)
    return b'{"infinite": 1e999, "nested": %s}' % inner


def shapes(size: int) -> dict[str, bytes]:
    """Return records of some `size` bytes whose explanation is expensive, by name."""
    return {
        "nested long keys": record(nested(size)),
        "nested long keys before an infinity": record(b"[%s, 1e999]" % nested(size).replace(b"1e999", b"1")),
        "long list": record(b"[%s1e999]" % (b"1," * (size // 2))),
        "many objects": record(b"[%s1e999]" % (b"{}," * (size // 3))),
        "long key": record(b'{"%s": 1e999}' % (b"k" * size)),
        "long key with half a pair": record(b'{"%s\\ud800": 1}' % (b"k" * size)),
        "long key twice": record(b'{"%s": 1, "%s": 1}' % (b"k" * (size // 2), b"k" * (size // 2))),
        "long names instead of fields": b'{"%s": 1, "%s": 2}' % (b"\x01\xc3\xa9" * 3, b"k" * size),
        "long text as a number": synthetic.ride(trip_distance="\u2713" * (size // 3)),
        "long number as a number": synthetic.ride(trip_distance=10**4_000),
        "deep": record(b"[" * (size // 2) + b"]" * (size // 2)),
    }


SHAPES = shapes(100_000)


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
def test_an_explanation_is_bounded_in_time_memory_and_size(data: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    (found,) = DECODER.decode([data])
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Rejection)
    assert peak < 40 * len(data)
    assert seconds < 5
    assert len(found.field) <= 200
    assert len(found.message) <= 1_000


def test_large_records_of_a_batch_are_not_decoded_together() -> None:
    data = record(b"[%s{}]" % (b"{}," * 100_000))
    tracemalloc.start()
    found = DECODER.decode([data] * 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not any(isinstance(item, Rejection) for item in found)
    assert peak < 40 * len(data) + 3 * 10 * len(data)


def test_a_long_path_is_cut() -> None:
    keys = [f"{n:02d}" + "k" * 30 for n in range(20)]
    value: Any = float("inf")
    for key in reversed(keys):
        value = {key: [value]}
    (found,) = DECODER.decode([synthetic.ride(x=value).replace(b"Infinity", b"1e999")])
    assert isinstance(found, Rejection)
    whole = "ride.x." + "[0].".join(keys)
    assert (found.reason, found.field) == ("not_finite", whole[:200])


KEYS = st.sampled_from(
    ['"a"', '"b"', r'"\u0061"', '":"', r'"\u003a"', r'"\u003A"', r'"\\u003a"', r'"\""', '"é"']
)
TEXTS = st.sampled_from(
    [
        "1",
        "null",
        '"a:b"',
        r'"\u003a"',
        r'"a\u003Ab"',
        r'"\\"',
        r'"\\u003a"',
        r'"\""',
        r'"\n\u00e9"',
        '"é:"',
        "[]",
    ]
)
VALUES = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(KEYS, inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=10,
)


def repeated(text: str) -> bool:
    """Return whether any object of the JSON text repeats a key."""
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found |= len({key for key, _ in pairs}) < len(pairs)

    json.loads(text, object_pairs_hook=look)
    return found


def text(record_id: str, extra: list[tuple[str, str]]) -> str:
    fields = [
        '"PULocationID": 1',
        '"DOLocationID": 2',
        '"trip_distance": 3',
        *(f"{k}: {v}" for k, v in extra),
    ]
    return f'{{"ride_id": {record_id}, "ride": {{{", ".join(fields)}}}}}'


IDS = TEXTS.filter(lambda text: text[0] in '"1')
RECORDS = st.builds(text, IDS, st.lists(st.tuples(KEYS, VALUES), max_size=4))


@settings(max_examples=1_000, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_repeated_keys_are_found_exactly(batch: list[str]) -> None:
    found = DECODER.decode([text.encode() for text in batch])
    assert [isinstance(item, Rejection) for item in found] == [repeated(text) for text in batch]
    assert {item.reason for item in found if isinstance(item, Rejection)} <= {"duplicate_key"}


def test_text_that_is_not_ascii_needs_no_second_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder(synthetic.contract())
    monkeypatch.setattr(decoder, "_unique", None)
    accented = '{"ride_id": "\u00e9", "ride": {"PULocationID": 1, "DOLocationID": 2, "trip_distance": 3}}'
    found = decoder.decode([accented.encode(), synthetic.ride("\u00e9")])
    assert [getattr(item, "record_id", None) for item in found] == ["\u00e9", "\u00e9"]
