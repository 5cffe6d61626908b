"""Prediction events of the lake as columns: only those the monitor needs, in batches of bounded size."""

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

# Beside the features, prediction and probability, each row has these; no feature is named so.
ID = "@id"
IDENTITY = "@identity"
ARRIVED = "@arrived_at"
VERSION = "@version"
_HASH = "@hash"

_SQL_TYPES = {DType.INT: "BIGINT", DType.FLOAT: "DOUBLE", DType.STR: "VARCHAR"}
_ARROW_TYPES = {DType.INT: pa.int64(), DType.FLOAT: pa.float64(), DType.STR: pa.string()}


class ReadErrors(msgspec.Struct, kw_only=True):
    """What was met while reading, beside the rows themselves."""

    unreadable: list[Unreadable] = []
    bad_lines: Counter[str] = msgspec.field(default_factory=Counter)


def schema(contract: Contract) -> pa.Schema:
    """Return the columns of a batch: id, identity, arrival, version, features, prediction, probability."""
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
    s3: "S3Client", bucket: str, objects: Sequence[Object], contract: Contract, tally: ReadErrors
) -> Iterator[pa.Table]:
    """Yield the events in batches, in the order of `objects`, duplicates and other versions' included.

    Features that another model version's events lack are null. What can't be read is told to
    `tally`, never raised; rows before a fault in an object are kept.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Spool(Path(folder))) as gathered,
    ):
        parser = _Parser(contract, tally)
        for item, body in open_objects(s3, bucket, objects):
            if isinstance(body, ObjectError):
                tally.unreadable.append(Unreadable(item.key, str(body), body.lasting))
                continue
            try:
                for source in gathered.add(item, body):
                    yield from parser.parse(source)
            except ObjectError as error:
                tally.unreadable.append(Unreadable(item.key, str(error), error.lasting))
        if (rest := gathered.take()) is not None:
            yield from parser.parse(rest)


class Deduplicator:
    """Identities met so far: 8 bytes a record, the only thing kept of rows that were read."""

    def __init__(self, known: Iterable[np.ndarray[Any, Any]] = ()) -> None:
        self._sorted = np.unique(np.concatenate([np.empty(0, np.uint64), *known]))

    def drop(self, table: pa.Table) -> pa.Table:
        """Return `table` without the records that were met before, keeping each one's first row."""
        identities = table.column(IDENTITY).to_numpy()
        unique, first = np.unique(identities, return_index=True)
        fresh = ~_contains(self._sorted, unique)
        kept = np.sort(first[fresh])
        self._sorted = np.sort(np.concatenate([self._sorted, unique[fresh]]))
        return table if len(kept) == len(table) else table.take(pa.array(kept))


def _contains(ordered: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not len(ordered):
        return np.zeros(len(values), bool)
    found: np.ndarray[Any, Any] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)]
    return np.asarray(found == values)


class _Parser:
    """Turns a file of lines into a table, by one SQL statement over the contract's columns."""

    def __init__(self, contract: Contract, tally: ReadErrors) -> None:
        self._tally = tally
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
            self._tally.unreadable.extend(Unreadable(key, reason) for key in source.keys)
            return
        yield self._rows(table, source)

    def _rows(self, table: pa.Table, source: Source) -> pa.Table:
        whole = table.filter(pc.is_valid(table.column(_HASH)))
        if bad := len(table) - len(whole):
            self._tally.bad_lines[" ".join(source.keys[:3])] += bad
        identity = pa.array(_identities(whole.column(_HASH)))
        columns = [
            identity if field.name == IDENTITY else whole.column(field.name).cast(field.type)
            for field in self._schema
        ]
        return pa.Table.from_arrays(columns, schema=self._schema)


def _identities(hashes: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    # DuckDB reads the digest's first bytes as a number the other way round.
    return np.asarray(hashes.to_numpy(), dtype=np.uint64).byteswap()


def _statement(contract: Contract) -> tuple[str, str]:
    """Return the SELECT list and read_json's columns.

    The hash is MD5 of shard and sequence number: stable across engines and versions, so that it may
    be stored and also computed by Athena. A row without one is no prediction event.
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
