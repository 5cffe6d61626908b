"""Decode and validate records in one pass, with types built from the contract."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from contract.events import Rejection
from contract.schema import Contract, DType, Feature
from lambda_predict.explain import bounds, explain


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A record that keeps the contract; `features` is a struct with a field a feature, f0 first."""

    record_id: str | int
    payload: msgspec.Raw
    features: Any


class Decoder:
    """Decodes the records of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._record = msgspec.json.Decoder(_record_type(contract)).decode
        self._features = msgspec.json.Decoder(_features_type(contract)).decode
        self._anything = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode
        self._keys = 2 + len(contract.features)

    def decode(self, batch: Sequence[bytes]) -> list[Decoded | Rejection]:
        """Return of each of `batch` the record, or why it isn't one."""
        # One look at all of them spares a look at each.
        together = b"".join(batch)
        ascii_only, one_line = together.isascii(), not (b"\n" in together or b"\r" in together)
        return [self._decode(data, ascii_only=ascii_only, one_line=one_line) for data in batch]

    def _decode(self, data: bytes, *, ascii_only: bool, one_line: bool) -> Decoded | Rejection:
        try:
            record = self._record(data)
            features = self._features(record.payload)
            # Every key takes a colon: as many colons as keys means that nothing is there besides or twice.
            plain = ascii_only and data.count(b":") == self._keys
            if not plain and not self._unique(data):
                rejection = explain(data, self._contract, "")
                if rejection.reason:
                    return rejection
            if one_line:
                return Decoded(record.record_id, record.payload, features)
            # An event is one line of the lake; newlines between tokens are the only ones JSON allows.
            payload = msgspec.json.format(bytes(record.payload), indent=-1)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return explain(data, self._contract, str(error))
        return Decoded(record.record_id, msgspec.Raw(payload), features)

    def _unique(self, data: bytes) -> bool:
        """Say whether at a glance no key is there twice. Raises DecodeError where a reader would stumble.

        The typed decoders skip extra fields without reading them; readers of the lake won't. A key
        that is there twice is lost when the record is written again, and its colon with it.
        """
        written = self._encode(self._anything(data))
        return b"\\" not in data and data.count(b":") == written.count(b":")


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
