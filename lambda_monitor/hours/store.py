"""Every object of the lake is read once: what it held is kept by the hour it arrived in.

A partition's ledger lists the objects that were read and, for each hour their records arrived in, a
part: a mergeable profile of all records, a bounded sample, and the distinct rows as Parquet. A new
object, however late, is folded in; a changed one has the partition read again. Records are told
apart by identity across every partition an hour's records can land in.
"""

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contract import layout
from contract.layout import HOUR
from contract.schema import Contract
from lambda_monitor.hours.accumulator import Folding, by_hour, parquet
from lambda_monitor.hours.athena import AthenaError, Counted, Counter
from lambda_monitor.hours.ledger import Extent, Ledger, Part, Placed
from lambda_monitor.lake import events
from lambda_monitor.lake.cache import Draft, Shelf
from lambda_monitor.lake.events import ARRIVED, IDENTITY, Tally
from lambda_monitor.lake.objects import Object, Unreadable, list_objects
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE, inside, landing
from lambda_monitor.profiles.profile import Profile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LEDGER = "ledger.json"
_WORKERS = 16
# Parquet files fetched ahead, and rows of one taken at a time: together they bound the memory.
_AHEAD = 8
_BATCH_ROWS = 1 << 18


class Bulk(msgspec.Struct, frozen=True, kw_only=True):
    """Counting where the objects lie, taken when at least `min_bytes` of them are new."""

    counter: Counter
    min_bytes: int


