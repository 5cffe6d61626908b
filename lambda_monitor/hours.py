"""Every object of the lake is read once: what it held is kept by the hour it arrived in.

A partition's ledger lists the objects that were read and, for each hour their records arrived in, a
part: a mergeable profile of all records, a bounded sample, and the distinct rows as Parquet. A new
object, however late, is folded in; a changed one has the partition read again. Records are told
apart by identity across every partition an hour's records can land in.
"""

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contract import layout
from contract.layout import HOUR
from contract.schema import Contract, Struct
from lambda_monitor import events, lake
from lambda_monitor.events import ARRIVED, ID, IDENTITY, VERSION, Seen, Tally
from lambda_monitor.lake import Object, Unreadable
from lambda_monitor.profile import Profile
from lambda_monitor.sample import lowest
from lambda_monitor.shelf import Draft, Shelf

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A record lands in the partition of the hour it is delivered in: later than it arrived, by the scoring
# backlog and Firehose's buffer, or earlier where Firehose names an object by its oldest record.
LANDS_BEFORE = timedelta(hours=1)
LANDS_AFTER = timedelta(hours=3)
LEDGER = "ledger.json"
_WORKERS = 16


class Part(Struct, frozen=True, kw_only=True):
    """What one partition holds of the records that arrived in one hour.

    `records` are the distinct ones of the model's own version, `newest` the arrival of the last of
    them; `others` count the events of other versions; `rows` and `samples` name Parquet files, one a
    folding.
    """

    records: int = 0
    newest: datetime | None = None
    duplicates: int = 0
    others: dict[str, int] = msgspec.field(default_factory=dict)
    profile: str = ""
    rows: list[str] = msgspec.field(default_factory=list)
    samples: list[str] = msgspec.field(default_factory=list)


