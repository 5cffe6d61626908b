"""Turn a batch of records into events: pure, no AWS."""

import base64
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from contract import events
from contract.events import RecordRef, Rejection
from contract.schema import Kind
from lambda_predict.decode import Decoded, Decoder
from lambda_predict.explain import too_large
from lambda_predict.model import Model

# What a Kinesis stream takes as one record, its partition key included.
EVENT_LIMIT = 1_048_576
_KEY_LIMIT = 256


class Line(msgspec.Struct, frozen=True, gc=False):
    """What is written for one record: the line, its partition key, whose sequence number it answers."""

    sequence_number: str
    key: str
    data: bytes


class Batch(msgspec.Struct, frozen=True):
    """A batch's events, its rejected records, and counts for the metrics."""

    scored: list[Line]
    rejected: list[Line]
    reasons: Counter[str]
    unknown_categories: int
    newest_arrival: float


class Scorer:
    """Scores batches with one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        contract = model.contract
        self._decoder = Decoder(contract)
        self._event = events.prediction_type(contract)
        self._encode = msgspec.json.Encoder().encode
        # The same in every event: encoded once.
        self._ref = msgspec.Raw(msgspec.json.encode(contract.model))
        self._known = {
            f.name: frozenset(f.categories)
            for f in contract.features
            if f.kind is Kind.CATEGORICAL and f.categories is not None
        }

    def score(self, records: Sequence[dict[str, Any]], now: datetime) -> Batch:
        """Return the events of one invocation's Kinesis `records`; a bad record never stops a good one."""
        data = [base64.b64decode(record["kinesis"]["data"]) for record in records]
        refs = _references(records)
        decoded = [self._decoder.decode(item) for item in data]
        good = [i for i, item in enumerate(decoded) if type(item) is Decoded]
        reasons = {i: item for i, item in enumerate(decoded) if type(item) is Rejection}
        scored, unknown = self._events(good, [decoded[i] for i in good], refs, now)
        for line_at, line in list(scored.items()):
            if (size := len(line.data) + len(line.key.encode())) > EVENT_LIMIT:
                del scored[line_at]
                reasons[line_at] = too_large(size, EVENT_LIMIT)
        rejected = [
            Line(refs[i].sequence_number, "", part)
            for i, reason in sorted(reasons.items())
            for part in events.rejected_lines(reason, data[i], refs[i], self.model.contract.model, now)
        ]
        return Batch(
            scored=list(scored.values()),
            rejected=rejected,
            reasons=Counter(reason.reason for reason in reasons.values()),
            unknown_categories=unknown,
            newest_arrival=max((r["kinesis"]["approximateArrivalTimestamp"] for r in records), default=0.0),
        )

    def _events(
        self, positions: list[int], rows: list[Any], refs: list[RecordRef], now: datetime
    ) -> tuple[dict[int, Line], int]:
        """Return the line at each position, and how many values were of no known category."""
        if not rows:
            return {}, 0
        features = [row.features for row in rows]
        columns = [[getattr(f, field) for f in features] for field in features[0].__struct_fields__]
        predictions = self.model.predict(columns)
        flags, unknown = self._flags(columns)
        scored_at = events.timestamp(now)
        lines = {}
        for n, (at, row, prediction) in enumerate(zip(positions, rows, predictions, strict=True)):
            event = self._event(
                row.record_id,
                row.payload,
                row.features,
                prediction,
                self._ref,
                refs[at],
                scored_at,
                flags.get(n, []),
            )
            key = str(row.record_id)[:_KEY_LIMIT] or "-"
            lines[at] = Line(refs[at].sequence_number, key, self._encode(event) + events.NEWLINE)
        return lines, unknown

    def _flags(self, columns: list[list[Any]]) -> tuple[dict[int, list[str]], int]:
        """Return what is unusual about each row that is scored all the same, and the unknown categories."""
        flags: dict[int, list[str]] = {}
        unknown = 0
        for feature, values in zip(self.model.contract.features, columns, strict=True):
            if (known := self._known.get(feature.name)) is not None:
                if known.issuperset(values):
                    continue
                strange = [n for n, value in enumerate(values) if value not in known]
                unknown += len(strange)
                text = f"{feature.name}: unknown category"
            elif feature.minimum is None and feature.maximum is None:
                continue
            else:
                low = -np.inf if feature.minimum is None else feature.minimum
                high = np.inf if feature.maximum is None else feature.maximum
                if min(values) >= low and max(values) <= high:
                    continue
                strange = [n for n, value in enumerate(values) if not low <= value <= high]
                text = f"{feature.name}: out of range"
            for n in strange:
                flags.setdefault(n, []).append(text)
        return flags, unknown


def _references(records: Sequence[dict[str, Any]]) -> list[RecordRef]:
    arrivals = np.array([r["kinesis"]["approximateArrivalTimestamp"] for r in records], dtype=np.float64)
    stamps = np.datetime_as_string((arrivals * 1000).round().astype("datetime64[ms]"), unit="ms").tolist()
    return [
        RecordRef(
            shard=record["eventID"].partition(":")[0],
            sequence_number=record["kinesis"]["sequenceNumber"],
            arrived_at=stamp + "Z",
        )
        for record, stamp in zip(records, stamps, strict=True)
    ]
