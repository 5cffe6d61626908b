"""The Athena path gives the same profiles as reading every object."""

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from contract.schema import Kind
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.hours import athena, labelled, window
from lambda_monitor.hours.athena import AthenaError, Runner
from lambda_monitor.hours.athena_sql import Dialect, Query, countable
from lambda_monitor.hours.store import AthenaPath, HourStore
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.lake.cache import Lease, S3Cache
from lambda_monitor.lake.events import IDENTITY
from lambda_monitor.lake.labels import Reader
from lambda_monitor.lake.partitions import landing
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor import synthetic
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.synthetic import LAKE, NOON, Stack, contract, moment, reference, synthetic_rides

HOUR = timedelta(hours=1)
SEGMENTED = contract(segments=["PULocationID"])
SPEC = ProfileSpec.of(SEGMENTED, reference())


def profiler(table: pa.Table) -> Profile:
    return Profile.of(table, SPEC)


def hours(stack: Stack, run: str = "a") -> LedgerUpdater:
    return synthetic.hours(stack, run, counted=profiler)


def counter_of(client: DuckAthena) -> athena.AthenaCounter:
    return athena.AthenaCounter(runner(client), "predictions", SEGMENTED, SPEC, "ride_id")


def runner(client: DuckAthena, seconds: float = 60) -> Runner:
    return Runner(client, "workgroup", "database", lambda: seconds)


def fill(stack: Stack) -> None:
    """Put two hours with duplicates, missing values, other versions and unusual values."""
    rides = synthetic_rides(400, seed=1)
    rides.loc[:5, "trip_distance"] = 500.0
    rides.loc[6:8, "PULocationID"] = 9999
    lines = stack.events(rides, NOON, span=2 * HOUR)
    lines[20] = lines[20].replace(b'"trip_distance":', b'"distance":')
    stack.put(lines[:230], objects=3)
    stack.put(lines[200:], NOON + HOUR)
    stack.put(stack.events(synthetic_rides(30, seed=2), version="2"))


