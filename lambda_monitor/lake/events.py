"""Prediction events as the columns that monitoring needs, in batches of bounded size."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contract import bundle
from contract.schema import Contract, DType, Task
from lambda_monitor.lake import duckdb_sql, lines, texts
from lambda_monitor.lake.batches import MARK, Source, Spool
from lambda_monitor.lake.objects import OBJECT_BYTES, Object, ObjectError, Unreadable, open_objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Columns of each row besides features, prediction and probability; no feature has such a name.
ID = "@id"
IDENTITY = "@identity"
ARRIVED = "@arrived_at"
VERSION = "@version"
_HASH = "@hash"

# An arrival outside this range is not a time of an event.
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# Rows of the largest Parquet file that is read, and rows that are converted at a time.
PARQUET_ROWS = 20_000_000
_ROWS = 1 << 17

_SQL_TYPES = {DType.INT: "BIGINT", DType.FLOAT: "DOUBLE", DType.STR: "VARCHAR"}
_SQL_OF_ARROW = {pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.string(): "VARCHAR"}
_ARROW_TYPES = {DType.INT: pa.int64(), DType.FLOAT: pa.float64(), DType.STR: pa.string()}


class ReadErrors(msgspec.Struct, kw_only=True):
    """Objects and lines that could not be read."""

    unreadable: list[Unreadable] = []
    bad_lines: Counter[str] = msgspec.field(default_factory=Counter)


def schema(contract: Contract) -> pa.Schema:
    """Return the schema of a batch: id, identity, arrival, version, features, prediction, probability."""
    fields = [(ID, pa.string()), (IDENTITY, pa.uint64()), (ARRIVED, pa.timestamp("ms", tz="UTC"))]
    fields.append((VERSION, pa.string()))
    fields += [(f.name, _ARROW_TYPES[f.dtype]) for f in contract.features]
    fields.append((bundle.PREDICTION_COLUMN, target_type(contract)))
    if contract.task is Task.CLASSIFICATION:
        fields.append((bundle.PROBABILITY_COLUMN, pa.float64()))
    return pa.schema(fields)


def target_type(contract: Contract) -> pa.DataType:
    """Return the type of prediction and target: float64 for a regression, else that of the labels."""
    if contract.task is Task.REGRESSION:
        return pa.float64()
    labels = contract.target.labels or []
    return pa.int64() if labels and all(isinstance(label, int) for label in labels) else pa.string()


def read(
    s3: "S3Client", bucket: str, objects: Sequence[Object], contract: Contract, errors: ReadErrors
) -> Iterator[pa.Table]:
    """Yield the events in batches, in the order of `objects`.

    Duplicates and events of other model versions are included; features that those lack are null.
    What can't be read is added to `errors`, never raised; rows before a fault in an object are kept.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Spool(Path(folder))) as spool,
    ):
        parser = _Parser(contract, errors)
        for item, body in open_objects(s3, bucket, objects):
            if isinstance(body, ObjectError):
                errors.unreadable.append(Unreadable(item.key, str(body), body.lasting))
                continue
            try:
                for source in spool.add(item, body):
                    yield from parser.parse(source)
            except ObjectError as error:
                errors.unreadable.append(Unreadable(item.key, str(error), error.lasting))
        if (rest := spool.take()) is not None:
            yield from parser.parse(rest)


class Deduplicator:
    """Drops records that were read before, at 8 bytes per record."""

    def __init__(self, known: Iterable[np.ndarray[Any, Any]] = ()) -> None:
        self._sorted = np.unique(np.concatenate([np.empty(0, np.uint64), *known]))

    def drop(self, table: pa.Table) -> pa.Table:
        """Return the first row of each record in `table` that was not read before."""
        identities = table.column(IDENTITY).to_numpy()
        unique, first = np.unique(identities, return_index=True)
        fresh = ~_contains(self._sorted, unique)
        rows = np.sort(first[fresh])
        self._sorted = np.sort(np.concatenate([self._sorted, unique[fresh]]))
        return table if len(rows) == len(table) else table.take(pa.array(rows))


def _contains(ordered: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not len(ordered):
        return np.zeros(len(values), bool)
    nearest: np.ndarray[Any, Any] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)]
    return np.asarray(nearest == values)


