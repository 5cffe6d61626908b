"""Damaged stored files are rebuilt from the lake, or reported."""

import pytest

from lambda_monitor.hours.ledger import DamagedError
from lambda_monitor.hours.rebuild import rebuilding
from lambda_monitor.hours.window import Window
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.labels import Reader
from tests.lambda_monitor.synthetic import (
    HOUR,
    LAKE,
    NOON,
    Stack,
    contract,
    hours,
    read_window,
    synthetic_rides,
)

PREFIX = "profiles/m/1/"
END = NOON + 2 * HOUR
KINDS = ("ledger.json", "-rows.parquet", "-sample.parquet", "labels.parquet", "lease.json")
DAMAGES = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "garbage": lambda _: b"\xffnot what it was",
    "another": lambda _: b'{"holder": 1, "objects": [], "parts": {"noon": {}}}',
    "deleted": lambda _: None,
}


def fill(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(240, seed=1), NOON, span=2 * HOUR)
    stack.put(lines[:150], objects=2)
    stack.put(lines[140:], NOON + HOUR)
    stack.label({f"R{n}": float(n) for n in range(50)}, NOON + HOUR)


def read(stack: Stack, run: str) -> list[object]:
    """Return what a run uses of two windows, of their rows and of the labels."""
    updater = hours(stack, run, now=NOON + ord(run) * HOUR)

    def windows() -> list[object]:
        found = [read_window(updater, NOON, END), read_window(updater, NOON + HOUR / 2, END)]
        rows = sorted(row[ID] for t in updater.store.rows(found[0].parts, [ID]) for row in t.to_pylist())
        return [rows, *(comparable(w) for w in found)]

    reader = Reader(stack.s3, LAKE, contract(), S3Cache(stack.s3, LAKE, PREFIX))
    return [*rebuilding(updater, windows), reader.read(NOON, END).table.to_pylist()]


def comparable(found: Window) -> tuple[object, ...]:
    """Return what must be equal; sums of floats depend on the order of adding."""
    numeric = {
        n: (c.histogram, round(c.total, 6), round(c.squares, 6)) for n, c in found.profile.numeric.items()
    }
    return found.records, found.duplicates, found.profile.categorical, numeric, found.sample.to_pylist()


def damage(stack: Stack, kind: str, name: str) -> None:
    for key in (k for k in stack.keys(PREFIX) if k.endswith(kind)):
        data = DAMAGES[name](stack.read(key))
        stack.s3.delete_object(Bucket=LAKE, Key=key)
        if data is not None:
            stack.s3.put_object(Bucket=LAKE, Key=key, Body=data)


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_rebuilt(stack: Stack, kind: str, name: str) -> None:
    fill(stack)
    before = read(stack, "a")
    damage(stack, kind, name)

    assert read(stack, "b") == before
    gets = stack.gets()
    assert read(stack, "c") == before
    assert not [key for key in gets if key.startswith(("predictions/", "ground_truth/"))]


@pytest.mark.parametrize("name", ["truncated", "deleted"])
def test_all_files_damaged_are_rebuilt(stack: Stack, name: str) -> None:
    fill(stack)
    before = read(stack, "a")
    for kind in (".parquet", "lease.json"):
        damage(stack, kind, name)

    assert read(stack, "b") == before


def test_a_damaged_profile_is_rebuilt(stack: Stack) -> None:
    fill(stack)
    before = read(stack, "a")
    for key in (k for k in stack.keys(PREFIX) if k.endswith("ledger.json")):
        broken = stack.read(key).replace(rb"{\"rows\":", rb"{\"rows\":x")
        assert broken != stack.read(key) or b'"parts":{}' in broken
        stack.s3.put_object(Bucket=LAKE, Key=key, Body=broken)

    assert read(stack, "b") == before


def test_rows_whose_objects_were_deleted_are_reported(stack: Stack) -> None:
    fill(stack)
    read(stack, "a")
    stack.empty("predictions/")
    damage(stack, "-rows.parquet", "truncated")

    with pytest.raises(DamagedError, match="objects of its partition were deleted"):
        read(stack, "b")


def test_a_ledger_whose_objects_were_deleted_is_reported(stack: Stack) -> None:
    fill(stack)
    read(stack, "a")
    stack.empty("predictions/")
    damage(stack, "ledger.json", "truncated")

    found = read_window(hours(stack, "b"), NOON, END)

    assert {u.reason for u in found.unreadable} == {"it is damaged, and none of its objects is left"}
