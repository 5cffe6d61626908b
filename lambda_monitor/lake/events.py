"""Prediction events as the columns that monitoring needs, in batches of bounded size."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from contract import bundle
from contract.schema import Contract, DType, Feature, Input, Kind, Task
from lambda_monitor.lake import duckdb_sql, parser, texts
from lambda_monitor.lake.objects import Object
from lambda_monitor.lake.parser import ReadErrors, Statement

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Columns of each row besides features, prediction and probability; no feature has such a name.
ID = "@id"
IDENTITY = "@identity"
ARRIVED = "@arrived_at"
VERSION = "@version"
_HASH = "@hash"

Identities = np.ndarray[Any, Any]

# An arrival outside this range is not a time of an event.
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_ARROW_TYPES = {
    DType.INT: pa.int64(),
    DType.FLOAT: pa.float64(),
    DType.STR: pa.string(),
    DType.BOOL: pa.bool_(),
    DType.TIMESTAMP: pa.string(),
}
# Texts of this type are not bounded.
_WHOLE = pa.large_string()
_SQL_OF_ARROW = {
    _WHOLE: "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
}


def schema(contract: Contract, inputs: Sequence[Input] = (), *, whole: bool = False) -> pa.Schema:
    """Return the schema of a batch: id, identity, arrival, version, features, prediction, probability.

    A free text is its length, the text itself if `whole`. `inputs` are fields of the record that are
    read too, as bundle.input_column names them.
    """
    fields = [(ID, pa.string()), (IDENTITY, pa.uint64()), (ARRIVED, pa.timestamp("ms", tz="UTC"))]
    fields.append((VERSION, pa.string()))
    text = _WHOLE if whole else texts.LENGTH
    fields += [(f.name, text if f.kind is Kind.TEXT else _ARROW_TYPES[f.dtype]) for f in contract.features]
    fields.append((bundle.PREDICTION_COLUMN, target_type(contract)))
    if (probability := bundle.probability_column(contract)) is not None:
        fields.append((probability, pa.float64()))
    fields += [(bundle.input_column(i.name), _ARROW_TYPES[i.dtype]) for i in inputs]
    return pa.schema(fields)


def target_type(contract: Contract) -> pa.DataType:
    """Return the type of prediction and target: float64 for a regression, else that of the labels."""
    if contract.task is Task.REGRESSION:
        return pa.float64()
    labels = contract.target.labels or []
    return pa.int64() if labels and all(isinstance(label, int) for label in labels) else pa.string()


def read(
    s3: "S3Client",
    bucket: str,
    objects: Sequence[Object],
    contract: Contract,
    errors: ReadErrors,
    inputs: Sequence[Input] = (),
    *,
    whole: bool = False,
) -> Iterator[pa.Table]:
    """Yield the events in batches with the columns of `schema`, in the order of `objects`.

    Duplicates and events of other model versions are included; features that those lack are null.
    What can't be read is added to `errors`, never raised; rows before a fault in an object are kept.
    """
    yield from parser.read(s3, bucket, objects, _statement(contract, inputs, whole=whole), errors)


class Deduplicator:
    """Drops records that were read before, at 8 bytes per record."""

    def __init__(self, known: Iterable[np.ndarray[Any, Any]] = ()) -> None:
        self._sorted = np.unique(np.concatenate([np.empty(0, np.uint64), *known]))

    def drop(self, table: pa.Table) -> pa.Table:
        """Return the first row of each record in `table` that was not read before."""
        identities = table.column(IDENTITY).to_numpy()
        unique, first = np.unique(identities, return_index=True)
        fresh = ~contains(self._sorted, unique)
        rows = np.sort(first[fresh])
        self._sorted = np.sort(np.concatenate([self._sorted, unique[fresh]]))
        return table if len(rows) == len(table) else table.take(pa.array(rows))


def contains(ordered: Identities, values: Identities) -> np.ndarray[Any, Any]:
    """Return whether each of `values` is in `ordered`, which is sorted."""
    if not len(ordered):
        return np.zeros(len(values), bool)
    nearest: np.ndarray[Any, Any] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)]
    return np.asarray(nearest == values)


def _identities(hashes: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    # DuckDB reads the first bytes of the digest in the opposite byte order.
    return np.asarray(hashes.to_numpy(), dtype=np.uint64).byteswap()


def _statement(contract: Contract, inputs: Sequence[Input], *, whole: bool) -> Statement:
    """Return what is read of events.

    The hash is MD5 of shard and sequence number: the same in every engine and version, so that it can
    be stored and also computed by Athena. A row without one is not a prediction event. Texts are bounded,
    and values of another type, which Parquet may hold, are null.
    """
    columns = schema(contract, inputs, whole=whole)
    arrived = "TRY_CAST(record.arrived_at AS TIMESTAMPTZ)"
    values = {
        ID: f"CAST({duckdb_sql.name(contract.id_field)} AS VARCHAR)",
        VERSION: "CAST(model.version AS VARCHAR)",
        **{f.name: _feature(f, whole=whole) for f in contract.features},
        bundle.PREDICTION_COLUMN: f"prediction.{duckdb_sql.name(contract.target.name)}",
    }
    if (probability := bundle.probability_column(contract)) is not None:
        values[probability] = _probability(contract)
    payload = duckdb_sql.name(contract.payload_field)
    values |= {bundle.input_column(i.name): f"{payload}.{duckdb_sql.name(i.name)}" for i in inputs}
    identity = "CAST(record.shard AS VARCHAR) || '/' || CAST(record.sequence_number AS VARCHAR)"
    select = [
        f"CASE WHEN {arrived} >= {_sql_time(FIRST)} AND {arrived} < {_sql_time(LAST)} AND model.version "
        f"IS NOT NULL THEN md5_number_upper({identity}) END AS {duckdb_sql.name(_HASH)}",
        f"{arrived} AS {duckdb_sql.name(ARRIVED)}",
        *(
            f"{typed(value, columns.field(name).type)} AS {duckdb_sql.name(name)}"
            for name, value in values.items()
        ),
    ]
    return Statement(
        fields=_fields(contract, inputs),
        select=select,
        valid=_HASH,
        convert=lambda table: _converted(table, columns),
    )


def _feature(feature: Feature, *, whole: bool) -> str:
    """Return SQL for the value of a feature, the length of a text unless it is read whole."""
    value = f"features.{duckdb_sql.name(feature.name)}"
    return texts.length_sql(value) if feature.kind is Kind.TEXT and not whole else value


def _probability(contract: Contract) -> str:
    """Return SQL for the probability that is monitored.

    Events of releases before 0.2.0 have only that of the predicted class, of which the other class is
    the complement.
    """
    target = contract.target
    if target.positive is None:
        return "prediction.probability"
    label = typed(f"prediction.{duckdb_sql.name(target.name)}", target_type(contract))
    positive = duckdb_sql.text(target.positive) if isinstance(target.positive, str) else target.positive
    return (
        f"coalesce(prediction.probabilities.{duckdb_sql.name(str(target.positive))}, CASE WHEN {label} = "
        f"{positive} THEN prediction.probability ELSE 1 - prediction.probability END)"
    )


def _fields(contract: Contract, inputs: Sequence[Input]) -> dict[str, str]:
    """Return the fields of an event that are read, by SQL type."""
    prediction = {contract.target.name: _SQL_OF_ARROW[target_type(contract)]}
    if contract.task is Task.CLASSIFICATION:
        prediction["probability"] = "DOUBLE"
        if contract.target.positive is not None:
            prediction["probabilities"] = duckdb_sql.struct({str(contract.target.positive): "DOUBLE"})
    sent = {i.name: _SQL_OF_ARROW[_ARROW_TYPES[i.dtype]] for i in inputs}
    return {
        **({contract.payload_field: duckdb_sql.struct(sent)} if sent else {}),
        contract.id_field: "VARCHAR",
        "features": duckdb_sql.struct(
            {f.name: _SQL_OF_ARROW[_ARROW_TYPES[f.dtype]] for f in contract.features}
        ),
        "prediction": duckdb_sql.struct(prediction),
        "model": duckdb_sql.struct({"version": "VARCHAR"}),
        "record": duckdb_sql.struct(dict.fromkeys(("shard", "sequence_number", "arrived_at"), "VARCHAR")),
    }


def _converted(table: pa.Table, columns: pa.Schema) -> pa.Table:
    arrays = [
        pa.array(_identities(table.column(_HASH)))
        if field.name == IDENTITY
        # A time may have microseconds: events have milliseconds.
        else table.column(field.name).cast(field.type, safe=field.name != ARRIVED)
        for field in columns
    ]
    return pa.Table.from_arrays(arrays, schema=columns)


def typed(value: str, kind: pa.DataType) -> str:
    """Return SQL for `value` as that type, null if it is of another, texts bounded."""
    converted = f"TRY_CAST({value} AS {_SQL_OF_ARROW[kind]})"
    return texts.bounded_sql(converted) if kind == pa.string() else converted


def _sql_time(moment: datetime) -> str:
    return f"TIMESTAMPTZ {duckdb_sql.text(moment.isoformat())}"
