"""Events in streams and lake, one JSON object per line."""

import base64
import functools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract import names
from contract.schema import Contract, ModelRef, Struct
from contract.timestamps import timestamp

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NEWLINE = b"\n"
# A Firehose record holds 1,000 KiB: room for this many bytes in base64, with the reason.
REJECTED_PART_BYTES = 700_000
# Classes of an event: of a model with more, the event has the most probable ones.
MOST_CLASSES = 100
# Digits of the probabilities of all classes, and of the one that stands alone.
PROBABILITY_DIGITS, TOP_DIGITS = 6, 4


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


def class_predictions(
    target: str,
    labels: "npt.NDArray[Any]",
    probabilities: "npt.NDArray[np.float64]",
    classes: Sequence[int | str] | None,
) -> list[dict[str, Any]]:
    """Return the `prediction` of each record of a classification.

    `labels` [n] are the predicted classes, `probabilities` [n, classes] in the order of `classes`. A
    prediction has the label under the target's name and as `label`, the highest probability, and the
    `probabilities` by class, of MOST_CLASSES at most. Without `classes` it has no probabilities by class.
    """
    top = probabilities.max(axis=1).round(TOP_DIGITS).tolist()
    pairs = zip(labels.tolist(), top, strict=True)
    highest = names.PROBABILITY_COLUMN
    if classes is None:
        return [{target: label, highest: probability} for label, probability in pairs]
    by_class = _by_class(probabilities.round(PROBABILITY_DIGITS), tuple(map(str, classes)))
    return [
        {
            target: label,
            highest: probability,
            names.LABEL_FIELD: label,
            names.PROBABILITIES_FIELD: found,
        }
        for (label, probability), found in zip(pairs, by_class, strict=True)
    ]


def monitored_probability(contract: Contract, prediction: dict[str, Any]) -> float:
    """Return the probability of the positive class, or of the predicted one if no class is positive."""
    if contract.target.positive is None:
        return float(prediction[names.PROBABILITY_COLUMN])
    by_class = msgspec.to_builtins(prediction[names.PROBABILITIES_FIELD])
    return float(by_class[str(contract.target.positive)])


def _by_class(probabilities: "npt.NDArray[np.float64]", classes: tuple[str, ...]) -> Iterable[Any]:
    """Return the probabilities of each record by class, those of the most probable if there are many."""
    if len(classes) <= MOST_CLASSES:
        return map(_probabilities_type(classes), *probabilities.T.tolist())
    return (
        dict(sorted(zip(classes, row, strict=True), key=lambda pair: -pair[1])[:MOST_CLASSES])
        for row in probabilities.tolist()
    )


@functools.cache
def _probabilities_type(classes: tuple[str, ...]) -> Any:
    """Return what makes the probabilities by class, from one argument per class, in half a dict's time."""
    fields = [(f"p{number}", float) for number in range(len(classes))]
    rename = {f"p{number}": name for number, name in enumerate(classes)}
    try:
        return msgspec.defstruct("Probabilities", fields, rename=rename, gc=False)
    except ValueError:  # a name that JSON has to escape
        return lambda *values: dict(zip(classes, values, strict=True))


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
