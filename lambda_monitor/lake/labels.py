"""Ground truth labels by record id.

Lines of the ground truth stream lie in hour partitions; files may also be dropped anywhere else under
`ground_truth/` as JSON lines, CSV or Parquet with the contract's id and target as fields or columns.
Of several labels of one record the last to arrive is used. Labels are ordered by arrival (the hour of
the partition or, for a dropped file, when it was put there), then by object key, then by line.
"""

import io
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, layout
from contract.schema import Contract, StoredStruct
from lambda_monitor.lake import duckdb_sql, events
from lambda_monitor.lake.cache import Cache
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.lines import LINE_BYTES
from lambda_monitor.lake.objects import (
    PARQUET,
    Object,
    ObjectError,
    Unreadable,
    list_objects,
    open_objects,
    unpacked,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TARGET = bundle.TARGET_COLUMN
_METADATA = b"scorewatch"
_JOINED = re.compile(rb"\}[ \t]*\{")
_SPACE = re.compile(r"\s*")


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """One label per id: columns id and target. `conflicts` counts ids with different targets."""

    table: pa.Table
    conflicts: int
    bad_lines: int
    unreadable: list[Unreadable]


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    """Labels that arrived together, in order, and what of their objects could not be read."""

    table: pa.Table
    bad_lines: int
    unreadable: list[Unreadable]


class _Facts(StoredStruct, frozen=True, kw_only=True):
    """Metadata of a cached file: its objects with their entity tags, and what could not be read."""

    objects: dict[str, str]
    bad_lines: int
    unreadable: list[Unreadable]


class Reader:
    """Reads labels; those of a partition are cached as Parquet until its objects change."""

    def __init__(self, s3: "S3Client", bucket: str, contract: Contract, cache: Cache) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._cache = cache
        self._schema = pa.schema([(ID, pa.string()), (TARGET, events.target_type(contract))])

    def read(self, start: datetime, until: datetime) -> Labels:
        """Return the labels that arrived from `start` on; streamed ones only before `until`.

        A record is never labelled before it arrived, so that the labels of a window start with it.
        """
        hours = layout.hours_between(start, until)
        listed = self._streamed(start, until)
        groups = [(hour, self._partition(hour, listed[hour])) for hour in hours if hour in listed]
        groups += [(item.modified, self._group([item])) for item in self._dropped(start)]
        ordered = [group for _, group in sorted(groups, key=lambda entry: entry[0])]
        table, conflicts = _last(pa.concat_tables([self._schema.empty_table(), *(g.table for g in ordered)]))
        return Labels(
            table=table,
            conflicts=conflicts,
            bad_lines=sum(group.bad_lines for group in ordered),
            unreadable=sorted(u for group in ordered for u in group.unreadable),
        )

    def _streamed(self, start: datetime, until: datetime) -> dict[datetime, list[Object]]:
        """Return the objects of each partition that has any, listed one day at a time."""
        hours = {layout.hour_prefix(layout.GROUND_TRUTH, h): h for h in layout.hours_between(start, until)}
        found: dict[datetime, list[Object]] = {}
        for day in dict.fromkeys(prefix[: prefix[:-1].rindex("/") + 1] for prefix in hours):
            for item in list_objects(self._s3, self._bucket, day):
                if (hour := hours.get(item.key[: item.key.rindex("/") + 1])) is not None:
                    found.setdefault(hour, []).append(item)
        return found

    def _partition(self, hour: datetime, objects: list[Object]) -> _Group:
        name = layout.hour_prefix("labels", hour) + "labels.parquet"
        tags = {o.key: o.etag for o in objects}
        if (cached := _cached(self._cache.get(name), tags)) is not None:
            return cached
        group = self._group(objects)
        if all(u.lasting for u in group.unreadable):
            self._cache.put(name, _parquet(group, tags))
        return group

    def _dropped(self, start: datetime) -> list[Object]:
        root = f"{layout.GROUND_TRUTH}/"
        streamed = f"{root}year="
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=root, Delimiter="/"
        )
        folders = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        found = list_objects(self._s3, self._bucket, root, deep=False)
        for folder in folders:
            if not folder.startswith(streamed):
                found += list_objects(self._s3, self._bucket, folder)
        return sorted((o for o in found if o.modified >= start), key=lambda o: (o.modified, o.key))

    def _group(self, objects: Sequence[Object]) -> _Group:
        unreadable: list[Unreadable] = []
        tables = [self._schema.empty_table()]
        bad_lines = 0
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "labels")
            for keys, relation in self._files(objects, path, unreadable):
                try:
                    table = duckdb_sql.engine().sql(f"{self._select()} FROM {relation}").to_arrow_table()
                except duckdb.Error as error:
                    reason = str(error).splitlines()[0]
                    unreadable.extend(Unreadable(key, reason) for key in keys)
                    continue
                valid = table.drop_null()
                bad_lines += len(table) - len(valid)
                tables.append(valid.cast(self._schema))
        return _Group(table=pa.concat_tables(tables), bad_lines=bad_lines, unreadable=unreadable)

    def _files(
        self, objects: Sequence[Object], path: Path, unreadable: list[Unreadable]
    ) -> Iterator[tuple[list[str], str]]:
        """Write the objects to disk, JSON lines together, and yield each file as a relation."""
        keys: list[str] = []
        with path.open("wb") as lines:
            for item, body in open_objects(self._s3, self._bucket, objects):
                try:
                    kind, data = _sniffed(body)
                    if kind == "json":
                        keys.append(item.key)
                        lines.writelines(_lines(data))
                        continue
                except ObjectError as error:
                    unreadable.append(Unreadable(item.key, str(error), error.lasting))
                    continue
                single = path.with_name("single")
                single.write_bytes(data)
                reader = "read_parquet({})" if kind == "parquet" else "read_csv({}, all_varchar=true)"
                yield [item.key], reader.format(duckdb_sql.text(str(single)))
        if keys:
            columns = {self._contract.id_field: "VARCHAR", self._contract.target.name: "VARCHAR"}
            listed = ", ".join(
                f"{duckdb_sql.text(name)}: {duckdb_sql.text(kind)}" for name, kind in columns.items()
            )
            yield (
                keys,
                f"read_json({duckdb_sql.text(str(path))}, format='newline_delimited', ignore_errors=true, "
                f"maximum_object_size={LINE_BYTES}, columns={{{listed}}})",
            )

    def _select(self) -> str:
        kind = {pa.float64(): "DOUBLE", pa.int64(): "BIGINT"}.get(self._schema.field(TARGET).type, "VARCHAR")
        target = f"TRY_CAST({duckdb_sql.name(self._contract.target.name)} AS {kind})"
        if kind == "DOUBLE":
            target = f"CASE WHEN isfinite({target}) THEN {target} END"
        return (
            f"SELECT CAST({duckdb_sql.name(self._contract.id_field)} AS VARCHAR) AS {duckdb_sql.name(ID)}, "
            f"{target} AS {duckdb_sql.name(TARGET)}"
        )


