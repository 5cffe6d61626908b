"""The records of a window: [start, end) by arrival, whichever partitions they landed in."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contract.layout import HOUR
from contract.schema import Contract
from lambda_monitor.hours.ledger import Extent, Ledger
from lambda_monitor.hours.store import Hours
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ARRIVED, VERSION
from lambda_monitor.lake.objects import Unreadable
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE, inside, landing
from lambda_monitor.lake.sample import lowest
from lambda_monitor.profiles.profile import Profile


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of [start, end).

    `records` counts the distinct records that the watched model version scored, `others` the events
    of other versions. Duplicates and others are counted by whole hours. `strayed` records arrived, by
    their own time, in an hour too far from that of their partition for any window to find them.
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
    extent: Extent


def read(
    hours: Hours,
    contract: Contract,
    profiler: Callable[[pa.Table], Profile],
    start: datetime,
    end: datetime,
) -> Window:
    """Return the window, after reading what is new in the partitions its records may have landed in."""
    ledgers = hours.update(landing(start, end))
    extent = hours.extent(start, end)
    records, profile, newest = 0, None, None
    sample = events.schema(contract).empty_table().drop_columns([VERSION])
    kept: list[str] = []
    for piece in _pieces(hours, profiler, extent):
        records += piece.records
        newest = piece.newest if newest is None else max(newest, piece.newest or newest)
        profile = piece.profile if profile is None else profile.merge(piece.profile)
        sample = lowest([sample, *piece.samples])
        kept += piece.kept
    for table in hours.tables(kept):
        sample = lowest([sample, table])
    parts = [placed.part for placed in extent.parts]
    others: Counter[str] = Counter()
    for part in parts:
        others.update(part.others)
    return Window(
        start=start,
        end=end,
        records=records,
        profile=profile,
        sample=sample,
        duplicates=sum(part.duplicates for part in parts),
        others=dict(sorted(others.items())),
        objects=sum(len(ledger.objects) for ledger in ledgers.values()),
        unreadable=sorted([*hours.unreachable, *(u for led in ledgers.values() for u in led.unreadable)]),
        bad_lines={k: n for ledger in ledgers.values() for k, n in sorted(ledger.bad_lines.items())},
        strayed=_strayed(ledgers),
        newest=newest,
        extent=extent,
    )


class _Piece(msgspec.Struct, frozen=True):
    """Some of a window's records; `kept` names samples that are still to be fetched, side by side."""

    records: int
    newest: datetime | None
    profile: Profile
    samples: list[pa.Table] = []
    kept: list[str] = []


def _pieces(hours: Hours, profiler: Callable[[pa.Table], Profile], extent: Extent) -> Iterator[_Piece]:
    """Yield the window's records: whole hours as they are kept, the others by their rows."""
    counted_in_bulk = set()
    for placed in extent.parts:
        hour, part = placed.hour, placed.part
        if not part.records:
            continue
        if extent.start <= hour and hour + HOUR <= extent.end:
            profile = Profile.from_json(part.profile.encode())
            yield _Piece(part.records, part.newest, profile, kept=part.samples)
        elif not part.in_bulk:
            for table in hours.tables(part.rows):
                rows = inside(table, extent.start, extent.end)
                if len(rows):
                    last = pc.max(rows.column(ARRIVED)).as_py()
                    yield _Piece(len(rows), last, profiler(rows), [lowest([rows])])
        elif hour not in counted_in_bulk:
            counted_in_bulk.add(hour)
            for counted in hours.partial(extent, hour):
                yield _Piece(counted.records, counted.newest, counted.profile, [counted.sample])


def _strayed(ledgers: dict[datetime, Ledger]) -> int:
    return sum(
        part.records
        for partition, ledger in ledgers.items()
        for hour, part in ledger.parts.items()
        if not -LANDS_BEFORE <= partition - datetime.fromisoformat(hour) <= LANDS_AFTER
    )
