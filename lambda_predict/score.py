"""Score a batch of records without AWS calls."""

import math
from binascii import a2b_base64
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np

from contract import bundle, events
from contract.events import RecordRef, Rejection
from contract.schema import Kind, Task
from contract.timestamps import timestamp
from lambda_predict.decode import Decoder
from lambda_predict.explain import infinite, model_failed, too_large
from lambda_predict.model import Model, PredictError
from lambda_predict.unpack import any_packed, unpack

# Limit of one Kinesis record in bytes, partition key included.
EVENT_LIMIT = 1_048_576
# Characters of a partition key, counted as Java and LocalStack's Kinesis do: in UTF-16 code units.
_KEY_LIMIT = 256
# Up to this size an event fits with any key: a code unit has at most three bytes.
_SURE_LIMIT = EVENT_LIMIT - 3 * _KEY_LIMIT
_NO_FLAGS: list[str] = []
_MILLISECONDS = [f".{part:03d}Z" for part in range(1000)]


class Line(msgspec.Struct, frozen=True, gc=False):
    """Line to publish for an input record; `key` is its partition key."""

    sequence_number: str
    key: str
    data: bytes


class Batch(msgspec.Struct, frozen=True):
    """Events and rejected records of a batch, with counts for the metrics."""

    scored: list[Line]
    rejected: list[Line]
    reasons: Counter[str]
    unknown_categories: int
    newest_arrival: float


