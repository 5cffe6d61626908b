"""Decode and validate records with types built from the contract."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Annotated, Any

import msgspec

from contract.events import Rejection
from contract.schema import Contract, DType, Field
from lambda_predict.derive import Deriver
from lambda_predict.explain import bounds, explain

# Bytes of records decoded at the same time, beyond which each is decoded alone: this bounds memory.
_TOGETHER = 1024 * 1024
_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """Valid record.

    `features` is a struct with one field per feature, f0 first; the field of a missing one is None.
    """

    record_id: str | int
    payload: msgspec.Raw
    features: Any


class Decoder:
    """Decoder for the records of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._absent = _Absent()
        self._deriver = Deriver(contract) if contract.derives else None
        self._times = [f"f{i}" for i, field in enumerate(contract.sent) if field.dtype is DType.TIMESTAMP]
        # Whether records have a varying number of colons.
        self._varies = bool(self._times) or any(field.nullable for field in contract.sent)
        self._record = msgspec.json.Decoder(_record_type(contract)).decode
        self._features = msgspec.json.Decoder(_features_type(contract.sent, self._absent)).decode
        self._anything = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode
        self._payload = itemgetter(contract.payload_field)
        self._keys = 2 + len(contract.sent)

    def decode(self, batch: Sequence[bytes]) -> list[Decoded | Rejection]:
        """Return each record, or its rejection."""
        # Two searches of the joined batch cost less than two per record.
        together = b"".join(batch)
        one_line = not (b"\n" in together or b"\r" in together)
        absent = self._absent
        absent.count = 0
        counts: list[int] = []
        found = self._all_valid(batch) if one_line and not self._varies else None
        if found is None:
            found = []
            for data in batch:
                found.append(self._typed(data, one_line=one_line))
                counts.append(absent.count)
        if absent.count or self._times:
            extra = self._extra(batch, found, counts, escaped=b"\\u003" in together)
        else:
            # Each key needs one colon: as many colons as expected keys exclude extra and repeated fields.
            keys = self._keys
            extra = [
                i for i, data in enumerate(batch) if data.count(b":") != keys and type(found[i]) is Decoded
            ]
        if extra and not self._readable([batch[i] for i in extra]):
            for i in extra:
                if (rejection := self._unreadable(batch[i])) is not None:
                    found[i] = rejection
        return found if self._deriver is None else _derived(self._deriver, found)

    def _extra(
        self,
        batch: Sequence[bytes],
        found: Sequence[Decoded | Rejection],
        counts: Sequence[int],
        *,
        escaped: bool,
    ) -> list[int]:
        """Return the positions of records that may have extra or repeated fields.

        An absent field has no colon; a timestamp has some in its text, unless it is escaped. `counts` are
        the absent fields up to and including each record.
        """
        extra, before = [], 0
        for i, (data, item, count) in enumerate(zip(batch, found, counts, strict=True)):
            keys, before = self._keys - count + before, count
            if type(item) is not Decoded:
                continue
            for field in self._times:
                text = getattr(item.features, field)
                keys += 0 if text is None else text.count(":")
            if escaped or data.count(b":") != keys:
                extra.append(i)
        return extra

    def _all_valid(self, batch: Sequence[bytes]) -> list[Decoded | Rejection] | None:
        """Return the records of a batch of single lines, or None if one is invalid.

        A loop in C costs less than a call of `_typed` per record.
        """
        try:
            records = list(map(self._record, batch))
            payloads = [record.payload for record in records]
            features = list(map(self._features, payloads))
        except _ERRORS:
            return None
        return list(map(Decoded, [record.record_id for record in records], payloads, features))

    def _typed(self, data: bytes, *, one_line: bool) -> Decoded | Rejection:
        try:
            record = self._record(data)
            features = self._features(record.payload)
            if one_line:
                return Decoded(record.record_id, record.payload, features)
            # An event is one line of the lake. JSON allows newlines between tokens only.
            payload = msgspec.json.format(bytes(record.payload), indent=-1)
        except _ERRORS as error:
            return explain(data, self._contract, str(error))
        return Decoded(record.record_id, msgspec.Raw(payload), features)

    def _readable(self, batch: Sequence[bytes]) -> bool:
        """Return whether a quick test finds all records readable; False means unknown."""
        try:
            return sum(map(len, batch)) <= _TOGETHER and self._unique(batch)
        except _ERRORS:
            return False

    def _unreadable(self, data: bytes) -> Rejection | None:
        """Return the rejection of a record that readers cannot read."""
        try:
            if self._unique([data]):
                return None
            message = ""
        except _ERRORS as error:
            message = str(error)
        rejection = explain(data, self._contract, message)
        return rejection if rejection.reason else None

    def _unique(self, batch: Sequence[bytes]) -> bool:
        r"""Return whether a quick test excludes repeated keys; False means unknown.

        Raises DecodeError for values that a reader of the lake rejects: the typed decoders skip
        extra fields unread. As many keys as colons: none is repeated. Objects in fields and colons in texts
        need a second test: encoding the decoded records again drops a repeated key and its colon, unless
        the encoder adds one for an escape, \u003a.
        """
        # The typed decoders found one JSON object in each: one array of all costs fewer calls.
        sent = b"[" + b",".join(batch) + b"]"
        found = self._anything(sent)
        colons = sent.count(b":")
        if sum(map(len, found)) + sum(map(len, map(self._payload, found))) == colons:
            return True
        return b"\\u003" not in sent and self._encode(found).count(b":") == colons


def _record_type(contract: Contract) -> Any:
    return msgspec.defstruct(
        "Record",
        [("record_id", str | int), ("payload", msgspec.Raw)],
        rename={"record_id": contract.id_field, "payload": contract.payload_field},
        gc=False,
    )


def _derived(deriver: Deriver, found: list[Decoded | Rejection]) -> list[Decoded | Rejection]:
    """Return the records with the features that the model takes, or their rejections."""
    decoded = {i: item for i, item in enumerate(found) if isinstance(item, Decoded)}
    derived = deriver.derived([record.features for record in decoded.values()])
    for (i, record), features in zip(decoded.items(), derived, strict=True):
        rejected = isinstance(features, Rejection)
        found[i] = features if rejected else Decoded(record.record_id, record.payload, features)
    return found


class _Absent:
    """Value of absent fields, null, which counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def _features_type(sent: Sequence[Field], absent: _Absent) -> type[msgspec.Struct]:
    """Return the struct of the fields sent, in their order."""
    fields: list[Any] = []
    for i, field in enumerate(sent):
        kind = _value_type(field)
        if field.nullable:
            fields.append((f"f{i}", kind | None, msgspec.field(default_factory=absent)))
        else:
            fields.append((f"f{i}", kind))
    rename = {f"f{i}": field.name for i, field in enumerate(sent)}
    return msgspec.defstruct("Features", fields, rename=rename, kw_only=True, gc=False)


def _value_type(field: Field) -> Any:
    if field.dtype in {DType.STR, DType.TIMESTAMP}:
        return str
    if field.dtype is DType.BOOL:
        return bool
    low, high = bounds(field)
    if field.dtype is DType.INT:
        return Annotated[int, msgspec.Meta(ge=int(low), le=int(high))]
    return Annotated[float, msgspec.Meta(ge=low, le=high)]
