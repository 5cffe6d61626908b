"""Identity of a record sent over HTTP: shard and sequence number."""

import hashlib
import re
from enum import StrEnum

import msgspec

SHARD = "http"
HEADER = "Idempotency-Key"
LONGEST_KEY = 128
# Visible ASCII, bare or as a quoted string (RFC 8941) without escapes.
_KEY = re.compile(rf'("?)([!#-\[\]-~]{{1,{LONGEST_KEY}}})\1')
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_record_id = msgspec.json.Decoder(str | int).decode


class InvalidKeyError(ValueError):
    """An idempotency key has a length or characters that are not allowed."""


class Identity(StrEnum):
    """Source of the identity of a request without an idempotency key."""

    REQUEST = "request"
    RECORD_ID = "record_id"


def of_key(header: str) -> str:
    """Return the sequence number for a value of the header. Raises InvalidKeyError."""
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise InvalidKeyError(
            f"{HEADER} is invalid: send 1 to {LONGEST_KEY} visible ASCII characters, without quotes or "
            "backslashes; the record was neither scored nor kept"
        )
    return f"key:{found[2]}"


def of_record(data: bytes, id_field: str) -> str | None:
    """Return the sequence number for the id of the record in `data`, None without a usable id."""
    try:
        record_id = str(_record_id(_fields(data).get(id_field, b"null")))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # The scorer rejects such a record, with the reason.
        return None
    # An id can be as long as its record, its digest can't.
    return f"id:{hashlib.sha256(record_id.encode()).hexdigest()}" if record_id else None