class _Parser:
    """Parses a file into tables, by one SQL statement over the contract's columns."""

    def __init__(self, contract: Contract, errors: ReadErrors) -> None:
        self._errors = errors
        self._schema = schema(contract)
        self._select, self._columns = _statement(contract, self._schema)

    def parse(self, source: Source) -> Iterator[pa.Table]:
        """Yield the rows of `source`; of a joined file that can't be parsed, those of each object."""
        bad: Counter[str] = Counter()
        try:
            tables = list(self._tables(source, bad))
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            if len(source.keys) > 1:
                for half in source.halves():
                    yield from self.parse(half)
            else:
                self._errors.unreadable.append(Unreadable(source.keys[0], texts.reason(error)))
            return
        self._errors.bad_lines += bad
        yield from tables

    def _tables(self, source: Source, bad: "Counter[str]") -> Iterator[pa.Table]:
        """Yield the valid rows, and count in `bad` the others of each object."""
        path = duckdb_sql.text(str(source.path))
        if source.parquet:
            _check_rows(source.path)
            # The column of marks is empty in a file that wasn't joined.
            relation, mark = f"read_parquet({path})", "CAST(NULL AS BIGINT)"
        else:
            relation = (
                f"read_json({path}, format='newline_delimited', ignore_errors=true, "
                f"maximum_object_size={lines.LINE_BYTES}, columns={self._columns})"
            )
            mark = _mark(source.token)
        query = f"{self._select}, {mark} AS {duckdb_sql.name(MARK)} FROM {relation}"
        number = source.first
        for batch in duckdb_sql.engine().sql(query).to_arrow_reader(_ROWS):
            table = pa.Table.from_batches([batch])
            marks = table.column(MARK).fill_null(number).to_numpy()
            # Marks ascend: the largest so far is the number of the object that a row is of.
            numbers = np.maximum.accumulate(np.maximum(marks, number))
            valid = pc.is_valid(table.column(_HASH))
            other = np.asarray(pc.invert(pc.or_(valid, pc.is_valid(table.column(MARK)))))
            for place, count in zip(*np.unique(numbers[other], return_counts=True), strict=True):
                bad[source.keys[place - source.first]] += int(count)
            number = int(numbers[-1]) if len(numbers) else number
            yield self._rows(table.filter(valid))

    def _rows(self, table: pa.Table) -> pa.Table:
        columns = [
            pa.array(_identities(table.column(_HASH)))
            if field.name == IDENTITY
            # A time may have microseconds: events have milliseconds.
            else table.column(field.name).cast(field.type, safe=field.name != ARRIVED)
            for field in self._schema
        ]
        return pa.Table.from_arrays(columns, schema=self._schema)


def _check_rows(path: Path) -> None:
    """Raise OSError if a Parquet file has more rows or bytes than are read."""
    with pq.ParquetFile(path) as file:
        groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        if size > OBJECT_BYTES or file.metadata.num_rows > PARQUET_ROWS:
            raise OSError(
                f"it has {file.metadata.num_rows:,} rows of {size >> 20:,} MiB; "
                f"the limits are {PARQUET_ROWS:,} rows and {OBJECT_BYTES >> 20:,} MiB"
            )


def _identities(hashes: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    # DuckDB reads the first bytes of the digest in the opposite byte order.
    return np.asarray(hashes.to_numpy(), dtype=np.uint64).byteswap()


def _mark(token: str) -> str:
    """Return the number of the object that a line marks the start of, null in other lines."""
    mark = duckdb_sql.name(MARK)
    prefix = f"{token}:"
    return (
        f"CASE WHEN starts_with({mark}, {duckdb_sql.text(prefix)}) "
        f"THEN TRY_CAST(substr({mark}, {len(prefix) + 1}) AS BIGINT) END"
    )


def _statement(contract: Contract, columns: pa.Schema) -> tuple[str, str]:
    """Return the SELECT list and read_json's columns.

    The hash is MD5 of shard and sequence number: the same in every engine and version, so that it can
    be stored and also computed by Athena. A row without one is not a prediction event. Texts are bounded,
    and values of another type, which Parquet may hold, are null.
    """
    kind = _SQL_OF_ARROW[target_type(contract)]
    prediction = {contract.target.name: kind}
    arrived = "TRY_CAST(record.arrived_at AS TIMESTAMPTZ)"
    values = {
        ID: f"CAST({duckdb_sql.name(contract.id_field)} AS VARCHAR)",
        VERSION: "CAST(model.version AS VARCHAR)",
        **{f.name: f"features.{duckdb_sql.name(f.name)}" for f in contract.features},
        bundle.PREDICTION_COLUMN: f"prediction.{duckdb_sql.name(contract.target.name)}",
    }
    if contract.task is Task.CLASSIFICATION:
        prediction["probability"] = "DOUBLE"
        values[bundle.PROBABILITY_COLUMN] = "prediction.probability"
    select = [
        f"CASE WHEN {arrived} >= {_sql_time(FIRST)} AND {arrived} < {_sql_time(LAST)} "
        f"AND model.version IS NOT NULL "
        "THEN md5_number_upper(CAST(record.shard AS VARCHAR) || '/' || "
        f"CAST(record.sequence_number AS VARCHAR)) END AS {duckdb_sql.name(_HASH)}",
        f"{arrived} AS {duckdb_sql.name(ARRIVED)}",
        *(
            f"{_typed(value, columns.field(name).type)} AS {duckdb_sql.name(name)}"
            for name, value in values.items()
        ),
    ]
    fields = {
        contract.id_field: "VARCHAR",
        "features": duckdb_sql.struct({f.name: _SQL_TYPES[f.dtype] for f in contract.features}),
        "prediction": duckdb_sql.struct(prediction),
        "model": duckdb_sql.struct({"version": "VARCHAR"}),
        "record": duckdb_sql.struct(dict.fromkeys(("shard", "sequence_number", "arrived_at"), "VARCHAR")),
        MARK: "VARCHAR",
    }
    listed = ", ".join(f"{duckdb_sql.text(name)}: {duckdb_sql.text(kind)}" for name, kind in fields.items())
    return f"SELECT {', '.join(select)}", f"{{{listed}}}"


def _typed(value: str, kind: pa.DataType) -> str:
    converted = f"TRY_CAST({value} AS {_SQL_OF_ARROW[kind]})"
    return texts.bounded_sql(converted) if kind == pa.string() else converted


def _sql_time(moment: datetime) -> str:
    return f"TIMESTAMPTZ {duckdb_sql.text(moment.isoformat())}"
