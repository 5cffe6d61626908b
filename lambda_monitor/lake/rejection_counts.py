"""Stored counts of rejected records: one ledger per partition, by minute of arrival and reason."""

import hashlib
import io
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np

from contract import layout
from contract.events import RecordRef
from contract.layout import HOUR
from contract.schema import StoredStruct
from contract.timestamps import parse_timestamp
from lambda_monitor.lake.cache import Cache
from lambda_monitor.lake.events import Identities, contains
from lambda_monitor.lake.lines import read_lines
from lambda_monitor.lake.objects import Object, ObjectError, Unreadable, groups, open_objects
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE, sharing
from lambda_monitor.lake.texts import bounded, reason

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Distinct records of a partition that are known by identity, at 8 bytes each. When there are more, one of
# them that is delivered again is counted again.
KNOWN_RECORDS = 1 << 17
# Reasons with their field that a partition counts by name, and reasons without.
NAMED_FIELDS, NAMED_REASONS = 50, 80
_OTHER_FIELDS, OTHER_REASONS = "other fields", "other reasons"
# Records that are held before they are counted.
_BATCH = 1 << 17


class _Line(msgspec.Struct):
    """The fields of a line of `rejected/` that are used."""

    record: RecordRef
    reason: str
    field: str


class PartitionCounts(StoredStruct, frozen=True, kw_only=True):
    """Distinct rejected records of one partition, by minute of arrival and reason; objects by key and tag.

    `identities` holds the sorted hashes of the first KNOWN_RECORDS of them.
    """

    objects: dict[str, str] = msgspec.field(default_factory=dict)
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)
    minutes: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    identities: bytes = b""

    def known(self) -> Identities:
        """Return the stored identities."""
        return np.frombuffer(self.identities, np.uint64)


class RejectionLedgers:
    """The counts of rejected records, by partition, under one cache."""

    def __init__(self, s3: "S3Client", bucket: str, cache: Cache) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._cache = cache
        self._counts: dict[datetime, PartitionCounts] = {}

    def unread(self, partition: datetime, listed: list[Object]) -> list[Object]:
        """Return the objects that have to be read."""
        return self._unread(partition, listed)[1]

    def update(self, partition: datetime, listed: list[Object]) -> PartitionCounts:
        """Add new objects and return the counts; they are stored after each group of objects."""
        counts, new = self._unread(partition, listed)
        refused: list[Unreadable] = []
        for group in groups(new):
            counts, unreachable = self._add(partition, counts, group)
            refused += unreachable
            self._cache.put(_name(partition), io.BytesIO(msgspec.json.encode(counts)))
            self._counts[partition] = counts
        present = {o.key for o in listed}
        unreadable = [*refused, *(u for u in counts.unreadable if u.key in present)]
        return msgspec.structs.replace(counts, unreadable=unreadable)

    def _get(self, partition: datetime) -> PartitionCounts:
        """Return the stored counts, none if the file is damaged: then the objects are read again."""
        if partition not in self._counts:
            stored = self._cache.get(_name(partition))
            try:
                counts = msgspec.json.decode(stored, type=PartitionCounts) if stored else PartitionCounts()
                counts.known()
            except ValueError:  # a DecodeError is a ValueError
                counts = PartitionCounts()
            self._counts[partition] = counts
        return self._counts[partition]

    def _unread(self, partition: datetime, listed: list[Object]) -> tuple[PartitionCounts, list[Object]]:
        counts = self._get(partition)
        if any(counts.objects.get(o.key, o.etag) != o.etag for o in listed):
            return PartitionCounts(), listed
        return counts, [o for o in listed if o.key not in counts.objects]

    def _add(
        self, partition: datetime, counts: PartitionCounts, objects: list[Object]
    ) -> tuple[PartitionCounts, list[Unreadable]]:
        """Return the counts with those of `objects`, and the objects that S3 refused for now."""
        others = [self._get(hour).known() for hour in sharing([partition]) if hour != partition]
        batch = _Batch(partition, counts, others)
        unreadable: list[Unreadable] = []
        for item, body in open_objects(self._s3, self._bucket, objects):
            try:
                batch.read(body)
            except ObjectError as error:
                unreadable.append(Unreadable(item.key, str(error), error.lasting))
        refused = [u for u in unreadable if not u.lasting]
        keys = {u.key for u in refused}
        added = PartitionCounts(
            objects={**counts.objects, **{o.key: o.etag for o in objects if o.key not in keys}},
            unreadable=sorted([*counts.unreadable, *(u for u in unreadable if u.lasting)]),
            minutes=batch.counted(),
            identities=batch.known.tobytes(),
        )
        return added, refused