class Hours:
    """The ledgers of one model version."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        contract: Contract,
        profiler: Callable[[pa.Table], Profile],
        *,
        shelf: Shelf,
        may_write: Callable[[], bool],
        bulk: Bulk | None = None,
    ) -> None:
        """Take the lake, what makes a profile of a table, and where ledgers are kept.

        `may_write` is asked once, when there is something to write; where it says no, another run is
        writing, and this one keeps what it reads to itself.
        """
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._profiler = profiler
        self._shelf = shelf
        self._may_write = may_write
        self._bulk = bulk
        self._ready = False
        self._ledgers: dict[datetime, Ledger] = {}
        self.unreachable: list[Unreadable] = []

    def update(self, partitions: Sequence[datetime]) -> dict[datetime, Ledger]:
        """Read what is new in `partitions` and return their ledgers, oldest first."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            listings = pool.map(self._list, partitions)
            list(pool.map(self.ledger, partitions))
            listed = dict(zip(partitions, listings, strict=True))
        first = next((p for p in partitions if self._unread(p, listed[p])[1]), None)
        if first is not None and self._wants_bulk(listed):
            self._count({p: found for p, found in listed.items() if p >= first and found})
        return {p: self._update(p, found) for p, found in listed.items()}

    def partial(self, extent: Extent, hour: datetime) -> Iterator[Counted]:
        """Yield what is known of the records of `hour` inside the extent, where it was counted in bulk."""
        if self._bulk is None:
            raise AthenaError(f"{hour.isoformat()} was counted by Athena: switch it on to look into the hour")
        partitions = [p.partition for p in extent.parts if p.hour == hour and p.part.in_bulk]
        among = _sharing(partitions)
        found, _ = self._bulk.counter.count(partitions, among, between=(extent.start, extent.end))
        for partition in partitions:
            if counted := found[partition].get(hour):
                yield counted

    def _wants_bulk(self, listed: dict[datetime, list[Object]]) -> bool:
        """Tell whether what is new is too much to read, or shares records with what was counted in bulk."""
        if self._bulk is None:
            return False
        new = [(p, o) for p, found in listed.items() for o in self._unread(p, found)[1]]
        beside = {
            part.in_bulk for p in _sharing([p for p, _ in new]) for part in self.ledger(p).parts.values()
        }
        return True in beside or sum(o.size for _, o in new) >= self._bulk.min_bytes

    def _count(self, listed: dict[datetime, list[Object]]) -> None:
        """Make the ledgers of whole partitions anew, without reading an object here."""
        if self._bulk is None:
            raise AssertionError("only called where counting in bulk was wanted")
        self._begin()
        partitions = list(listed)
        found, bad = self._bulk.counter.count(partitions, _sharing(partitions))
        for partition in partitions:
            ledger = Ledger(
                objects={o.key: o.etag for o in listed[partition]},
                bad_lines={layout.hour_prefix(layout.PREDICTIONS, partition): bad[partition]}
                if partition in bad
                else {},
                parts={h.isoformat(): self._counted(partition, h, c) for h, c in found[partition].items()},
            )
            self._shelf.put(_name(partition, LEDGER), io.BytesIO(msgspec.json.encode(ledger)))
            self._ledgers[partition] = ledger

    def _counted(self, partition: datetime, hour: datetime, counted: Counted) -> Part:
        name = _name(partition, f"{hour:%Y%m%dT%H}-sample.parquet")
        self._shelf.put(name, parquet(counted.sample))
        return Part(
            records=counted.records,
            newest=counted.newest,
            duplicates=counted.duplicates,
            others=counted.others,
            profile=counted.profile.to_json().decode(),
            samples=[name],
        )

    def _list(self, partition: datetime) -> list[Object]:
        prefix = layout.hour_prefix(layout.PREDICTIONS, partition)
        return list_objects(self._s3, self._bucket, prefix)

    def _update(self, partition: datetime, listed: list[Object]) -> Ledger:
        ledger, new = self._unread(partition, listed)
        if new:
            if self._begin():
                ledger, new = self._unread(partition, listed)
            self._ledgers[partition] = ledger
            ledger = self._fold(partition, ledger, new)
            self._shelf.put(_name(partition, LEDGER), io.BytesIO(msgspec.json.encode(ledger)))
        present = {o.key for o in listed}
        # An unreadable object that was taken away is trouble no more.
        unreadable = [u for u in ledger.unreadable if u.key in present]
        self._ledgers[partition] = msgspec.structs.replace(ledger, unreadable=unreadable)
        return self._ledgers[partition]

    def _unread(self, partition: datetime, listed: list[Object]) -> tuple[Ledger, list[Object]]:
        """Return the ledger to add to and the objects it lacks; changed objects void what is kept."""
        ledger = self.ledger(partition)
        new = [o for o in listed if o.key not in ledger.objects]
        changed = any(ledger.objects.get(o.key, o.etag) != o.etag for o in listed)
        # Without rows nothing tells a new record from a known one.
        if changed or (new and any(part.in_bulk for part in ledger.parts.values())):
            return Ledger(), listed
        return ledger, new

    def _begin(self) -> bool:
        """Get ready to write, once; True when ledgers have to be looked at again."""
        if self._ready:
            return False
        self._ready = True
        if not self._may_write():
            self._shelf = Draft(self._shelf)
        # Whoever wrote last may have written since they were read.
        self._ledgers.clear()
        return True

    def ledger(self, partition: datetime) -> Ledger:
        """Return the ledger as it is kept, an empty one where there is none."""
        if partition not in self._ledgers:
            kept = self._shelf.get(_name(partition, LEDGER))
            self._ledgers[partition] = msgspec.json.decode(kept, type=Ledger) if kept else Ledger()
        return self._ledgers[partition]

    def extent(self, start: datetime, end: datetime) -> Extent:
        """Return what the ledgers hold of [start, end), as they are."""
        partitions = landing(start, end)
        with ThreadPoolExecutor(_WORKERS) as pool:
            ledgers = list(pool.map(self.ledger, partitions))
        parts = [
            Placed(partition=partition, hour=datetime.fromisoformat(hour), part=part)
            for partition, ledger in zip(partitions, ledgers, strict=True)
            for hour, part in sorted(ledger.parts.items())
            if start - HOUR < datetime.fromisoformat(hour) < end
        ]
        return Extent(start=start, end=end, parts=parts)

    def rows(self, extent: Extent, columns: list[str], *, sampled: bool = False) -> Iterator[pa.Table]:
        """Yield those columns of the extent's records, or of their samples, in batches.

        Of what was counted in bulk there are only samples.
        """
        for placed in extent.parts:
            names = placed.part.samples if sampled or placed.part.in_bulk else placed.part.rows
            for table in self.tables(names, [*columns, ARRIVED]):
                yield inside(table, extent.start, extent.end).select(columns)

    def tables(self, names: Iterable[str], columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the Parquet files of those names in order, in batches of bounded size."""
        names = list(names)
        with ThreadPoolExecutor(_AHEAD) as pool:
            for first in range(0, len(names), _AHEAD):
                some = names[first : first + _AHEAD]
                for name, data in zip(some, pool.map(self._shelf.get, some), strict=True):
                    if data is None:
                        raise FileNotFoundError(f"{name} is named by a ledger but isn't there")
                    with pq.ParquetFile(io.BytesIO(data)) as file:
                        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                            yield pa.Table.from_batches([batch])

    def _fold(self, partition: datetime, ledger: Ledger, new: list[Object]) -> Ledger:
        with contextlib.ExitStack() as stack:
            return self._folded(partition, ledger, new, stack)

    def _folded(
        self, partition: datetime, ledger: Ledger, new: list[Object], stack: contextlib.ExitStack
    ) -> Ledger:
        tally = Tally()
        folding: dict[datetime, Folding] = {}
        for batch in events.read(self._s3, self._bucket, new, self._contract, tally):
            for hour, rows in by_hour(batch):
                if hour not in folding:
                    one = Folding(self._contract, self._profiler, self._known(hour))
                    folding[hour] = stack.enter_context(contextlib.closing(one))
                folding[hour].add(rows)
        digest = hashlib.sha256("".join(o.key + o.etag for o in new).encode()).hexdigest()[:16]
        parts = dict(ledger.parts)
        for hour, one in sorted(folding.items()):
            stem = f"{hour:%Y%m%dT%H}-{digest}"
            before = parts.get(hour.isoformat(), Part())
            parts[hour.isoformat()] = self._keep(partition, stem, one, before)
        self.unreachable += [u for u in tally.unreadable if not u.lasting]
        again = {u.key for u in self.unreachable}
        read = {o.key: o.etag for o in new if o.key not in again}
        return Ledger(
            objects={**ledger.objects, **read},
            unreadable=sorted([*ledger.unreadable, *(u for u in tally.unreadable if u.lasting)]),
            bad_lines={**ledger.bad_lines, **tally.bad_lines},
            parts=parts,
        )

    def _known(self, hour: datetime) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the identities of that hour's records that any partition holds already."""
        for partition in layout.hours_between(hour - LANDS_BEFORE, hour + LANDS_AFTER + HOUR):
            if part := self.ledger(partition).parts.get(hour.isoformat()):
                for table in self.tables(part.rows, [IDENTITY]):
                    yield table.column(IDENTITY).to_numpy()

    def _keep(self, partition: datetime, stem: str, one: "Folding", before: Part) -> Part:
        profile = one.profile
        if profile is not None and before.profile:
            profile = Profile.from_json(before.profile.encode()).merge(profile)
        rows, samples = list(before.rows), list(before.samples)
        if one.records:
            for kind, file in one.files():
                name = _name(partition, f"{stem}-{kind}.parquet")
                (rows if kind == "rows" else samples).append(name)
                self._shelf.put(name, file)
        return Part(
            records=before.records + one.records,
            newest=max((n for n in (before.newest, one.newest) if n is not None), default=None),
            duplicates=before.duplicates + one.duplicates,
            others={v: before.others.get(v, 0) + one.others.get(v, 0) for v in {*before.others, *one.others}},
            profile=profile.to_json().decode() if profile is not None else before.profile,
            rows=rows,
            samples=samples,
        )


def _sharing(partitions: Sequence[datetime]) -> list[datetime]:
    """Return `partitions` and those that may hold copies of their records."""
    if not partitions:
        return []
    reach = LANDS_AFTER + LANDS_BEFORE
    return list(layout.hours_between(min(partitions) - reach, max(partitions) + reach + HOUR))


def _name(partition: datetime, file: str) -> str:
    return layout.hour_prefix("hours", partition) + file
