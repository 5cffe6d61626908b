"""What is kept of the lake: a ledger a partition, with a part for each hour its records arrived in."""

from datetime import datetime

import msgspec

from contract.schema import StoredStruct
from lambda_monitor.lake.objects import Unreadable


class Part(StoredStruct, frozen=True, kw_only=True):
    """What one partition holds of the records that arrived in one hour.

    `records` are the distinct ones of the model's own version, `newest` the arrival of the last of
    them; `others` count the events of other versions; `rows` and `samples` name Parquet files, one a
    folding. A part that was counted in bulk has no rows.
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
        """Tell whether the records were counted where they lie, so that their rows aren't kept."""
        return self.records > 0 and not self.rows


class Ledger(StoredStruct, frozen=True, kw_only=True):
    """What was read of one partition: objects by key with their entity tag, and parts by hour."""

    objects: dict[str, str] = msgspec.field(default_factory=dict)
    unreadable: list[Unreadable] = msgspec.field(default_factory=list)
    bad_lines: dict[str, int] = msgspec.field(default_factory=dict)
    parts: dict[str, Part] = msgspec.field(default_factory=dict)


class LocatedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part, the partition it lies in and the hour its records arrived in."""

    partition: datetime
    hour: datetime
    part: Part


class WindowParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledgers hold of [start, end)."""

    start: datetime
    end: datetime
    parts: list[LocatedPart]
