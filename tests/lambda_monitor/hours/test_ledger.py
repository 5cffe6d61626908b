"""Ledgers and leases that other releases wrote."""

import json
from pathlib import Path

import msgspec
import pytest

from lambda_monitor.hours.ledger import Ledger
from lambda_monitor.lake.cache import Held, Lease
from tests.lambda_monitor.synthetic import LAKE, NOON, Stack, hours, moment, read_window, synthetic_rides

GOLDEN = Path(__file__).parents[1] / "golden"
PREFIX = "profiles/m/1/"


def with_added_fields(value: object) -> object:
    """Return `value` with an unknown field in every object that isn't a map of names."""
    if isinstance(value, dict) and {"records", "profile"} & set(value):
        return {**value, "added": 1}
    if isinstance(value, dict):
        return {k: with_added_fields(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("ledger.json")), ids=lambda p: p.parent.name)
def test_reads_ledgers_of_the_release_before(path: Path) -> None:
    ledger = msgspec.json.decode(path.read_bytes(), type=Ledger)

    assert msgspec.json.decode(msgspec.json.encode(ledger), type=Ledger) == ledger
    assert ledger.objects


def test_reads_a_ledger_with_fields_of_a_newer_release(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(50, seed=1)))
    before = read_window(hours(stack))
    for key in (k for k in stack.keys(PREFIX) if k.endswith("ledger.json")):
        newer = {**with_added_fields(json.loads(stack.read(key))), "added": {"x": 1}}
        stack.s3.put_object(Bucket=LAKE, Key=key, Body=json.dumps(newer).encode())
    gets = stack.gets()

    assert read_window(hours(stack, "b")).profile == before.profile
    assert not [key for key in gets if key.startswith("predictions/")]


def test_reads_a_lease_with_a_field_of_a_newer_release(stack: Stack) -> None:
    body = {**msgspec.to_builtins(Held(holder="a", until=NOON)), "added": 1}
    stack.s3.put_object(Bucket=LAKE, Key=f"{PREFIX}lease.json", Body=json.dumps(body).encode())

    assert Lease(stack.s3, LAKE, PREFIX, moment("b")).take()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"holder": "a", "until": "soon"}'])
def test_a_damaged_lease_is_overwritten(stack: Stack, body: bytes) -> None:
    stack.s3.put_object(Bucket=LAKE, Key=f"{PREFIX}lease.json", Body=body)

    assert Lease(stack.s3, LAKE, PREFIX, moment("b")).take()
    assert not Lease(stack.s3, LAKE, PREFIX, moment("c")).take()
