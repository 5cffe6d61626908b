"""Hour partitions that the records of a time range may have landed in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from contract import layout
from lambda_monitor.lake.events import ARRIVED

# A record lands in the partition of the hour it is delivered in: after its arrival, by the scoring backlog
# and Firehose's buffer, or before it, since Firehose names an object by its oldest record.
LANDS_BEFORE = timedelta(hours=1)
LANDS_AFTER = timedelta(hours=3)


def landing(start: datetime, end: datetime) -> list[datetime]:
    """Return the partitions that records of [start, end) may have landed in."""
    return list(layout.hours_between(start - LANDS_BEFORE, end + LANDS_AFTER))


def inside(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """Return the rows that arrived in [start, end)."""
    arrived = table.column(ARRIVED)
    return table.filter(pc.and_(pc.greater_equal(arrived, start), pc.less(arrived, end)))


def outside(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """Return the rows that arrived before `start`, or at `end` or later."""
    arrived = table.column(ARRIVED)
    return table.filter(pc.or_(pc.less(arrived, start), pc.greater_equal(arrived, end)))


def sharing(partitions: Sequence[datetime]) -> list[datetime]:
    """Return `partitions` and those that may hold copies of their records."""
    if not partitions:
        return []
    reach = LANDS_AFTER + LANDS_BEFORE
    return list(layout.hours_between(min(partitions) - reach, max(partitions) + reach + layout.HOUR))
