"""The records of a window: [start, end) by arrival, whichever partitions they landed in."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contract import layout
from contract.schema import Contract
from lambda_monitor import events, lake
from lambda_monitor.events import ARRIVED, Seen, Tally

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A record lands in the partition of the hour it is delivered in: later than it arrived, by the scoring
# backlog and Firehose's buffer, or a little earlier where clocks disagree.
LANDS_BEFORE = timedelta(hours=1)
LANDS_AFTER = timedelta(hours=3)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The distinct records of [start, end) that the model version scored, and what else was met."""

    start: datetime
    end: datetime
    rows: pa.Table
    duplicates: int
    objects: int
    tally: Tally


def read(s3: "S3Client", bucket: str, contract: Contract, start: datetime, end: datetime) -> Window:
    """Read the window from the partitions its records may have landed in."""
    objects = [
        item
        for hour in layout.hours_between(start - LANDS_BEFORE, end + LANDS_AFTER)
        for item in lake.list_objects(s3, bucket, layout.hour_prefix(layout.PREDICTIONS, hour))
    ]
    tally, seen, duplicates = Tally(), Seen(), 0
    batches = [events.schema(contract).empty_table()]
    for batch in events.read(s3, bucket, objects, contract, tally):
        arrived = batch.column(ARRIVED)
        inside = batch.filter(pc.and_(pc.greater_equal(arrived, start), pc.less(arrived, end)))
        distinct = seen.drop(inside)
        duplicates += len(inside) - len(distinct)
        batches.append(distinct)
    return Window(
        start=start,
        end=end,
        rows=pa.concat_tables(batches),
        duplicates=duplicates,
        objects=len(objects),
        tally=tally,
    )
