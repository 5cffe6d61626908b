"""Stored counts of the lake: one ledger per partition, one part per arrival hour."""

from datetime import datetime

import msgspec

from contract.schema import StoredStruct
from lambda_monitor.lake.objects import Unreadable


class DamagedError(Exception):
    """A stored file of a partition is missing or can't be decoded."""

    def __init__(self, partition: datetime, name: str, reason: str) -> None:
        super().__init__(f"{name} is damaged: {reason}")
        self.partition = partition
        self.name = name


class Part(StoredStruct, frozen=True, kw_only=True):
    """Counts of the records of one partition that arrived in one hour.

    `records` counts the distinct ones of the model's own version, `newest` is the arrival of the last of
    them; `others` counts the events of other versions; `rows` and `samples` name Parquet files, one per
    update. A part that Athena counted has no rows.
    """

    records: int = 0
    newest: datetime | None = None
    duplicates: int = 0
    others: dict[str, int] = msgspec.field(default_factory=dict)
    profile: str = ""
    rows: list[str] = msgspec.field(default_factory=list)
    samples: list[str] = msgspec.field(default_factory=list)

    @property
    def counted_by_athena(self) -> bool:
        """Whether Athena counted the records, so that their rows aren't stored."""
        return self.records > 0 and not self.rows


class Ledger(StoredStruct, frozen=True, kw_only=True):
    """What was read of one partition: entity tags of objects by key, and parts by hour.

    `bad_lines` counts by object. `strayed` counts records too far from the partition to have a part;
    one that is delivered again in a later object is counted again.
    """

    objects: dict[str, str] = msgspec.field(default_factory=dict)
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)
    bad_lines: dict[str, int] = msgspec.field(default_factory=dict)
    parts: dict[str, Part] = msgspec.field(default_factory=dict)
    strayed: int = 0


def decode(data: bytes) -> Ledger:
    """Read a stored ledger. Raises ValueError if it is damaged."""
    ledger = msgspec.json.decode(data, type=Ledger)  # a DecodeError is a ValueError
    for hour in ledger.parts:
        if datetime.fromisoformat(hour).utcoffset() is None:
            raise ValueError(f"the hour {hour!r} has no time zone")
    return ledger


class LocatedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part, the partition it lies in and the hour its records arrived in."""

    partition: datetime
    hour: datetime
    part: Part


class WindowParts(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that hold records of [start, end)."""

    start: datetime
    end: datetime
    parts: list[LocatedPart]
