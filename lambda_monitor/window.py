"""The records of a window: [start, end) by arrival, whichever partitions they landed in."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contract.layout import HOUR
from contract.schema import Contract
from lambda_monitor import events
from lambda_monitor.events import ARRIVED, VERSION
from lambda_monitor.hours import LANDS_AFTER, LANDS_BEFORE, Extent, Hours, Ledger, inside, landing
from lambda_monitor.lake import Unreadable
from lambda_monitor.profile import Profile
from lambda_monitor.sample import lowest


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
    parts = extent.parts
    empty = events.schema(contract).empty_table().drop_columns([VERSION])
    records, profile, newest, samples = 0, None, None, [empty]
    for hour, part in parts:
        if not part.records:
            continue
        if start <= hour and hour + HOUR <= end:
            records += part.records
            last = part.newest
            found = Profile.from_json(part.profile.encode())
            samples += hours.tables(part.samples)
        else:
            rows = pa.concat_tables([empty, *(inside(t, start, end) for t in hours.tables(part.rows))])
            if not len(rows):
                continue
            records += len(rows)
            last = pc.max(rows.column(ARRIVED)).as_py()
            found = profiler(rows)
            samples.append(lowest([rows]))
        newest = max((n for n in (newest, last) if n is not None), default=None)
        profile = found if profile is None else profile.merge(found)
    others: Counter[str] = Counter()
    for _, part in parts:
        others.update(part.others)
    sample = lowest(samples)
    return Window(
        start=start,
        end=end,
        records=records,
        profile=profile,
        sample=sample,
        duplicates=sum(part.duplicates for _, part in parts),
        others=dict(sorted(others.items())),
        objects=sum(len(ledger.objects) for ledger in ledgers.values()),
        unreadable=sorted([*hours.unreachable, *(u for led in ledgers.values() for u in led.unreadable)]),
        bad_lines={k: n for ledger in ledgers.values() for k, n in sorted(ledger.bad_lines.items())},
        strayed=_strayed(ledgers),
        newest=newest,
        extent=extent,
    )


def _strayed(ledgers: dict[datetime, Ledger]) -> int:
    return sum(
        part.records
        for partition, ledger in ledgers.items()
        for hour, part in ledger.parts.items()
        if not -LANDS_BEFORE <= partition - datetime.fromisoformat(hour) <= LANDS_AFTER
    )
