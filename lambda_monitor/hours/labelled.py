"""Join predictions to ground truth."""

from datetime import datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contract import bundle
from contract.schema import Contract
from lambda_monitor.hours.ledger import WindowParts
from lambda_monitor.hours.store import HourStore
from lambda_monitor.hours.window import Window
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.labels import TARGET, Labels, Reader
from lambda_monitor.model import Model

# Below this share of labelled records their performance is no estimate of the others': labels that arrive
# first are rarely typical.
ENOUGH = 0.5


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """The labelled records of [start, end): arrival, features, prediction, probability if any, target.

    `records` counts the window's records, labelled or not; 0 if no label was found for any. `outcomes` are
    the predictions of all of them, or their probabilities. `sampled` is whether Athena counted hours that
    were read, so that the window was chosen and is given by their samples.
    """

    start: datetime
    end: datetime
    records: int
    rows: pa.Table
    labels: Labels
    outcomes: pa.ChunkedArray | None = None
    sampled: bool = False

    @property
    def coverage(self) -> float:
        """The share of records that have a label."""
        return len(self.rows) / self.records if self.records else 0.0


def newest(
    model: Model, store: HourStore, reader: Reader, found: Window, *, delay: timedelta, now: datetime
) -> Truth:
    """Return the ground truth of `found` or, if it has too few labels yet, of the newest window with enough.

    Earlier windows of the same length are tried back to `delay` ago, by their samples; if none has
    enough labels, the ground truth of `found` is returned.
    """
    length = found.end - found.start
    labels = reader.read(found.start - delay, min(now, found.end + delay))
    chosen, sampled = found.parts, False
    if len(labels.table):
        tries = range(int(delay / length) + 1)
        for parts in (store.parts(found.start - n * length, found.end - n * length) for n in tries):
            sampled |= any(located.part.counted_by_athena for located in parts.parts)
            if _coverage(store, parts, labels) >= ENOUGH:
                chosen = parts
                break
    truth = _read(model.contract, store, chosen, labels)
    return msgspec.structs.replace(truth, sampled=sampled)


def joined(rows: pa.Table, labels: Labels) -> pa.Table:
    """Return the rows that have a label, in order, with it as the column target."""
    places = pc.index_in(rows.column(ID), value_set=labels.table.column(ID).combine_chunks())
    known = pc.is_valid(places)
    target = labels.table.column(TARGET).take(places.filter(known))
    return rows.filter(known).drop_columns([ID]).append_column(TARGET, target)


def _coverage(store: HourStore, parts: WindowParts, labels: Labels) -> float:
    tables = list(store.rows(parts, [ID], sampled=True))
    rows = sum(len(table) for table in tables)
    return sum(len(joined(table, labels)) for table in tables) / rows if rows else 0.0


def _read(contract: Contract, store: HourStore, parts: WindowParts, labels: Labels) -> Truth:
    columns = [events.ARRIVED, *contract.feature_names, bundle.PREDICTION_COLUMN]
    if (probability := bundle.probability_column(contract)) is not None:
        columns.append(probability)
    schema = events.schema(contract)
    tables = [pa.schema([schema.field(name) for name in (ID, *columns)]).empty_table()]
    if len(labels.table):
        tables += store.rows(parts, [ID, *columns])
    rows = pa.concat_tables(tables)
    return Truth(
        start=parts.start,
        end=parts.end,
        records=len(rows),
        rows=joined(rows, labels),
        labels=labels,
        outcomes=rows.column(probability or bundle.PREDICTION_COLUMN),
    )
