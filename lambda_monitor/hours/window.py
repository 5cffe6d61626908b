"""Records of a window [start, end) by arrival, from any partition."""

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contract.layout import HOUR
from contract.schema import Contract
from lambda_monitor.hours.accumulator import merged_others
from lambda_monitor.hours.ledger import Ledger, WindowParts
from lambda_monitor.hours.store import HourStore, stored_profile
from lambda_monitor.hours.update import Updated
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ARRIVED, VERSION
from lambda_monitor.lake.objects import Unreadable
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE, inside
from lambda_monitor.lake.sample import lowest
from lambda_monitor.profiles.profile import Profile


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Counts, profile and sample of [start, end).

    `records` counts the distinct records that the watched model version scored, `others` the events
    of other versions. Duplicates and others are counted by whole hours. `strayed` counts records whose
    time of arrival is too far from the hour of their partition for any window to include them.
    """

    start: datetime
    end: datetime
    records: int
    profile: Profile | None
    sample: pa.Table
    duplicates: int
    others: dict[str, int]
    objects: int
    unreadable: list[Unreadable]
    bad_lines: dict[str, int]
    strayed: int
    newest: datetime | None
    parts: WindowParts


def read(
    store: HourStore,
    updated: Updated,
    contract: Contract,
    profiler: Callable[[pa.Table], Profile],
    start: datetime,
    end: datetime,
) -> Window:
    """Return the window; `updated` holds the ledgers of the partitions its records may lie in."""
    ledgers = updated.ledgers
    located = store.parts(start, end)
    records, profile, newest = 0, None, None
    sample = events.schema(contract).empty_table().drop_columns([VERSION])
    sample_names: list[str] = []
    for piece in _pieces(store, profiler, located, sample.schema.names):
        records += piece.records
        newest = piece.newest if newest is None else max(newest, piece.newest or newest)
        profile = piece.profile if profile is None else profile.merge(piece.profile)
        sample = lowest([sample, *piece.samples])
        sample_names += piece.sample_names
    for table in store.tables(sample_names, sample.schema.names):
        sample = lowest([sample, table])
    return Window(
        start=start,
        end=end,
        records=records,
        profile=profile,
        sample=sample,
        duplicates=sum(entry.part.duplicates for entry in located.parts),
        others=merged_others(entry.part.others for entry in located.parts),
        objects=sum(len(ledger.objects) for ledger in ledgers.values()),
        unreadable=sorted([*updated.unreachable, *(u for led in ledgers.values() for u in led.unreadable)]),
        bad_lines={k: n for ledger in ledgers.values() for k, n in sorted(ledger.bad_lines.items())},
        strayed=_strayed(ledgers),
        newest=newest,
        parts=located,
    )


class _Piece(msgspec.Struct, frozen=True):
    """Some of a window's records; `sample_names` are samples still to be fetched, in parallel."""

    records: int
    newest: datetime | None
    profile: Profile
    samples: list[pa.Table] = []
    sample_names: list[str] = []


def _pieces(
    store: HourStore, profiler: Callable[[pa.Table], Profile], located: WindowParts, columns: list[str]
) -> Iterator[_Piece]:
    """Yield the window's records: whole hours from their profile, others from their rows."""
    hours_of_athena = set()
    for entry in located.parts:
        hour, part = entry.hour, entry.part
        if not part.records:
            continue
        if located.start <= hour and hour + HOUR <= located.end:
            profile = stored_profile(entry.partition, part)
            yield _Piece(part.records, part.newest, profile, sample_names=part.samples)
        elif not part.counted_by_athena:
            for table in store.tables(part.rows, columns):
                rows = inside(table, located.start, located.end)
                if len(rows):
                    last = pc.max(rows.column(ARRIVED)).as_py()
                    yield _Piece(len(rows), last, profiler(rows), [lowest([rows])])
        elif hour not in hours_of_athena:
            hours_of_athena.add(hour)
            for counted in store.partial(located, hour):
                yield _Piece(counted.records, counted.newest, counted.profile, [counted.sample])


def _strayed(ledgers: dict[datetime, Ledger]) -> int:
    """Return the number of strayed records; earlier releases and Athena give them parts."""
    parts = sum(
        part.records
        for partition, ledger in ledgers.items()
        for hour, part in ledger.parts.items()
        if not -LANDS_BEFORE <= partition - datetime.fromisoformat(hour) <= LANDS_AFTER
    )
    return parts + sum(ledger.strayed for ledger in ledgers.values())
