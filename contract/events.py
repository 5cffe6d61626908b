"""Events in streams and lake, one JSON object per line."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from contract.schema import Contract, ModelRef, Struct

NEWLINE = b"\n"
# A Firehose record holds 1,000 KiB: room for this many bytes in base64, with the reason.
REJECTED_PART_BYTES = 700_000


class RecordRef(Struct, frozen=True, kw_only=True, gc=False):
    """Source of a record; (shard, sequence_number) is its permanent identity.

    The records of an aggregate have the sequence number of the stream record and a suffix: /0, /1, ...
    """

    shard: str
    sequence_number: str
    arrived_at: str


class Rejection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reason for which a record was not scored.

    `reason` is a short code, `field` a dotted path (empty if it concerns the whole record),
    `message` a sentence that names the field and the fix.
    """

    reason: str
    field: str
    message: str


class Rejected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Line of `rejected/`: the original bytes in base64, and the reason.

    A record too long for one line is split over `parts` lines: join their `data` by `part`.
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


def stream_sequence_number(sequence_number: str) -> str:
    """Return the sequence number of the stream record that held this record."""
    return sequence_number.partition("/")[0]


def timestamp(moment: datetime) -> str:
    """Format `moment` as events do: UTC, milliseconds, suffix Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Parse an event's timestamp to an aware datetime. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write it as 2026-01-31T12:00:00.000Z")
    return moment.astimezone(UTC)


def prediction_type(contract: Contract) -> type[msgspec.Struct]:
    """Return the struct of the contract's prediction event, fields in wire order.

    `record_id` and `payload` have the contract's names in JSON. The payload is Raw: its bytes are
    copied unchanged. Empty `flags` are omitted.
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
    """Yield the lines of `rejected/` for one record, newlines included.

    A record above REJECTED_PART_BYTES takes several lines.
    """
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
