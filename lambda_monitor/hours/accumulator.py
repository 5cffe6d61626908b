"""Accumulate the rows of an arrival hour: on disk, with counts and a sample in memory."""

import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contract.schema import Contract
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ARRIVED, ID, IDENTITY, VERSION, Deduplicator
from lambda_monitor.lake.sample import lowest
from lambda_monitor.profiles.profile import Profile

# Other model versions that are counted by name, and the name of all further ones.
OTHER_VERSIONS = 20
FURTHER_VERSIONS = "further versions"


class HourAccumulator:
    """Distinct rows of one arrival hour of a partition; memory is a sample and 8 bytes per record."""

    def __init__(
        self,
        contract: Contract,
        profiler: Callable[[pa.Table], Profile],
        known: Iterable[np.ndarray[Any, Any]],
    ) -> None:
        self._version = contract.model.version
        self._profiler = profiler
        self._seen = Deduplicator(known)
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
        """Add rows of this hour, of any model version."""
        own = pc.equal(rows.column(VERSION), self._version)
        for entry in pc.value_counts(rows.column(VERSION).filter(pc.invert(own))).to_pylist():
            count_other(self.others, entry["values"], entry["counts"])
        scored = rows.filter(own).select(self._columns)
        distinct = self._seen.drop(scored)
        self.duplicates += len(scored) - len(distinct)
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
        yield "sample", parquet(self._sample)

    def close(self) -> None:
        """Close and delete the files."""
        self._writer.close()
        self._file.close()


def merged_others(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sum of counts by other version, with the commonest versions by name."""
    total: Counter[str] = Counter()
    for others in counts:
        total.update(others)
    merged: dict[str, int] = {}
    for version, events_ in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        count_other(merged, version, events_)
    return dict(sorted(merged.items()))


def count_other(others: dict[str, int], version: str, events: int) -> None:
    """Count events of another version; those beyond the first OTHER_VERSIONS are counted together."""
    name = version if version in others or len(others) < OTHER_VERSIONS else FURTHER_VERSIONS
    others[name] = others.get(name, 0) + events


def by_hour(batch: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """Yield the rows of each arrival hour, oldest first."""
    hours = pc.floor_temporal(batch.column(ARRIVED), unit="hour")
    for hour in sorted(pc.unique(hours).to_pylist()):
        yield hour, batch.filter(pc.equal(hours, pa.scalar(hour, hours.type)))


def parquet(table: pa.Table) -> io.BytesIO:
    """Return `table` as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    buffer.seek(0)
    return buffer
