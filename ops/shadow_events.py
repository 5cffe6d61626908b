"""What the live model and the one in shadow did with each record, from the lake."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from contract import lake, layout
from contract.lake import DamagedError, LakeReader
from contract.schema import Contract, Task
from contract.timestamps import parse_timestamp
from lambda_monitor.lake import texts
from lambda_predict import identity

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# (shard, sequence number): the permanent identity of a record.
Reference = tuple[str, str]


class Scored(NamedTuple):
    """One prediction event: id as text, number or class, arrival and scoring in seconds since 1970."""

    record_id: str
    prediction: float | str
    arrived: float
    scored: float


@dataclass
class Side:
    """Events and rejections of one model version by record; of several of one record the first counts."""

    version: str
    contract: Contract
    scored: dict[Reference, Scored] = field(default_factory=dict)
    rejected: dict[Reference, str] = field(default_factory=dict)
    arrivals: dict[Reference, float] = field(default_factory=dict)
    # Events of other versions and of records that came by HTTP, which no shadow receives.
    others: int = 0
    damaged: int = 0


class _Record(msgspec.Struct):
    shard: str
    sequence_number: str
    arrived_at: str


class _Model(msgspec.Struct):
    version: str


def _line_type(contract: Contract) -> type[msgspec.Struct]:
    """Return the fields that are read of an event, or of a rejection, which has a reason."""
    fields: list[Any] = [
        ("record", _Record),
        ("model", _Model),
        ("record_id", str | int, ""),
        ("prediction", dict[str, Any], msgspec.field(default_factory=dict)),
        ("scored_at", str, ""),
        ("reason", str, ""),
    ]
    return msgspec.defstruct("Line", fields, rename={"record_id": contract.id_field})


def read(
    s3: "S3Client", bucket: str, sides: tuple[Side, Side], start: datetime, end: datetime
) -> tuple[Side, Side]:
    """Fill the live and the shadow side with the records that arrived in [start, end); return them.

    `end` is the time of reading: objects that landed until then are read.
    """
    live, shadow = sides
    for side, roots in (live, (layout.PREDICTIONS, layout.REJECTED)), (shadow, (layout.SHADOW,)):
        for root in roots:
            add(side, LakeReader(s3, bucket, root).new_objects(start, end), start, end)
    return sides


def add(side: Side, objects: Iterable[tuple[str, bytes]], start: datetime, end: datetime) -> None:
    """Add the lines of objects whose records arrived in [start, end) to a side."""
    first, last = start.timestamp(), end.timestamp()
    for line in _lines(side, objects):
        arrived = parse_timestamp(line.record.arrived_at).timestamp()
        if not first <= arrived < last:
            continue
        if line.model.version != side.version or line.record.shard == identity.SHARD:
            side.others += 1
            continue
        reference = line.record.shard, line.record.sequence_number
        side.arrivals.setdefault(reference, arrived)
        if line.reason:
            side.rejected.setdefault(reference, line.reason)
            continue
        prediction = _value(line.prediction[side.contract.target.name], side.contract)
        scored = parse_timestamp(line.scored_at).timestamp()
        record_id = texts.bounded(str(line.record_id))
        side.scored.setdefault(reference, Scored(record_id, prediction, arrived, scored))


def _value(prediction: Any, contract: Contract) -> float | str:
    return float(prediction) if contract.task is Task.REGRESSION else texts.category(prediction)


def _lines(side: Side, objects: Iterable[tuple[str, bytes]]) -> Iterator[Any]:
    """Yield decoded lines; count those that can't be decoded, and objects that can't be unpacked."""
    decode: Any = msgspec.json.Decoder(_line_type(side.contract)).decode
    for _, body in objects:
        try:
            lines = lake.lines(body)
        except DamagedError:
            side.damaged += 1
            continue
        for text in lines:
            try:
                line = decode(text)
                if not line.reason:
                    parse_timestamp(line.scored_at)
                    line.prediction[side.contract.target.name]
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, KeyError):
                side.damaged += 1
                continue
            yield line
