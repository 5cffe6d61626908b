"""Hostile and broken objects: each is reported, the others are read, memory and time are bounded."""

import gzip
import io
import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_monitor.lake import events, lines, objects, texts
from lambda_monitor.lake.lines import Lines
from lambda_monitor.lake.objects import ObjectError, unpacked
from lambda_monitor.lake.texts import TEXT_CHARS, bounded, bounded_sql
from tests.lambda_monitor.lake.measure import read_events
from tests.lambda_monitor.synthetic import Stack, synthetic_rides


def compressed(path: Path, pieces: list[bytes]) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for piece in pieces:
            file.write(piece)
    return path


def test_a_bomb_of_zeros_takes_little_memory_and_time(tmp_path: Path) -> None:
    bomb = compressed(tmp_path / "bomb", [b"0" * (1 << 20)] * 256)

    found = read_events(bomb)

    assert found.megabytes < 100
    assert found.seconds < 5
    assert found.reasons == ["a line is longer than 64 MiB; what follows it was not read"]


def test_a_bomb_of_short_lines_takes_little_memory(tmp_path: Path) -> None:
    bomb = compressed(tmp_path / "bomb", [b"{}\n" * 350_000] * 24)

    found = read_events(bomb)

    assert found.bad == 24 * 350_000
    assert found.megabytes < 500


def test_long_categories_take_little_memory(tmp_path: Path, stack: Stack) -> None:
    """Each of 400 ids has 300 kB, 120 MB in all."""
    rides = stack.events(synthetic_rides(400, seed=1))
    pieces = [
        line.replace(b'"ride_id":"R', b'"ride_id":"%d-' % number + b"x" * 300_000) + b"\n"
        for number, line in enumerate(rides)
    ]

    found = read_events(compressed(tmp_path / "long", pieces))

    assert found.rows == 400
    assert found.megabytes < 450


def test_lines_are_split_in_linear_time() -> None:
    start = time.monotonic()

    found = list(Lines([b"x" * 500] * 16_000).blocks())

    assert [len(block) for block in found] == [8_000_001]
    assert time.monotonic() - start < 2


@given(st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"")), st.integers(1, 9), st.integers(1, 40))
def test_blocks_hold_all_lines_up_to_the_limit(data: bytes, size: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LINE_BYTES", limit)
        split = Lines(data[i : i + size] for i in range(0, len(data), size))
        found = b"".join(split.blocks())

    whole = data if data.endswith(b"\n") or not data else data + b"\n"
    short = [line for line in whole.splitlines(keepends=True) if len(line) <= limit]
    assert found == b"".join(short)
    assert split.dropped == len(whole.splitlines()) - len(short)


def test_an_object_that_is_too_large_is_read_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "OBJECT_BYTES", 3 << 20)
    _, chunks = unpacked(io.BytesIO(gzip.compress(b"line\n" * (1 << 20))))
    read = [next(chunks) for _ in range(3)]

    with pytest.raises(ObjectError, match="more than 3 MiB; the rest was not read"):
        next(chunks)

    assert sum(map(len, read)) == 3 << 20


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300))
def test_texts_are_bounded_alike_in_python_and_sql(text: str) -> None:
    cut = bounded(text)

    assert len(cut) <= TEXT_CHARS
    assert bounded(cut) == cut
    query = f"SELECT {bounded_sql('x')} FROM (SELECT ? AS x)"  # noqa: S608  # a constant
    assert duckdb.execute(query, [text]).fetchall() == [(cut,)]


def test_distinct_long_texts_stay_distinct() -> None:
    long = ["x" * 300_000 + str(number) for number in range(50)]
    assert len({bounded(text) for text in long}) == 50
    assert texts.reason(ValueError("x" * 1000)) == "x" * 300
    assert events.FIRST < events.LAST