class Scorer:
    """Scorer of batches with one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        contract = model.contract
        self._decoder = Decoder(contract)
        self._event = events.prediction_type(contract)
        self._encode = msgspec.json.Encoder().encode
        # Equal in all events: encoded once.
        self._ref = msgspec.Raw(msgspec.json.encode(contract.model))
        self._number = contract.target.name if contract.task is Task.REGRESSION else bundle.PROBABILITY_COLUMN
        self._known = {
            f.name: frozenset([*f.categories, None] if f.nullable else f.categories)
            for f in contract.features
            if f.kind is Kind.CATEGORICAL and f.categories is not None
        }

    def score(self, records: Sequence[dict[str, Any]], now: datetime) -> Batch:
        """Return the events and rejections of the Kinesis `records` of one invocation."""
        sources = [record["kinesis"] for record in records]
        data = [a2b_base64(source["data"]) for source in sources]
        arrivals = [source["approximateArrivalTimestamp"] for source in sources]
        refs = _references(records, sources, arrivals)
        numbers = [source["sequenceNumber"] for source in sources]
        broken: dict[int, Rejection] = {}
        if any_packed(data):
            data, refs, numbers, broken = _unpacked(data, refs, numbers)
        decoded: list[Any] = self._decoder.decode(data)
        for i, rejection in broken.items():
            decoded[i] = rejection
        reasons = {i: item for i, item in enumerate(decoded) if type(item) is Rejection}
        good = [i for i in range(len(decoded)) if i not in reasons]
        rows = [decoded[i] for i in good] if reasons else decoded
        if reasons:
            refs_of, numbers_of = [refs[i] for i in good], [numbers[i] for i in good]
        else:
            refs_of, numbers_of = refs, numbers
        lines, refused, unknown = self._lines(rows, refs_of, numbers_of, now)
        reasons |= {good[n]: rejection for n, rejection in refused.items()}
        rejected = [
            Line(numbers[i], "", part)
            for i, reason in sorted(reasons.items())
            for part in events.rejected_lines(reason, data[i], refs[i], self.model.contract.model, now)
        ]
        return Batch(
            scored=lines,
            rejected=rejected,
            reasons=Counter(reason.reason for reason in reasons.values()),
            unknown_categories=unknown,
            newest_arrival=max(arrivals, default=0.0),
        )

    def _lines(
        self, rows: list[Any], refs: list[RecordRef], numbers: list[str], now: datetime
    ) -> tuple[list[Line], dict[int, Rejection], int]:
        """Return the lines, rejections by row, and count of unknown categories."""
        if not rows:
            return [], {}, 0
        features = [row.features for row in rows]
        columns = [list(map(attrgetter(field), features)) for field in features[0].__struct_fields__]
        predictions, refused = self._predict(columns)
        refused |= self._infinite(predictions)
        flags, unknown = self._flags(columns)
        scored_at, event, encode, model = timestamp(now), self._event, self._encode, self._ref
        newline = events.NEWLINE
        lines = []
        for n, (row, ref, number, prediction) in enumerate(
            zip(rows, refs, numbers, predictions, strict=True)
        ):
            if refused and n in refused:
                continue
            raised = flags.get(n, _NO_FLAGS) if flags else _NO_FLAGS
            found = event(row.record_id, row.payload, row.features, prediction, model, ref, scored_at, raised)
            key = str(row.record_id) or "-"
            # A character has at most two code units.
            if len(key) > _KEY_LIMIT // 2:
                key = _cut_key(key)
            data = encode(found) + newline
            if len(data) > _SURE_LIMIT and (size := len(data) + len(key.encode())) > EVENT_LIMIT:
                refused[n] = too_large(size, EVENT_LIMIT)
                continue
            lines.append(Line(number, key, data))
        return lines, refused, unknown

    def _predict(self, columns: list[list[Any]]) -> tuple[list[dict[str, Any]], dict[int, Rejection]]:
        """Return the predictions, and the rejections by failing row.

        A batch that fails is halved until those rows are alone.
        """
        try:
            return self.model.predict(columns), {}
        except PredictError as error:
            rows = len(columns[0])
            if rows == 1:
                # The prediction keeps the place of a rejected row; it is not published.
                return [{self._number: 0.0}], {0: model_failed(error)}
        middle = rows // 2
        first, failed = self._predict([column[:middle] for column in columns])
        second, more = self._predict([column[middle:] for column in columns])
        return first + second, failed | {middle + n: rejection for n, rejection in more.items()}

    def _infinite(self, predictions: list[dict[str, Any]]) -> dict[int, Rejection]:
        """Return the rejections by row of predictions that JSON cannot represent."""
        numbers = [prediction[self._number] for prediction in predictions]
        if math.isfinite(sum(numbers)):
            return {}
        return {
            n: infinite(self._number, value) for n, value in enumerate(numbers) if not math.isfinite(value)
        }

    def _flags(self, columns: list[list[Any]]) -> tuple[dict[int, list[str]], int]:
        """Return the flags by row, and the count of unknown categories."""
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
                present = [v for v in values if v is not None] if feature.nullable else values
                if not present or (min(present) >= low and max(present) <= high):
                    continue
                strange = [n for n, v in enumerate(values) if v is not None and not low <= v <= high]
                text = f"{feature.name}: out of range"
            for n in strange:
                flags.setdefault(n, []).append(text)
        return flags, unknown


def _unpacked(
    data: list[bytes], refs: list[RecordRef], numbers: list[str]
) -> tuple[list[bytes], list[RecordRef], list[str], dict[int, Rejection]]:
    """Return data, references and numbers of unpacked records, and rejections by position."""
    found = [
        (part, ref, number)
        for item, ref, number in zip(data, refs, numbers, strict=True)
        for part in unpack(item)
    ]
    return (
        [part.data for part, _, _ in found],
        [_of_part(ref, part.suffix) for part, ref, _ in found],
        [number for _, _, number in found],
        {i: part.rejection for i, (part, _, _) in enumerate(found) if part.rejection is not None},
    )


def _of_part(ref: RecordRef, suffix: str) -> RecordRef:
    return msgspec.structs.replace(ref, sequence_number=ref.sequence_number + suffix) if suffix else ref


def _references(
    records: Sequence[dict[str, Any]], sources: Sequence[dict[str, Any]], arrivals: Sequence[float]
) -> list[RecordRef]:
    return [
        RecordRef(
            shard=record["eventID"].partition(":")[0],
            sequence_number=source["sequenceNumber"],
            arrived_at=stamp,
        )
        for record, source, stamp in zip(records, sources, _stamps(arrivals), strict=True)
    ]


def _stamps(arrivals: Sequence[float]) -> list[str]:
    """Return the arrivals, in seconds since 1970, in ISO 8601 with milliseconds.

    A batch arrives within few seconds: formatting each second once costs half.
    """
    seconds, parts = np.divmod((np.array(arrivals, dtype=np.float64) * 1000).round().astype(np.int64), 1000)
    distinct = np.unique(seconds)
    texts = np.datetime_as_string(distinct.astype("datetime64[s]")).tolist()
    starts = dict(zip(distinct.tolist(), texts, strict=True))
    return [
        starts[second] + _MILLISECONDS[part]
        for second, part in zip(seconds.tolist(), parts.tolist(), strict=True)
    ]


def _cut_key(key: str) -> str:
    """Return at most _KEY_LIMIT UTF-16 code units of a partition key."""
    return key.encode("utf-16-le")[: 2 * _KEY_LIMIT].decode("utf-16-le", "ignore")