def _sniffed(body: BinaryIO | ObjectError) -> tuple[str, bytes]:
    if isinstance(body, ObjectError):
        raise body
    magic, chunks = unpacked(body)
    data = b"".join(chunks)
    if magic == PARQUET:
        return "parquet", data
    return ("json" if data.lstrip()[:1] == b"{" else "csv"), data


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield JSON lines of one object each; `data` may have objects joined without a newline."""
    if not _JOINED.search(data):
        yield data if data.endswith(b"\n") else data + b"\n"
        return
    for line in data.splitlines():
        for part in _objects(line) if _JOINED.search(line) else (line,):
            yield part + b"\n"


def _objects(line: bytes) -> Iterator[bytes]:
    """Yield the JSON objects of `line`, and the rest from the first damaged one on."""
    text = line.decode(errors="surrogateescape")
    decoder, end = json.JSONDecoder(), 0
    while (start := _SPACE.match(text, end).end()) < len(text):  # type: ignore[union-attr]  # matches nothing, too
        try:
            _, end = decoder.raw_decode(text, start)
        except ValueError:
            end = len(text)
        yield text[start:end].encode(errors="surrogateescape")


def _last(table: pa.Table) -> tuple[pa.Table, int]:
    """Return the last row of each id, ordered by id, and how many ids have different targets."""
    identifier, target = duckdb_sql.name(ID), duckdb_sql.name(TARGET)
    numbered = table.append_column("seq", pa.array(range(len(table)), pa.int64()))
    last = f"{identifier}, arg_max({target}, seq) AS {target}, count(DISTINCT {target}) AS targets"
    relation = duckdb_sql.engine().from_arrow(numbered).aggregate(last, identifier).order(identifier)
    grouped = relation.to_arrow_table()
    conflicts = sum(count > 1 for count in grouped.column("targets").to_pylist())
    return grouped.select([ID, TARGET]).cast(table.schema), conflicts


def _parquet(group: _Group, tags: dict[str, str]) -> io.BytesIO:
    facts = _Facts(objects=tags, bad_lines=group.bad_lines, unreadable=group.unreadable)
    buffer = io.BytesIO()
    table = group.table.replace_schema_metadata({_METADATA: msgspec.json.encode(facts)})
    pq.write_table(table, buffer, compression="zstd")
    buffer.seek(0)
    return buffer


def _cached(data: bytes | None, tags: dict[str, str]) -> _Group | None:
    """Return the cached labels of a partition, None if its objects have changed or the file is damaged."""
    if data is None:
        return None
    try:
        table = pq.read_table(io.BytesIO(data))
        facts = msgspec.json.decode(table.schema.metadata[_METADATA], type=_Facts)
    except (pa.ArrowException, OSError, TypeError, KeyError, msgspec.DecodeError):
        return None
    if facts.objects != tags or table.column_names != [ID, TARGET]:
        return None
    return _Group(
        table=table.replace_schema_metadata(None), bad_lines=facts.bad_lines, unreadable=facts.unreadable
    )
