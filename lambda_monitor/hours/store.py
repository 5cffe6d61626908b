"""Read and write ledgers and hour files.

A partition's ledger lists the objects that were read and one part per arrival hour: a mergeable
profile of all records, a bounded sample, and the distinct rows as Parquet.
"""

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract import layout
from contract.layout import HOUR
from lambda_monitor.hours import ledger
from lambda_monitor.hours.athena import AthenaCounter, AthenaError, HourCounts
from lambda_monitor.hours.ledger import DamagedError, Ledger, LocatedPart, Part, WindowParts
from lambda_monitor.lake.cache import Cache, Overlay
from lambda_monitor.lake.events import ARRIVED
from lambda_monitor.lake.partitions import inside, landing, sharing
from lambda_monitor.lake.texts import reason
from lambda_monitor.profiles.profile import Profile

LEDGER = "ledger.json"
_WORKERS = 16
# Parquet files fetched ahead, and rows of one taken at a time: together they bound the memory.
_AHEAD = 8
_BATCH_ROWS = 1 << 18


class AthenaPath(msgspec.Struct, frozen=True, kw_only=True):
    """Counting by Athena, used when at least `min_bytes` of stored objects are new."""

    counter: AthenaCounter
    min_bytes: int


class HourStore:
    """The ledgers and hour files of one model version, under one cache."""

    def __init__(self, cache: Cache, athena: AthenaPath | None = None) -> None:
        self._cache = cache
        self._ledgers: dict[datetime, Ledger] = {}
        self.athena = athena
        # Partitions whose stored ledger can't be decoded.
        self.damaged: set[datetime] = set()

    def ledger(self, partition: datetime) -> Ledger:
        """Return the stored ledger, an empty one if there is none or it is damaged."""
        if partition not in self._ledgers:
            stored = self._cache.get(file_name(partition, LEDGER))
            try:
                self._ledgers[partition] = ledger.decode(stored) if stored is not None else Ledger()
            except ValueError:
                self._ledgers[partition] = Ledger()
                self.damaged.add(partition)
        return self._ledgers[partition]

    def save(self, partition: datetime, ledger: Ledger) -> None:
        """Write the ledger of `partition`."""
        self.put(partition, LEDGER, io.BytesIO(msgspec.json.encode(ledger)))
        self._ledgers[partition] = ledger
        self.damaged.discard(partition)

    def put(self, partition: datetime, name: str, file: BinaryIO) -> str:
        """Write a file of `partition` and return its name in ledgers."""
        full = file_name(partition, name)
        self._cache.put(full, file)
        return full

    def set_view(self, partition: datetime, ledger: Ledger) -> None:
        """Use `ledger` for the rest of the run without writing it."""
        self._ledgers[partition] = ledger

    def reload(self, *, writable: bool) -> None:
        """Drop what was read; unless `writable`, further writes are not stored."""
        if not writable:
            self._cache = Overlay(self._cache)
        self._ledgers.clear()

    def parts(self, start: datetime, end: datetime) -> WindowParts:
        """Return the parts that hold records of [start, end), from the stored ledgers."""
        return self._parts(start, end, landing(start, end))

    def known_parts(self, start: datetime, end: datetime) -> WindowParts:
        """Return the same, from the partitions that have a ledger: cheaper if many have none."""
        partitions = landing(start, end)
        # Ledgers of the window were read, and perhaps updated, already.
        names = self._cache.names(file_name(partitions[0], ""), file_name(partitions[-1], LEDGER))
        present = {name for name in names if name.endswith(f"/{LEDGER}")}
        known = [p for p in partitions if p in self._ledgers or file_name(p, LEDGER) in present]
        return self._parts(start, end, known)

    def _parts(self, start: datetime, end: datetime, partitions: list[datetime]) -> WindowParts:
        with ThreadPoolExecutor(_WORKERS) as pool:
            ledgers = list(pool.map(self.ledger, partitions))
        parts = [
            LocatedPart(partition=partition, hour=datetime.fromisoformat(hour), part=part)
            for partition, ledger in zip(partitions, ledgers, strict=True)
            for hour, part in sorted(ledger.parts.items())
            if start - HOUR < datetime.fromisoformat(hour) < end
        ]
        return WindowParts(start=start, end=end, parts=parts)

    def rows(self, parts: WindowParts, columns: list[str], *, sampled: bool = False) -> Iterator[pa.Table]:
        """Yield those columns of the window's records, or of their samples, in batches.

        Parts that Athena counted have samples only.
        """
        for located in parts.parts:
            part = located.part
            names = part.samples if sampled or part.counted_by_athena else part.rows
            for table in self.tables(names, list(dict.fromkeys([*columns, ARRIVED]))):
                yield inside(table, parts.start, parts.end).select(columns)

    def tables(self, names: Iterable[str], columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield those columns of the Parquet files of those names in order, in batches of bounded size.

        Raises DamagedError.
        """
        names = list(names)
        with ThreadPoolExecutor(_AHEAD) as pool:
            for first in range(0, len(names), _AHEAD):
                group = names[first : first + _AHEAD]
                for name, data in zip(group, pool.map(self._cache.get, group), strict=True):
                    if data is None:
                        raise self._damaged(name, "it is missing")
                    try:
                        yield from _batches(data, columns)
                    except (pa.ArrowException, OSError, KeyError) as error:
                        raise self._damaged(name, reason(error)) from error

    def _damaged(self, name: str, fault: str) -> DamagedError:
        partition = next(p for p in self._ledgers if name.startswith(file_name(p, "")))
        return DamagedError(partition, name, fault)

    def partial(self, parts: WindowParts, hour: datetime) -> Iterator[HourCounts]:
        """Yield the counts of the records of `hour` inside the window, if Athena counted the hour.

        Raises AthenaError, also if Athena is switched off now.
        """
        if self.athena is None:
            raise AthenaError(
                f"{hour.isoformat()} was counted by Athena: switch Athena on to count a part of the hour"
            )
        partitions = [p.partition for p in parts.parts if p.hour == hour and p.part.counted_by_athena]
        among = sharing(partitions)
        found, _ = self.athena.counter.count(partitions, among, between=(parts.start, parts.end))
        for partition in partitions:
            if counts := found[partition].get(hour):
                yield counts


def stored_profile(partition: datetime, part: Part) -> Profile:
    """Return the profile of a part. Raises DamagedError."""
    try:
        return Profile.from_json(part.profile.encode())
    except msgspec.DecodeError as error:
        raise DamagedError(partition, file_name(partition, LEDGER), reason(error)) from error


def _batches(data: bytes, columns: list[str] | None) -> Iterator[pa.Table]:
    with pq.ParquetFile(io.BytesIO(data)) as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
            table = pa.Table.from_batches([batch])
            yield table if columns is None else table.select(columns)


def file_name(partition: datetime, file: str) -> str:
    """Return the name of a file of `partition` in the cache."""
    return layout.hour_prefix("hours", partition) + file
