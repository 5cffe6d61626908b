"""The events on the streams and in the lake: one JSON object a line."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from contract.schema import Contract, ModelRef, Struct

NEWLINE = b"\n"
# A Firehose record holds 1,000 KiB; in base64, with the reason, this many bytes fit.
REJECTED_PART_BYTES = 700_000


class RecordRef(Struct, frozen=True, kw_only=True, gc=False):
    """Where a record came from; (shard, sequence_number) identifies it for ever."""

    shard: str
    sequence_number: str
    arrived_at: str


class Rejection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a record wasn't scored.

    `reason` is a short code, `field` a dotted path (empty when the whole record is at fault),
    `message` a sentence that names the field and the fix.
    """

    reason: str
    field: str
    message: str


class Rejected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of `rejected/`: the original bytes in base64, and why.

    A record too long for one line lies in `parts` lines; their data, joined by part, is the record.
    """

    record: RecordRef
    reason: str
    field: str
    message: str
    data: str
    model: ModelRef
    rejected_at: str
    part: int = 1
    parts: int = 1


def timestamp(moment: datetime) -> str:
    """Return `moment` as events write it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Return the aware datetime of an event's timestamp. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write it as 2026-01-31T12:00:00.000Z")
    return moment.astimezone(UTC)


def prediction_type(contract: Contract) -> type[msgspec.Struct]:
    """Return the struct of the contract's prediction event, fields in wire order.

    `record_id` and `payload` go by the contract's names on the wire. The payload is Raw: it leaves
    exactly as it was sent. `flags` is written only when there are any.
    """
    return msgspec.defstruct(
        "PredictionEvent",
        [
            ("record_id", str | int),
            ("payload", msgspec.Raw),
            ("features", Any),
            ("prediction", dict[str, Any]),
            ("model", ModelRef | msgspec.Raw),
            ("record", RecordRef),
            ("scored_at", str),
            ("flags", list[str], msgspec.field(default_factory=list)),
        ],
        rename={"record_id": contract.id_field, "payload": contract.payload_field},
        omit_defaults=True,
        gc=False,
    )


def rejected_lines(
    rejection: Rejection, data: bytes, record: RecordRef, model: ModelRef, rejected_at: datetime
) -> Iterator[bytes]:
    """Yield the lines of `rejected/` for one record, newline included: one, or more for a large one."""
    parts = max(1, -(-len(data) // REJECTED_PART_BYTES))
    for part in range(parts):
        piece = data[part * REJECTED_PART_BYTES : (part + 1) * REJECTED_PART_BYTES]
        event = Rejected(
            record=record,
            reason=rejection.reason,
            field=rejection.field,
            message=rejection.message,
            data=base64.b64encode(piece).decode("ascii"),
            model=model,
            rejected_at=timestamp(rejected_at),
            part=part + 1,
            parts=parts,
        )
        yield msgspec.json.encode(event) + NEWLINE


def ground_truth_line(contract: Contract, record_id: str | int, target: float | int | str) -> bytes:
    """Return the line of `ground_truth/` for one record, newline included."""
    return msgspec.json.encode({contract.id_field: record_id, contract.target.name: target}) + NEWLINE
