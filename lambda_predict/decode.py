"""Decode and validate records in one pass, with types built from the contract."""

from typing import Annotated, Any

import msgspec

from contract.events import Rejection
from contract.schema import Contract, DType, Feature
from lambda_predict.explain import bounds, explain


class Decoded(msgspec.Struct, frozen=True):
    """A record that keeps the contract; `features` is a struct with a field a feature, f0 first."""

    record_id: str | int
    payload: msgspec.Raw
    features: Any


class Decoder:
    """Decodes the records of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._record = msgspec.json.Decoder(_record_type(contract))
        self._features = msgspec.json.Decoder(_features_type(contract))
        self._keys = [
            name.encode() for name in (contract.id_field, contract.payload_field, *contract.feature_names)
        ]
        self._quoted = [b'"%s"' % key for key in self._keys]

    def decode(self, data: bytes) -> Decoded | Rejection:
        """Return the record, or why it isn't one."""
        try:
            record = self._record.decode(data)
            features = self._features.decode(record.payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return explain(data, self._contract, str(error))
        if self._doubtful(data) and (rejection := explain(data, self._contract, "")).reason:
            return rejection
        return Decoded(record.record_id, _one_line(record.payload), features)

    def _doubtful(self, data: bytes) -> bool:
        """Say whether a skipped part of `data` may hold broken text or a key twice.

        Every key takes a colon, so as many colons as keys means no key is there twice.
        """
        if not data.isascii():
            return True
        if data.count(b":") == len(self._keys):
            return False
        return b"\\" in data or any(data.count(key) > 1 for key in self._quoted)


def _one_line(payload: msgspec.Raw) -> msgspec.Raw:
    raw = bytes(payload)
    # An event is one line of the lake; newlines between tokens are the only ones JSON allows.
    return msgspec.Raw(msgspec.json.format(raw, indent=-1)) if b"\n" in raw or b"\r" in raw else payload


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