class Ledger(Struct, frozen=True, kw_only=True):
    """What was read of one partition: objects by key with their entity tag, and parts by hour."""

    objects: dict[str, str] = msgspec.field(default_factory=dict)
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)
    bad_lines: dict[str, int] = msgspec.field(default_factory=dict)
    parts: dict[str, Part] = msgspec.field(default_factory=dict)


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledgers hold of [start, end): parts with the hour their records arrived in."""

    start: datetime
    end: datetime
    parts: list[tuple[datetime, Part]]


def landing(start: datetime, end: datetime) -> list[datetime]:
    """Return the partitions that records of [start, end) may have landed in."""
    return list(layout.hours_between(start - LANDS_BEFORE, end + LANDS_AFTER))


def inside(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """Return the rows that arrived in [start, end)."""
    arrived = table.column(ARRIVED)
    return table.filter(pc.and_(pc.greater_equal(arrived, start), pc.less(arrived, end)))


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
        self._ready = False
        self._ledgers: dict[datetime, Ledger] = {}
        self.unreachable: list[Unreadable] = []

    def update(self, partitions: Sequence[datetime]) -> dict[datetime, Ledger]:
        """Read what is new in `partitions` and return their ledgers, oldest first."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            listings = pool.map(self._list, partitions)
            list(pool.map(self.ledger, partitions))
            return {p: self._update(p, listed) for p, listed in zip(partitions, listings, strict=True)}

    def _list(self, partition: datetime) -> list[Object]:
        prefix = layout.hour_prefix(layout.PREDICTIONS, partition)
        return lake.list_objects(self._s3, self._bucket, prefix)

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
        if any(ledger.objects.get(o.key, o.etag) != o.etag for o in listed):
            ledger = Ledger()
        return ledger, [o for o in listed if o.key not in ledger.objects]

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
        with ThreadPoolExecutor(_WORKERS) as pool:
            ledgers = list(pool.map(self.ledger, landing(start, end)))
        parts = [
            (datetime.fromisoformat(hour), part)
            for ledger in ledgers
            for hour, part in sorted(ledger.parts.items())
            if start - HOUR < datetime.fromisoformat(hour) < end
        ]
        return Extent(start=start, end=end, parts=parts)

    def rows(self, extent: Extent, columns: list[str], *, sampled: bool = False) -> Iterator[pa.Table]:
        """Yield those columns of the extent's records, or of their samples, in batches."""
        for _, part in extent.parts:
            for table in self.tables(part.samples if sampled else part.rows, [*columns, ARRIVED]):
                yield inside(table, extent.start, extent.end).select(columns)

    def tables(self, names: Iterable[str], columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the Parquet files of those names, in order."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            for name, data in zip(names, pool.map(self._shelf.get, names), strict=True):
                if data is None:
                    raise FileNotFoundError(f"{name} is named by a ledger but isn't there")
                yield pq.read_table(io.BytesIO(data), columns=columns)

    def _fold(self, partition: datetime, ledger: Ledger, new: list[Object]) -> Ledger:
        with contextlib.ExitStack() as stack:
            return self._folded(partition, ledger, new, stack)

    def _folded(
        self, partition: datetime, ledger: Ledger, new: list[Object], stack: contextlib.ExitStack
    ) -> Ledger:
        tally = Tally()
        folding: dict[datetime, _Folding] = {}
        for batch in events.read(self._s3, self._bucket, new, self._contract, tally):
            for hour, rows in _by_hour(batch):
                if hour not in folding:
                    one = _Folding(self._contract, self._profiler, self._known(hour))
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

    def _keep(self, partition: datetime, stem: str, one: "_Folding", before: Part) -> Part:
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


class _Folding:
    """One arrival hour of the partition that is being read; memory: a sample and 8 bytes a record."""

    def __init__(
        self,
        contract: Contract,
        profiler: Callable[[pa.Table], Profile],
        known: Iterable[np.ndarray[Any, Any]],
    ) -> None:
        self._version = contract.model.version
        self._profiler = profiler
        self._seen = Seen(known)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # lives until close()
        schema = events.schema(contract)
        schema = schema.remove(schema.get_field_index(VERSION))
        self._columns = schema.names
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            compression="zstd",
            use_dictionary=[n for n in schema.names if n not in {ID, IDENTITY, ARRIVED}],
        )
        self._sample = schema.empty_table()
        self.profile: Profile | None = None
        self.records = 0
        self.newest: datetime | None = None
        self.duplicates = 0
        self.others: dict[str, int] = {}

    def add(self, rows: pa.Table) -> None:
        """Take in rows of this hour, of any model version."""
        own = pc.equal(rows.column(VERSION), self._version)
        for entry in pc.value_counts(rows.column(VERSION).filter(pc.invert(own))).to_pylist():
            self.others[entry["values"]] = self.others.get(entry["values"], 0) + entry["counts"]
        mine = rows.filter(own).select(self._columns)
        distinct = self._seen.drop(mine)
        self.duplicates += len(mine) - len(distinct)
        if not len(distinct):
            return
        self.records += len(distinct)
        newest = pc.max(distinct.column(ARRIVED)).as_py()
        self.newest = newest if self.newest is None else max(self.newest, newest)
        profile = self._profiler(distinct)
        self.profile = profile if self.profile is None else self.profile.merge(profile)
        self._sample = lowest([self._sample, distinct])
        self._writer.write_table(distinct)

    def files(self) -> Iterator[tuple[str, BinaryIO]]:
        """Yield the distinct rows and their sample, each as a Parquet file, by kind."""
        self._writer.close()
        self._file.seek(0)
        yield "rows", self._file
        buffer = io.BytesIO()
        pq.write_table(self._sample, buffer, compression="zstd")
        buffer.seek(0)
        yield "sample", buffer

    def close(self) -> None:
        """Let the files go."""
        self._writer.close()
        self._file.close()


def _by_hour(batch: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    hours = pc.floor_temporal(batch.column(ARRIVED), unit="hour")
    for hour in sorted(pc.unique(hours).to_pylist()):
        yield hour, batch.filter(pc.equal(hours, pa.scalar(hour, hours.type)))


def _name(partition: datetime, file: str) -> str:
    return layout.hour_prefix("hours", partition) + file