def test_counts_equal_those_of_reading_every_object(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    direct = hours(stack).update(landing(NOON, NOON + 2 * HOUR)).ledgers
    partitions = [NOON, NOON + HOUR]
    counter = counter_of(DuckAthena(stack, tmp_path))

    found, bad = counter.count(partitions, partitions)

    assert bad == {}
    for partition in partitions:
        parts = direct[partition].parts
        assert set(found[partition]) == {datetime.fromisoformat(hour) for hour in parts}
        for hour, counted in found[partition].items():
            part = parts[hour.isoformat()]
            assert (counted.records, counted.newest) == (part.records, part.newest)
            assert (counted.duplicates, counted.others) == (part.duplicates, part.others)
            if part.records:
                _same_profile(counted.profile, part.profile)
                [kept] = hours(stack).store.tables(part.samples)
                assert _comparable(counted.sample) == _comparable(kept)


def _same_profile(counted, kept: str) -> None:
    other = type(counted).from_json(kept.encode())
    assert counted.rows == other.rows
    assert counted.categorical == other.categorical
    assert {c: list(found) for c, found in counted.segments.items()} == {
        c: list(found) for c, found in other.segments.items()
    }
    for column, found in counted.segments.items():
        for level, sums in found.items():
            same = other.segments[column][level]
            assert (sums.count, sums.total, sums.squares) == pytest.approx(
                (same.count, same.total, same.squares), rel=1e-12
            )
    for name, column in counted.numeric.items():
        # Sums of floats depend on the order of adding.
        assert column.total == pytest.approx(other.numeric[name].total, rel=1e-12)
        assert column.squares == pytest.approx(other.numeric[name].squares, rel=1e-12)
        column.total, column.squares = other.numeric[name].total, other.numeric[name].squares
        assert column == other.numeric[name]


def _comparable(table: pa.Table) -> list[dict]:
    return table.sort_by(IDENTITY).to_pylist()


def test_a_failed_query_raises_the_reason(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    with pytest.raises(AthenaError, match=r"failed: .*nothing_there"):
        runner(DuckAthena(stack, tmp_path)).rows("SELECT * FROM nothing_there")


def test_a_query_that_exceeds_the_time_is_stopped(stack: Stack, tmp_path: Path) -> None:
    client = DuckAthena(stack, tmp_path)
    client.slow = True

    with pytest.raises(AthenaError, match="did not end"):
        runner(client, seconds=0).rows("SELECT 1")

    assert client.stopped == ["0"]


def test_dialects_differ_only_in_fields_times_and_hashes() -> None:
    statements = [
        Query("predictions", contract(), countable(SPEC), engine).counts([NOON])
        for engine in (Dialect.TRINO, Dialect.DUCKDB)
    ]
    equivalent = {
        "element_at(features, 'trip_distance')": "features['trip_distance']",
        "coalesce(element_at(features, 'PULocationID'), element_at(features, 'pulocationid'))": (
            "features['PULocationID']"
        ),
        "coalesce(element_at(features, 'DOLocationID'), element_at(features, 'dolocationid'))": (
            "features['DOLocationID']"
        ),
        "element_at(prediction, 'duration')": "prediction['duration']",
        "CAST(round(to_unixtime(try(from_iso8601_timestamp(record.arrived_at))) * 1000) AS BIGINT)": (
            "epoch_ms(TRY_CAST(record.arrived_at AS TIMESTAMP))"
        ),
        "lower(to_hex(md5(to_utf8(": "md5(",
        "CAST(record.sequence_number AS VARCHAR)))))": "CAST(record.sequence_number AS VARCHAR))",
        "CAST(model.version AS VARCHAR)))))": "CAST(model.version AS VARCHAR))",
    }
    trino, duckdb = statements
    for of_trino, of_duckdb in equivalent.items():
        assert of_trino in trino
        trino = trino.replace(of_trino, of_duckdb)
    assert trino == duckdb


def bulk_hours(stack: Stack, client: DuckAthena, run: str = "a", *, min_bytes: int = 1) -> LedgerUpdater:
    lease = Lease(stack.s3, LAKE, "bulk/", moment(run))
    counter = counter_of(client)
    path = AthenaPath(counter=counter, min_bytes=min_bytes)
    store = HourStore(S3Cache(stack.s3, LAKE, "bulk/"), path)
    return LedgerUpdater(stack.s3, LAKE, contract(), profiler, store=store, may_write=lease.take)


def read(kept: LedgerUpdater, start: datetime = NOON, end: datetime = NOON + 2 * HOUR) -> window.Window:
    return synthetic.read_window(kept, start, end, counted=profiler)


def assert_same(one: window.Window, other: window.Window) -> None:
    assert (one.records, one.duplicates, one.others) == (other.records, other.duplicates, other.others)
    assert (one.newest, one.strayed) == (other.newest, other.strayed)
    _same_profile(one.profile, other.profile.to_json().decode())
    assert _comparable(one.sample) == _comparable(other.sample)


def test_a_large_window_is_counted_without_reading_an_object(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    gets = stack.gets()

    found = read(bulk_hours(stack, DuckAthena(stack, tmp_path)))

    # The stand-in for Athena reads every object once per statement.
    assert sum(key.startswith("predictions/") for key in gets) == 3 * len(stack.keys("predictions/"))
    assert_same(found, read(hours(stack)))


def test_a_window_with_partial_hours_is_counted_exactly(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    cut = (NOON + timedelta(minutes=20), NOON + timedelta(minutes=70))
    bulk = read(bulk_hours(stack, DuckAthena(stack, tmp_path)), *cut)
    direct = read(hours(stack), *cut)

    assert 0 < bulk.records == direct.records < 400
    assert_same(bulk, direct)


def test_small_windows_are_read_directly(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    client = DuckAthena(stack, tmp_path)

    assert_same(read(bulk_hours(stack, client, min_bytes=10**9)), read(hours(stack)))
    assert client.queries == []


def test_late_objects_are_added_to_what_athena_counted(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    client = DuckAthena(stack, tmp_path)
    read(bulk_hours(stack, client))
    # Two known records and three new ones, in fewer bytes than the limit for Athena.
    known = gzip.decompress(stack.read(stack.keys("predictions/")[0])).splitlines()[:2]
    stack.put([*known, *stack.events(synthetic_rides(3, seed=5))])

    assert_same(read(bulk_hours(stack, client, "b", min_bytes=10**9)), read(hours(stack, "fresh")))


def test_partitions_are_not_counted_twice(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    client = DuckAthena(stack, tmp_path)
    first = read(bulk_hours(stack, client))
    asked = len(client.queries)

    assert_same(first, read(bulk_hours(stack, client, "b")))
    assert len(client.queries) == asked


def test_lists_levels_unknown_in_training(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    zones = list(range(1, 41))
    features = [
        msgspec.structs.replace(f, categories=zones) if f.kind is Kind.CATEGORICAL else f
        for f in contract().features
    ]
    declared = contract(features=features)
    knowing = ProfileSpec.of(declared, reference())
    events_of = [NOON, NOON + HOUR]

    counter = athena.AthenaCounter(runner(DuckAthena(stack, tmp_path)), "predictions", declared, knowing)
    found, _ = counter.count(events_of, events_of)

    pickups = [c.profile.categorical["PULocationID"] for h in found.values() for c in h.values()]
    assert sum(p.unknown for p in pickups) == 3
    assert {level for p in pickups for level in p.new} == {"9999"}


def test_labels_are_joined_to_the_sample_of_athena(stack: Stack, tmp_path: Path) -> None:
    fill(stack)
    kept = bulk_hours(stack, DuckAthena(stack, tmp_path))
    found = read(kept)
    known = found.sample.column("@id").to_pylist()[:300]
    stack.label(dict.fromkeys(known, 12.5), NOON + HOUR)
    reader = Reader(stack.s3, LAKE, SEGMENTED, S3Cache(stack.s3, LAKE, "bulk/"))
    model = Model(
        contract=SEGMENTED,
        reference=reference(),
        profile_spec=SPEC,
        baseline=profiler(reference()),
        thresholds=thresholds.load(synthetic.limits(5000)),
        check_config=CheckConfig(),
    )

    joined = labelled.newest(model, kept.store, reader, found, delay=timedelta(days=1), now=NOON + 3 * HOUR)

    assert (joined.records, len(joined.rows)) == (400, 300)
    assert set(joined.rows.column("target").to_pylist()) == {12.5}
