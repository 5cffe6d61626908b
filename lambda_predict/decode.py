"""Decode and validate records with types built from the contract."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from contract.events import Rejection
from contract.schema import Contract, DType, Feature
from lambda_predict.explain import bounds, explain

# Bytes of records decoded at the same time, beyond which each is decoded alone: this bounds memory.
_TOGETHER = 1024 * 1024
_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """Valid record.

    `features` is a struct with one field per feature, f0 first.
    """

    record_id: str | int
    payload: msgspec.Raw
    features: Any


class Decoder:
    """Decoder for the records of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._record = msgspec.json.Decoder(_record_type(contract)).decode
        self._features = msgspec.json.Decoder(_features_type(contract)).decode
        self._anything = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode
        self._keys = 2 + len(contract.features)

    def decode(self, batch: Sequence[bytes]) -> list[Decoded | Rejection]:
        """Return each record, or its rejection."""
        # Two searches of the joined batch cost less than two per record.
        together = b"".join(batch)
        one_line = not (b"\n" in together or b"\r" in together)
        found = [self._typed(data, one_line=one_line) for data in batch]
        # Each key needs one colon: as many colons as expected keys exclude extra and repeated fields.
        keys = self._keys
        extra = [i for i, data in enumerate(batch) if data.count(b":") != keys and type(found[i]) is Decoded]
        if extra and not self._readable([batch[i] for i in extra]):
            for i in extra:
                if (rejection := self._unreadable(batch[i])) is not None:
                    found[i] = rejection
        return found

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
        extra fields unread. Encoding the decoded records again drops a repeated key and its colon,
        unless the encoder adds one for an escape, \u003a.
        """
        written = self._encode([self._anything(data) for data in batch])
        sent = b"".join(batch)
        return b"\\u003" not in sent and sent.count(b":") == written.count(b":")


def _record_type(contract: Contract) -> Any:
    return msgspec.defstruct(
        "Record",
        [("record_id", str | int), ("payload", msgspec.Raw)],
        rename={"record_id": contract.id_field, "payload": contract.payload_field},
        gc=False,
    )


def _features_type(contract: Contract) -> type[msgspec.Struct]:
    fields = [(f"f{i}", _value_type(feature)) for i, feature in enumerate(contract.features)]
    rename = {f"f{i}": feature.name for i, feature in enumerate(contract.features)}
    return msgspec.defstruct("Features", fields, rename=rename, gc=False)


def _value_type(feature: Feature) -> Any:
    if feature.dtype is DType.STR:
        return str
    low, high = bounds(feature)
    if feature.dtype is DType.INT:
        return Annotated[int, msgspec.Meta(ge=int(low), le=int(high))]
    return Annotated[float, msgspec.Meta(ge=low, le=high)]
