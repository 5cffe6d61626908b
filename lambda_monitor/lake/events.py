"""Prediction events as the columns that monitoring needs, in batches of bounded size."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract import bundle
from contract.schema import Contract, DType, Task
from lambda_monitor.lake import batches, duckdb_sql
from lambda_monitor.lake.batches import Source, Spool
from lambda_monitor.lake.objects import Object, ObjectError, Unreadable, open_objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Columns of each row besides features, prediction and probability; no feature has such a name.
ID = "@id"
IDENTITY = "@identity"
ARRIVED = "@arrived_at"
VERSION = "@version"
_HASH = "@hash"

_SQL_TYPES = {DType.INT: "BIGINT", DType.FLOAT: "DOUBLE", DType.STR: "VARCHAR"}
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
    """Parses a file into a table, by one SQL statement over the contract's columns."""

    def __init__(self, contract: Contract, errors: ReadErrors) -> None:
        self._errors = errors
        self._schema = schema(contract)
        self._select, self._columns = _statement(contract)

    def parse(self, source: Source) -> Iterator[pa.Table]:
        """Yield the rows of `source` (one table, or none)."""
        if source.parquet:
            relation = f"read_parquet({duckdb_sql.text(str(source.path))})"
        else:
            relation = (
                f"read_json({duckdb_sql.text(str(source.path))}, format='newline_delimited', "
                f"ignore_errors=true, "
                f"maximum_object_size={batches.LINE_BYTES}, columns={self._columns})"
            )
        try:
            table = duckdb_sql.engine().sql(f"{self._select} FROM {relation}").to_arrow_table()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            self._errors.unreadable.extend(Unreadable(key, reason) for key in source.keys)
            return
        yield self._rows(table, source)

    def _rows(self, table: pa.Table, source: Source) -> pa.Table:
        valid = table.filter(pc.is_valid(table.column(_HASH)))
        if bad := len(table) - len(valid):
            self._errors.bad_lines[" ".join(source.keys[:3])] += bad
        identity = pa.array(_identities(valid.column(_HASH)))
        columns = [
            identity if field.name == IDENTITY else valid.column(field.name).cast(field.type)
            for field in self._schema
        ]
        return pa.Table.from_arrays(columns, schema=self._schema)


def _identities(hashes: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    # DuckDB reads the first bytes of the digest in the opposite byte order.
    return np.asarray(hashes.to_numpy(), dtype=np.uint64).byteswap()


def _statement(contract: Contract) -> tuple[str, str]:
    """Return the SELECT list and read_json's columns.

    The hash is MD5 of shard and sequence number: the same in every engine and version, so that it can
    be stored and also computed by Athena. A row without one is not a prediction event.
    """
    target = duckdb_sql.name(contract.target.name)
    kind = {pa.float64(): "DOUBLE", pa.int64(): "BIGINT"}.get(target_type(contract), "VARCHAR")
    prediction = {contract.target.name: kind}
    select = [
        f"CAST({duckdb_sql.name(contract.id_field)} AS VARCHAR) AS {duckdb_sql.name(ID)}",
        f"CASE WHEN TRY_CAST(record.arrived_at AS TIMESTAMPTZ) IS NOT NULL AND model.version IS NOT NULL "
        "THEN md5_number_upper(record.shard || '/' || record.sequence_number) END "
        f"AS {duckdb_sql.name(_HASH)}",
        f"TRY_CAST(record.arrived_at AS TIMESTAMPTZ) AS {duckdb_sql.name(ARRIVED)}",
        f"model.version AS {duckdb_sql.name(VERSION)}",
        *(f"features.{duckdb_sql.name(f.name)} AS {duckdb_sql.name(f.name)}" for f in contract.features),
        f"prediction.{target} AS {bundle.PREDICTION_COLUMN}",
    ]
    if contract.task is Task.CLASSIFICATION:
        prediction["probability"] = "DOUBLE"
        select.append(f"prediction.probability AS {bundle.PROBABILITY_COLUMN}")
    columns = {
        contract.id_field: "VARCHAR",
        "features": duckdb_sql.struct({f.name: _SQL_TYPES[f.dtype] for f in contract.features}),
        "prediction": duckdb_sql.struct(prediction),
        "model": duckdb_sql.struct({"version": "VARCHAR"}),
        "record": duckdb_sql.struct(dict.fromkeys(("shard", "sequence_number", "arrived_at"), "VARCHAR")),
    }
    listed = ", ".join(f"{duckdb_sql.text(name)}: {duckdb_sql.text(kind)}" for name, kind in columns.items())
    return f"SELECT {', '.join(select)}", f"{{{listed}}}"
