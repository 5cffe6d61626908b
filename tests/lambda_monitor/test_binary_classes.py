"""Two classes and a free text: read from events of this and of earlier releases, also by Athena."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contract.schema import DType, Feature, Kind, Target, Task
from contract.timestamps import timestamp
from lambda_monitor.hours import athena
from lambda_monitor.hours.athena_sql import Dialect, Query, countable
from lambda_monitor.hours.store import AthenaPath
from lambda_monitor.lake import events, texts
from lambda_monitor.lake.objects import list_objects
from lambda_monitor.lake.parser import ReadErrors
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.synthetic import LAKE, NOON, Stack, contract, hours, read_window

FEATURES = [
    Feature(name="note", kind=Kind.TEXT, dtype=DType.STR),
    Feature(name="age", kind=Kind.NUMERIC, dtype=DType.INT),
]


def declared(labels: list, positive: object):
    return contract(
        task=Task.CLASSIFICATION,
        id_field="order_id",
        payload_field="order",
        features=FEATURES,
        target=Target(name="paid", labels=labels, positive=positive),
    )


def rows(count: int, seed: int, labels: list) -> list[dict]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        second = round(float(rng.beta(2, 3)), 6)
        words = ["Zürich "] * int(rng.integers(0, 60))
        found.append(
            {
                "note": "".join(words),
                "age": int(rng.integers(18, 90)),
                "label": labels[int(second > 0.5)],
                "probabilities": {str(labels[0]): round(1 - second, 6), str(labels[1]): second},
                "number": number,
            }
        )
    return found


def event(row: dict, *, old: bool) -> bytes:
    features = {name: row[name] for name in ("note", "age")}
    prediction = {"paid": row["label"], "probability": round(max(row["probabilities"].values()), 4)}
    if not old:
        prediction |= {"label": row["label"], "probabilities": row["probabilities"]}
    return json.dumps(
        {
            "order_id": row["number"],
            "order": features,
            "features": features,
            "prediction": prediction,
            "model": {"name": "m", "version": "1", "run_id": ""},
            "record": {
                "shard": "shardId-000000000000",
                "sequence_number": f"{row['number']:056d}",
                "arrived_at": timestamp(NOON + timedelta(seconds=row["number"])),
            },
            "scored_at": timestamp(NOON),
        }
    ).encode()


def table(found: list[dict], positive: object) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "note": row["note"],
                "age": row["age"],
                "prediction": row["label"],
                "positive_probability": row["probabilities"][str(positive)],
                "target": row["label"],
            }
            for row in found
        ]
    )


@pytest.mark.parametrize("old", [False, True], ids=["events", "events of 0.1.0"])
@pytest.mark.parametrize("bulk", [False, True], ids=["reading", "Athena"])
@pytest.mark.parametrize(("labels", "positive"), [([0, 1], 1), (["it's", "no"], "it's")])
def test_two_classes_are_counted_by_the_positive_ones_probability(
    stack: Stack, tmp_path: Path, labels: list, positive: object, *, bulk: bool, old: bool
) -> None:
    of = declared(labels, positive)
    found = rows(300, 1, labels)
    stack.put([event(row, old=old) for row in found])
    spec = ProfileSpec.of(of, texts.measured(of, table(rows(500, 2, labels), positive)))
    assert set(spec.numeric) == {"note", "age", "positive_probability"}

    def profiler(read: pa.Table) -> Profile:
        return Profile.of(read, spec)

    runner = athena.Runner(DuckAthena(stack, tmp_path), "workgroup", "database", lambda: 60)
    counter = athena.AthenaCounter(runner, "predictions", of, spec)
    kept = hours(
        stack,
        counted=profiler,
        athena=AthenaPath(counter=counter, min_bytes=1) if bulk else None,
        declared=of,
    )
    window = read_window(kept, counted=profiler, declared=of)

    wanted = profiler(texts.measured(of, table(found, positive))).numeric
    got = window.profile.numeric
    assert got["note"] == wanted["note"]
    assert got["note"].missing == sum(not row["note"] for row in found)
    assert got["note"].high == max(len(row["note"]) for row in found)
    assert got["age"].histogram == wanted["age"].histogram
    # Events of 0.1.0 have four digits.
    assert got["positive_probability"].total == pytest.approx(
        wanted["positive_probability"].total, abs=0.02 if old else 1e-6
    )
    if not old:
        assert got["positive_probability"].histogram == wanted["positive_probability"].histogram
    sampled = window.sample.column("positive_probability").to_pylist()
    assert len(sampled) == 300
    assert None not in sampled


@pytest.mark.parametrize("name", ["counts", "sample"])
def test_athena_can_parse_the_statements(name: str) -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="make setup installs it")
    of = declared(["it's", "no"], "it's")
    spec = ProfileSpec.of(of, texts.measured(of, table(rows(500, 2, ["it's", "no"]), "it's")))
    query = Query("predictions", of, countable(spec), Dialect.TRINO)
    statement = query.counts([NOON]) if name == "counts" else query.sample([NOON], 10)
    (parsed,) = sqlglot.parse(statement, read="athena")
    assert "element_at" in statement.lower()
    assert parsed is not None


def test_training_reads_texts_whole(stack: Stack) -> None:
    of = declared([0, 1], 1)
    found = rows(5, 1, [0, 1])
    found[0]["note"] = "x" * 500
    stack.put([event(row, old=False) for row in found])
    objects = list_objects(stack.s3, LAKE, "predictions/")

    (read,) = events.read(stack.s3, LAKE, objects, of, ReadErrors(), whole=True)
    (monitored,) = events.read(stack.s3, LAKE, objects, of, ReadErrors())

    assert read.column("note").to_pylist() == [row["note"] for row in found]
    assert monitored.column("note").to_pylist() == [len(row["note"]) or None for row in found]
