"""Labels: streamed and dropped, repeated and corrected, late and unreadable."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.labels import TARGET, Labels, Reader
from tests.lambda_monitor.synthetic import LAKE, NOON, Stack, contract

HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[3]


def read(stack: Stack, start: datetime = NOON, until: datetime = NOON + 3 * HOUR) -> Labels:
    return Reader(stack.s3, LAKE, contract(), S3Cache(stack.s3, LAKE, "profiles/m/1/")).read(start, until)


def pairs(labels: Labels) -> dict[str, float]:
    return dict(zip(*(labels.table.column(name).to_pylist() for name in (ID, TARGET)), strict=True))


def test_reads_streamed_labels_compressed_or_not(stack: Stack) -> None:
    stack.label({"a": 1.5, "b": 2}, NOON)
    stack.label({"c": 3.0}, NOON + HOUR, packed=False)

    assert pairs(read(stack)) == {"a": 1.5, "b": 2.0, "c": 3.0}


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_reads_dropped_files(stack: Stack, kind: str) -> None:
    frame = pd.DataFrame({"when": ["x", "y"], "duration": [7.5, 8.25], "ride_id": [1, 2]})
    buffer = io.BytesIO()
    if kind == "csv":
        frame.to_csv(buffer, index=False)
    elif kind == "parquet":
        frame.to_parquet(buffer)
    else:
        frame.to_json(buffer, orient="records", lines=True)
    stack.s3.put_object(Bucket=LAKE, Key="ground_truth/june/labels.dat", Body=buffer.getvalue())

    # moto dates the object by the real clock, long after the window.
    assert pairs(read(stack)) == {"1": 7.5, "2": 8.25}


def test_ignores_a_file_dropped_before_the_window(stack: Stack) -> None:
    stack.s3.put_object(Bucket=LAKE, Key="ground_truth/old.csv", Body=b"ride_id,duration\n1,2\n")
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    assert pairs(read(stack, tomorrow, tomorrow + HOUR)) == {}


def test_the_last_label_of_a_record_is_used(stack: Stack) -> None:
    stack.label({"a": 1.0, "b": 1.0}, NOON)
    stack.label({"a": 2.0}, NOON)
    stack.label({"a": 3.0, "b": 1.0}, NOON + HOUR)

    found = read(stack)

    assert pairs(found) == {"a": 3.0, "b": 1.0}
    assert found.conflicts == 1


def test_a_later_dropped_file_replaces_a_streamed_label(stack: Stack) -> None:
    stack.label({"a": 1.0}, NOON)
    stack.s3.put_object(Bucket=LAKE, Key="ground_truth/corrections.csv", Body=b"ride_id,duration\na,9\n")

    assert pairs(read(stack)) == {"a": 9.0}


def test_counts_lines_that_are_not_labels(stack: Stack) -> None:
    stack.label(
        {"a": 1.0}, lines=[b"not json\n", b'{"ride_id":"b"}\n', b'{"ride_id":"c","duration":"soon"}\n']
    )

    found = read(stack)

    assert (pairs(found), found.bad_lines) == ({"a": 1.0}, 3)


@pytest.mark.parametrize("between", ["", " ", "\n", "\n\n", "\r\n"], ids=repr)
def test_labels_are_told_apart_whatever_is_between_them(stack: Stack, between: str) -> None:
    lines = [
        f'{{"ride_id": "{name}", "duration": {value}}}'
        for name, value in zip("abc", (1, 2.5, 3), strict=True)
    ]
    stack.label({}, lines=[between.join(lines).encode()])

    found = read(stack)

    assert (pairs(found), found.bad_lines) == ({"a": 1.0, "b": 2.5, "c": 3.0}, 0)


def test_joined_labels_before_a_damaged_one_are_kept(stack: Stack) -> None:
    damaged = '{"ride_id": "ä", "duration": 1}{"ride_id": "}{", "duration": 2}{"ride_id": "c", "dura'
    stack.label({"d": 4.0}, lines=[damaged.encode()])

    found = read(stack)

    assert (pairs(found), found.bad_lines) == ({"ä": 1.0, "}{": 2.0, "d": 4.0}, 1)


def test_the_documented_command_sends_a_label(stack: Stack) -> None:
    text = (ROOT / "docs/operations.md").read_text()
    # A file is sent as it is; --record with a text would be decoded as base64.
    command = re.search(
        r"printf '%s' '(.*?)' \\\| aws firehose put-record \S+ \S+ --record Data@=fileb:", text
    )
    assert command is not None
    # The delivery adds a newline to each record.
    stack.label({}, lines=[command.group(1).encode() + b"\n"] * 3)

    assert pairs(read(stack)) == {"XYZ10": 21.5}


def test_reports_files_that_cannot_be_read(stack: Stack) -> None:
    stack.label({"a": 1.0})
    stack.s3.put_object(Bucket=LAKE, Key="ground_truth/x.csv", Body=b"ride,minutes\n1,2\n")
    stack.s3.put_object(Bucket=LAKE, Key="ground_truth/y.gz", Body=b"\x1f\x8bno")

    found = read(stack)

    assert pairs(found) == {"a": 1.0}
    assert [u.key for u in found.unreadable] == ["ground_truth/x.csv", "ground_truth/y.gz"]


def test_reads_later_labels_and_known_objects_only_once(stack: Stack) -> None:
    first = stack.label({"a": 1.0})
    before = pairs(read(stack))
    gets = stack.gets()

    again = pairs(read(stack))
    stack.label({"b": 2.0})
    later = pairs(read(stack))

    assert (before, again) == ({"a": 1.0}, {"a": 1.0})
    assert later == {"a": 1.0, "b": 2.0}
    assert gets.count(first) == 1
