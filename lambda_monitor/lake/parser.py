"""Parse files on disk into tables, one SQL statement for each."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lambda_monitor.lake import duckdb_sql, lines, texts
from lambda_monitor.lake.batches import MARK, Kind, Source, Spool
from lambda_monitor.lake.objects import OBJECT_BYTES, Object, ObjectError, Unreadable, open_objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Rows of the largest Parquet file that is read, and rows that are converted at a time.
PARQUET_ROWS = 20_000_000
_ROWS = 1 << 17


class ReadErrors(msgspec.Struct, kw_only=True):
    """Objects that could not be read, and the number of lines without a valid row by object."""

    unreadable: list[Unreadable] = []
    bad_lines: Counter[str] = msgspec.field(default_factory=Counter)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is read: fields of JSON lines by type, the SELECT list over them, and the column of valid rows.

    Rows in which `valid` is null are bad lines. `convert` makes the result of the others.
    """

    fields: dict[str, str]
    select: list[str]
    valid: str
    convert: Callable[[pa.Table], pa.Table]


def read(
    s3: "S3Client",
    bucket: str,
    objects: Sequence[Object],
    statement: Statement,
    errors: ReadErrors,
    *,
    loose: bool = False,
) -> Iterator[pa.Table]:
    """Yield the rows of `objects` in order, in batches; what can't be read is added to `errors`.

    With `loose`, files may be CSV and lines may hold several JSON objects.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Spool(Path(folder), loose=loose)) as spool,
    ):
        parser = Parser(statement, errors)
        for item, body in open_objects(s3, bucket, objects):
            try:
                for source in spool.add(item, body):
                    yield from parser.parse(source)
            except ObjectError as error:
                errors.unreadable.append(Unreadable(item.key, str(error), error.lasting))
        if (rest := spool.take()) is not None:
            yield from parser.parse(rest)


class Parser:
    """Parses files by one statement, and adds what can't be parsed to `errors`."""

    def __init__(self, statement: Statement, errors: ReadErrors) -> None:
        self._statement = statement
        self._errors = errors

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
        number = source.first
        for batch in duckdb_sql.engine().sql(self._query(source)).to_arrow_reader(_ROWS):
            table = pa.Table.from_batches([batch])
            marks = table.column(MARK).fill_null(number).to_numpy()
            # Marks ascend: the largest so far is the number of the object that a row is of.
            numbers = np.maximum.accumulate(np.maximum(marks, number))
            valid = pc.is_valid(table.column(self._statement.valid))
            other = np.asarray(pc.invert(pc.or_(valid, pc.is_valid(table.column(MARK)))))
            for place, count in zip(*np.unique(numbers[other], return_counts=True), strict=True):
                bad[source.keys[place - source.first]] += int(count)
            number = int(numbers[-1]) if len(numbers) else number
            yield self._statement.convert(table.filter(valid))

    def _query(self, source: Source) -> str:
        path = duckdb_sql.text(str(source.path))
        # A file that wasn't joined has no marks.
        mark = "CAST(NULL AS BIGINT)"
        if source.kind is Kind.PARQUET:
            _check_rows(source.path)
            relation = f"read_parquet({path})"
        elif source.kind is Kind.CSV:
            relation = f"read_csv({path}, all_varchar=true)"
        else:
            mark = _mark(source.token)
            fields = {**self._statement.fields, MARK: "VARCHAR"}
            listed = ", ".join(
                f"{duckdb_sql.text(name)}: {duckdb_sql.text(kind)}" for name, kind in fields.items()
            )
            relation = (
                f"read_json({path}, format='newline_delimited', ignore_errors=true, "
                f"maximum_object_size={lines.LINE_BYTES}, columns={{{listed}}})"
            )
        columns = ", ".join([*self._statement.select, f"{mark} AS {duckdb_sql.name(MARK)}"])
        return f"SELECT {columns} FROM {relation}"  # noqa: S608  # names of the contract and paths, quoted


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


def _mark(token: str) -> str:
    """Return the number of the object that a line marks the start of, null in other lines."""
    mark = duckdb_sql.name(MARK)
    prefix = f"{token}:"
    return (
        f"CASE WHEN starts_with({mark}, {duckdb_sql.text(prefix)}) "
        f"THEN TRY_CAST(substr({mark}, {len(prefix) + 1}) AS BIGINT) END"
    )