class _Batch:
    """Adds records to the counts of a partition, a bounded number at a time."""

    def __init__(self, partition: datetime, counts: PartitionCounts, others: list[Identities]) -> None:
        self.known = counts.known()
        self._others = np.unique(np.concatenate([np.empty(0, np.uint64), *others]))
        self._first, self._last = partition - LANDS_AFTER, partition + LANDS_BEFORE + HOUR
        self._minutes = {minute: dict(reasons) for minute, reasons in counts.minutes.items()}
        self._names = {name for reasons in counts.minutes.values() for name in reasons}
        self._decoder = msgspec.json.Decoder(_Line)
        self._identities: list[int] = []
        self._places: list[tuple[str, str]] = []

    def read(self, body: "BinaryIO | ObjectError") -> None:
        """Add the records of an object. Raises ObjectError after the last line if some are none."""
        bad, fault = 0, ""
        for line in read_lines(body):
            try:
                self._record(self._decoder.decode(line))
            except (ValueError, OverflowError) as error:  # a DecodeError is a ValueError
                bad, fault = bad + 1, fault or reason(error)
        if bad:
            raise ObjectError(f"{bad:,} lines are not rejected records: {fault}")

    def counted(self) -> dict[str, dict[str, int]]:
        """Return the counts by minute and reason."""
        self._flush()
        return self._minutes

    def _record(self, line: _Line) -> None:
        arrived = parse_timestamp(line.record.arrived_at)
        if not self._first <= arrived < self._last:
            return
        key = f"{line.record.shard}/{line.record.sequence_number}".encode("utf-8", "surrogatepass")
        digest = hashlib.md5(key, usedforsecurity=False).digest()
        self._identities.append(int.from_bytes(digest[:8], "big"))
        minute = arrived.replace(second=0, microsecond=0).isoformat()
        self._places.append((minute, self._reason_name(line)))
        if len(self._identities) >= _BATCH:
            self._flush()

    def _reason_name(self, line: _Line) -> str:
        """Return the name that a record is counted by: fewer details when there are many."""
        code = bounded(line.reason)
        name = bounded(f"{code} ({line.field})") if line.field else code
        for candidate, limit in ((name, NAMED_FIELDS), (f"{code} ({_OTHER_FIELDS})", NAMED_REASONS)):
            if candidate in self._names or len(self._names) < limit:
                self._names.add(candidate)
                return candidate
        return OTHER_REASONS

    def _flush(self) -> None:
        identities = np.array(self._identities, np.uint64)
        unique, first = np.unique(identities, return_index=True)
        fresh = ~(contains(self.known, unique) | contains(self._others, unique))
        for place in first[fresh].tolist():
            minute, name = self._places[place]
            reasons = self._minutes.setdefault(minute, {})
            reasons[name] = reasons.get(name, 0) + 1
        room = max(KNOWN_RECORDS - len(self.known), 0)
        self.known = np.sort(np.concatenate([self.known, unique[fresh][:room]]))
        self._identities, self._places = [], []


def _name(partition: datetime) -> str:
    return layout.hour_prefix("rejected", partition) + "ledger.json"
