"""Ground truth labels by record id.

Lines of the ground truth stream lie in hour partitions; files may also be dropped anywhere else under
`ground_truth/` as JSON lines, CSV or Parquet with the contract's id and target as fields or columns.
Of several labels of one record the last to arrive is used. Labels are ordered by arrival (the hour of
the partition or, for a dropped file, when it was put there), then by object key, then by line.
"""

import hashlib
import io
import itertools
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, layout
from contract.schema import Contract, StoredStruct
from lambda_monitor.lake import duckdb_sql, events, parser, texts
from lambda_monitor.lake.cache import Cache
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.objects import Object, Unreadable, list_objects
from lambda_monitor.lake.parser import ReadErrors, Statement

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TARGET = bundle.TARGET_COLUMN
_METADATA = b"scorewatch"
_VALID = "@valid"


# Folders of the ground truth stream, from the year to the day, and those of an hour.
_LEVELS = tuple(re.compile(pattern) for pattern in (r"year=\d{4}/", r"month=\d{2}/", r"day=\d{2}/"))
_HOUR = re.compile(r".*/year=\d{4}/month=\d{2}/day=\d{2}/hour=\d{2}/")


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """One label per id: columns id and target. `conflicts` counts ids with different targets.

    `lines` counts all lines, also bad ones; `bytes` and `unreadable_bytes` are stored sizes.
    """

    table: pa.Table
    conflicts: int
    bad_lines: int
    unreadable: list[Unreadable]
    lines: int = 0
    bytes: int = 0
    unreadable_bytes: int = 0


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
    """Reads labels; those of a partition or dropped file are cached until it changes."""

    def __init__(self, s3: "S3Client", bucket: str, contract: Contract, cache: Cache) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._contract = contract
        self._cache = cache
        self._schema = pa.schema([(ID, pa.string()), (TARGET, events.target_type(contract))])
        self._statement = _statement(contract, self._schema)

    def read(self, start: datetime, until: datetime) -> Labels:
        """Return the labels that arrived from `start` on; streamed ones only before `until`.

        A record is never labelled before it arrived, so that the labels of a window start with it.
        """
        streamed, dropped = self._listed(start, until)
        groups = [
            (hour, self._cached(layout.hour_prefix("labels", hour) + "labels.parquet", objects))
            for hour, objects in streamed.items()
        ]
        groups += [(item.modified, self._cached(_dropped_name(item), [item])) for item in dropped]
        ordered = [group for _, group in sorted(groups, key=lambda entry: entry[0])]
        table, conflicts = _last(pa.concat_tables([self._schema.empty_table(), *(g.table for g in ordered)]))
        unreadable = sorted(u for group in ordered for u in group.unreadable)
        sizes = {o.key: o.size for o in itertools.chain(dropped, *streamed.values())}
        return Labels(
            table=table,
            conflicts=conflicts,
            lines=sum(len(group.table) + group.bad_lines for group in ordered),
            bad_lines=sum(group.bad_lines for group in ordered),
            unreadable=unreadable,
            bytes=sum(sizes.values()),
            unreadable_bytes=sum(sizes[key] for key in {u.key for u in unreadable}),
        )

    def _listed(self, start: datetime, until: datetime) -> tuple[dict[datetime, list[Object]], list[Object]]:
        """Return the streamed objects by hour, and the dropped ones in order of time.

        Each day of the range is listed. A file in the folder of another day is found only if that day is
        not of the form in which Firehose writes it.
        """
        hours = {layout.hour_prefix(layout.GROUND_TRUTH, h): h for h in layout.hours_between(start, until)}
        days = list(dict.fromkeys(prefix[: prefix[:-1].rindex("/") + 1] for prefix in hours))
        streamed: dict[datetime, list[Object]] = {}
        dropped = self._outside_days(f"{layout.GROUND_TRUTH}/", depth=0)
        for day in days:
            for item in list_objects(self._s3, self._bucket, day):
                folder = item.key[: item.key.rindex("/") + 1]
                if folder in hours:
                    streamed.setdefault(hours[folder], []).append(item)
                elif not _HOUR.fullmatch(folder):
                    dropped.append(item)
        newer = (o for o in dropped if o.modified >= start)
        return dict(sorted(streamed.items())), sorted(newer, key=lambda o: (o.modified, o.key))

    def _outside_days(self, folder: str, depth: int) -> list[Object]:
        """Return the objects of `folder`, at that depth of _LEVELS, outside the days of the stream."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=folder, Delimiter="/"
        )
        inner = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        found = list_objects(self._s3, self._bucket, folder, deep=False)
        for name in inner:
            if not _LEVELS[depth].fullmatch(name[len(folder) :]):
                found += list_objects(self._s3, self._bucket, name)
            elif depth + 1 < len(_LEVELS):
                found += self._outside_days(name, depth + 1)
        return found

    def _cached(self, name: str, objects: list[Object]) -> _Group:
        """Return the labels of objects that arrived together, from the cache if they are unchanged."""
        tags = {o.key: o.etag for o in objects}
        if (cached := _decoded(self._cache.get(name), tags)) is not None:
            return cached
        group = self._group(objects)
        if all(u.lasting for u in group.unreadable):
            self._cache.put(name, _parquet(group, tags))
        return group

    def _group(self, objects: Sequence[Object]) -> _Group:
        errors = ReadErrors()
        read = parser.read(self._s3, self._bucket, objects, self._statement, errors, loose=True)
        return _Group(
            table=pa.concat_tables([self._schema.empty_table(), *(_distinct(table) for table in read)]),
            bad_lines=errors.bad_lines.total(),
            unreadable=errors.unreadable,
        )


def _statement(contract: Contract, schema: pa.Schema) -> Statement:
    """Return what is read of labels: rows with an id and a target of the contract's type."""
    identifier, target = duckdb_sql.name(contract.id_field), duckdb_sql.name(contract.target.name)
    value = events.typed(target, schema.field(TARGET).type)
    valid = f"{identifier} IS NOT NULL AND {value} IS NOT NULL"
    if schema.field(TARGET).type == pa.float64():
        valid = f"{identifier} IS NOT NULL AND isfinite({value})"
    return Statement(
        fields={contract.id_field: "VARCHAR", contract.target.name: "VARCHAR"},
        select=[
            f"{texts.bounded_sql(f'CAST({identifier} AS VARCHAR)')} AS {duckdb_sql.name(ID)}",
            f"{value} AS {duckdb_sql.name(TARGET)}",
            f"CASE WHEN {valid} THEN 1 END AS {duckdb_sql.name(_VALID)}",
        ],
        valid=_VALID,
        convert=lambda table: table.select(schema.names).cast(schema),
    )


def _distinct(table: pa.Table) -> pa.Table:
    """Return the last row of each label in `table`, in order, so that repetitions take no memory."""
    numbered = table.append_column("seq", pa.array(np.arange(len(table))))
    last = numbered.group_by([ID, TARGET]).aggregate([("seq", "max")]).sort_by("seq_max")
    return last.select(table.schema.names)


def _dropped_name(item: Object) -> str:
    digest = hashlib.sha256(item.key.encode()).hexdigest()[:32]
    return f"labels/dropped/{digest}.parquet"


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


def _decoded(data: bytes | None, tags: dict[str, str]) -> _Group | None:
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
