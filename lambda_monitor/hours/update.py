"""Bring ledgers up to date: read each object of the lake once, whenever it lands.

A new object, however late, is added to the ledger of its partition; after a change of an object the
whole partition is read again. Duplicates are found by identity across every partition that the records
of an hour can land in.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract import layout
from contract.layout import HOUR
from contract.schema import Contract
from lambda_monitor.hours.accumulator import HourAccumulator, by_hour, merged_others, parquet
from lambda_monitor.hours.athena import HourCounts
from lambda_monitor.hours.ledger import DamagedError, Ledger, Part
from lambda_monitor.hours.store import LEDGER, AthenaPath, HourStore, file_name, stored_profile
from lambda_monitor.lake import events
from lambda_monitor.lake.events import IDENTITY, VERSION, Deduplicator
from lambda_monitor.lake.objects import Object, Unreadable, list_objects
from lambda_monitor.lake.parser import ReadErrors
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE, inside, outside, sharing
from lambda_monitor.profiles.profile import Profile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WORKERS = 16


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """The ledgers of some partitions after an update, oldest first.

    `unreachable` are objects that S3 refused for now; the next update reads them again.
    """

    ledgers: dict[datetime, Ledger]
    unreachable: list[Unreadable]


class LedgerUpdater:
    """Adds new objects of the lake to the ledgers of one model version."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        contract: Contract,
        profiler: Callable[[pa.Table], Profile],
        *,
        store: HourStore,
        may_write: Callable[[], bool],
    ) -> None:
        """Take the lake, the function that profiles a table, and the store of ledgers.

        `may_write` is called once, before the first write; if it returns False another run is writing,
        and what this run reads is not stored.
        """
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._profiler = profiler
        self._may_write = may_write
        self._ready = False
        self._unreachable: list[Unreadable] = []
        self.store = store

    def update(self, partitions: Sequence[datetime]) -> Updated:
        """Read what is new in `partitions` and return their ledgers. Raises AthenaError."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            listings = pool.map(self._list, partitions)
            list(pool.map(self.store.ledger, partitions))
            listed = dict(zip(partitions, listings, strict=True))
        first = next((p for p in partitions if self._unread(p, listed[p])[1]), None)
        athena = self.store.athena
        if first is not None and athena is not None and self._wants_athena(athena, listed):
            self._count(athena, {p: found for p, found in listed.items() if p >= first and found})
        ledgers = {p: self._update(p, found) for p, found in listed.items()}
        return Updated(ledgers=ledgers, unreachable=self._unreachable)

    def rebuild(self, damaged: DamagedError) -> None:
        """Read the partition of a damaged file again. Raises DamagedError if objects of it are gone."""
        self._begin()
        known = self.store.ledger(damaged.partition).objects
        gone = known.keys() - {o.key for o in self._list(damaged.partition)}
        if gone:
            fault = f"it can't be rebuilt, since {len(gone):,} objects of its partition were deleted"
            raise DamagedError(damaged.partition, damaged.name, fault)
        self.store.set_view(damaged.partition, Ledger())
        self.update([damaged.partition])

    def _wants_athena(self, athena: AthenaPath, listed: dict[datetime, list[Object]]) -> bool:
        """Return whether new objects are too large to read, or share records with what Athena counted."""
        new = [(p, o) for p, found in listed.items() for o in self._unread(p, found)[1]]
        shared = any(
            part.counted_by_athena
            for p in sharing([p for p, _ in new])
            for part in self.store.ledger(p).parts.values()
        )
        return shared or sum(o.size for _, o in new) >= athena.min_bytes

    def _count(self, athena: AthenaPath, listed: dict[datetime, list[Object]]) -> None:
        """Replace the ledgers of partitions by Athena's counts."""
        self._begin()
        partitions = list(listed)
        found, bad = athena.counter.count(partitions, sharing(partitions))
        for partition in partitions:
            bad_lines = {layout.hour_prefix(layout.PREDICTIONS, partition): bad.get(partition, 0)}
            ledger = Ledger(
                objects={o.key: o.etag for o in listed[partition]},
                bad_lines=bad_lines if partition in bad else {},
                parts={h.isoformat(): self._counted(partition, h, c) for h, c in found[partition].items()},
            )
            self.store.save(partition, ledger)

    def _counted(self, partition: datetime, hour: datetime, counts: HourCounts) -> Part:
        name = self.store.put(partition, f"{hour:%Y%m%dT%H}-sample.parquet", parquet(counts.sample))
        return Part(
            records=counts.records,
            newest=counts.newest,
            duplicates=counts.duplicates,
            others=counts.others,
            profile=counts.profile.to_json().decode(),
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
            self.store.set_view(partition, ledger)
            ledger = self._add(partition, ledger, new)
            self.store.save(partition, ledger)
        ledger = _without_deleted(ledger, {o.key for o in listed})
        if partition in self.store.damaged:
            lost = Unreadable(file_name(partition, LEDGER), "it is damaged, and none of its objects is left")
            ledger = msgspec.structs.replace(ledger, unreadable=[lost])
        self.store.set_view(partition, ledger)
        return ledger

    def _unread(self, partition: datetime, listed: list[Object]) -> tuple[Ledger, list[Object]]:
        """Return the ledger to add to and the objects it lacks; empty after a change of an object."""
        ledger = self.store.ledger(partition)
        new = [o for o in listed if o.key not in ledger.objects]
        changed = any(ledger.objects.get(o.key, o.etag) != o.etag for o in listed)
        present = {o.key for o in listed}
        deleted = {u.key for u in ledger.unreadable} - present
        # Without the deleted object the partition is read right, unless others of it have expired.
        repaired = bool(deleted) and ledger.objects.keys() - deleted <= present
        # Without rows a new record can't be distinguished from a known one.
        if changed or repaired or (new and any(part.counted_by_athena for part in ledger.parts.values())):
            return Ledger(), listed
        return ledger, new

    def _begin(self) -> bool:
        """Prepare to write, once; True if ledgers have to be read again."""
        if self._ready:
            return False
        self._ready = True
        # Another run may have written ledgers since this one read them.
        self.store.reload(writable=self._may_write())
        return True

    def _add(self, partition: datetime, ledger: Ledger, new: list[Object]) -> Ledger:
        errors = ReadErrors()
        digest = hashlib.sha256("".join(o.key + o.etag for o in new).encode()).hexdigest()[:16]
        parts = dict(ledger.parts)
        with contextlib.ExitStack() as stack:
            found, strayed = self._accumulate(partition, new, errors, stack)
            for hour, added in sorted(found.items()):
                before = parts.get(hour.isoformat(), Part())
                parts[hour.isoformat()] = self._save(partition, f"{hour:%Y%m%dT%H}-{digest}", added, before)
        self._unreachable += [u for u in errors.unreadable if not u.lasting]
        again = {u.key for u in self._unreachable}
        read = {o.key: o.etag for o in new if o.key not in again}
        return Ledger(
            objects={**ledger.objects, **read},
            unreadable=sorted([*ledger.unreadable, *(u for u in errors.unreadable if u.lasting)]),
            bad_lines={**ledger.bad_lines, **errors.bad_lines},
            parts=parts,
            strayed=ledger.strayed + strayed,
        )

    def _accumulate(
        self, partition: datetime, new: list[Object], errors: ReadErrors, stack: contextlib.ExitStack
    ) -> tuple[dict[datetime, HourAccumulator], int]:
        """Return the rows of `new` by arrival hour, and the number of strayed records.

        `stack` closes the files. Strayed records are only counted, since they may be of any number of hours.
        """
        found: dict[datetime, HourAccumulator] = {}
        strayed, seen = 0, Deduplicator()
        first, last = partition - LANDS_AFTER, partition + LANDS_BEFORE + HOUR
        for batch in events.read(self._s3, self._bucket, new, self._contract, errors):
            far = outside(batch, first, last)
            own = far.filter(pc.equal(far.column(VERSION), self._contract.model.version))
            strayed += len(seen.drop(own))
            for hour, rows in by_hour(inside(batch, first, last)):
                if hour not in found:
                    accumulator = HourAccumulator(self._contract, self._profiler, self._known(hour))
                    found[hour] = stack.enter_context(contextlib.closing(accumulator))
                found[hour].add(rows)
        return found, strayed

    def _known(self, hour: datetime) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the identities of the records of that hour in the ledgers of any partition."""
        for partition in layout.hours_between(hour - LANDS_BEFORE, hour + LANDS_AFTER + HOUR):
            if part := self.store.ledger(partition).parts.get(hour.isoformat()):
                for table in self.store.tables(part.rows, [IDENTITY]):
                    yield table.column(IDENTITY).to_numpy()

    def _save(self, partition: datetime, stem: str, added: HourAccumulator, before: Part) -> Part:
        profile = added.profile
        if profile is not None and before.profile:
            profile = stored_profile(partition, before).merge(profile)
        rows, samples = list(before.rows), list(before.samples)
        if added.records:
            for kind, file in added.files():
                name = self.store.put(partition, f"{stem}-{kind}.parquet", file)
                (rows if kind == "rows" else samples).append(name)
        return Part(
            records=before.records + added.records,
            newest=max((n for n in (before.newest, added.newest) if n is not None), default=None),
            duplicates=before.duplicates + added.duplicates,
            others=merged_others([before.others, added.others]),
            profile=profile.to_json().decode() if profile is not None else before.profile,
            rows=rows,
            samples=samples,
        )


def _without_deleted(ledger: Ledger, present: set[str]) -> Ledger:
    """Return the ledger without faults of objects that were deleted.

    Earlier releases counted bad lines under up to three keys with blanks between them, and Athena counts
    them under the partition's prefix.
    """
    bad_lines = {
        key: count
        for key, count in ledger.bad_lines.items()
        if key in present or (present and key.endswith("/")) or present.intersection(key.split(" "))
    }
    unreadable = [u for u in ledger.unreadable if u.key in present]
    return msgspec.structs.replace(ledger, unreadable=unreadable, bad_lines=bad_lines)
