"""Hostile records through the deployed stack: scoring, lake, monitor, pages."""

import json
from html.parser import HTMLParser
from typing import Any

from contract import layout
from local import traffic
from tests.hostile.records import LONG, MARK, TEXTS, records

# Kinesis takes records of 1 MiB and no empty ones.
_MOST = 900_000


class _Marked(HTMLParser):
    """Counts tags with the mark in an attribute."""

    count = 0

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += any(MARK in f"{name}{value}" for name, value in attrs)


def sequences(lines: list[bytes]) -> set[tuple[str, str]]:
    found = [json.loads(line)["record"] for line in lines]
    return {(record["shard"], record["sequence_number"]) for record in found}


def test_hostile_records_are_scored_or_rejected_and_monitored(own_stack: Any) -> None:
    deployed = own_stack
    contract = deployed.contract
    good = deployed.payload()
    hostile = [
        line for line in records(contract.id_field, contract.payload_field, good) if 0 < len(line) < _MOST
    ]
    _, ordinary = deployed.records("normal", 500, seed=7)
    lines = [*ordinary, *hostile]
    assert len(hostile) > 400
    start = traffic.now()
    kept: dict[str, set[tuple[str, str]]] = {layout.PREDICTIONS: set(), layout.REJECTED: set()}
    readers = {root: deployed.lake(root) for root in kept}
    for first in range(0, len(lines), 100):
        deployed.put(lines[first : first + 100])

    def landed() -> bool | None:
        for root, reader in readers.items():
            kept[root] |= sequences(list(reader.new_lines(start, traffic.now())))
        return True if sum(map(len, kept.values())) >= len(lines) else None

    traffic.wait_for("every hostile record", landed, seconds=deployed.deadlines.landed)
    summary = traffic.monitor(
        deployed.client("lambda"), deployed.outputs["monitor_function"], start, traffic.now()
    )

    assert sum(map(len, kept.values())) == len(lines)
    assert summary["status"] == "alert"
    assert summary["records"] == len(kept[layout.PREDICTIONS])
    assert {c["name"] for c in summary["checks"] if c["status"] == "error"} == set()
    no_markup(deployed)


def no_markup(deployed: Any) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["lake_bucket"]
    listing = s3.list_objects_v2(Bucket=bucket, Prefix=f"{layout.REPORTS}/").get("Contents", [])
    keys = [item["Key"] for item in listing if item["Key"].endswith(".html")]
    assert len(keys) >= 2
    for key in keys:
        page = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        marked = _Marked()
        marked.feed(page)
        assert marked.count == 0, key
        assert [text for text in TEXTS if "<" in text and text in page] == [], key
        assert LONG not in page, key
