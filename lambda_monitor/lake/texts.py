"""Texts from outside, cut to a bounded length such that distinct ones stay distinct."""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from contract.schema import Contract, Kind

# Characters of the longest text that is kept; a longer one keeps its start and the MD5 of the whole.
TEXT_CHARS = 200
START_CHARS = TEXT_CHARS - 33
# Characters of a reason why an object can't be read: it may quote the object.
_REASON_CHARS = 300
# Free text is monitored by its length in characters; an empty one is missing.
LENGTH = pa.float64()


def bounded(text: str) -> str:
    """Return `text` with at most TEXT_CHARS characters."""
    if len(text) <= TEXT_CHARS:
        return text
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return f"{text[:START_CHARS]}#{digest}"


def category(value: object) -> str:
    """Return a category as text: a boolean as in JSON, others bounded."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return bounded(str(value))


def bounded_sql(expression: str, md5: str = "md5({})") -> str:
    """Return SQL for the same of `expression`; `md5` is the engine's expression for the digest in hex."""
    return (
        f"CASE WHEN length({expression}) > {TEXT_CHARS} THEN substr({expression}, 1, {START_CHARS}) "
        f"|| '#' || {md5.format(expression)} ELSE {expression} END"
    )


def length_sql(value: str) -> str:
    """Return SQL for the length of a text, null if it is empty."""
    return f"nullif(length(CAST({value} AS VARCHAR)), 0)"


def measured(contract: Contract, rows: pa.Table) -> pa.Table:
    """Return `rows` with the length in place of each text."""
    for feature in contract.features:
        if feature.kind is Kind.TEXT and feature.name in rows.column_names:
            lengths = pc.utf8_length(rows.column(feature.name)).cast(LENGTH)
            filled = pc.if_else(pc.equal(lengths, 0.0), pa.scalar(None, LENGTH), lengths)
            place = rows.column_names.index(feature.name)
            rows = rows.set_column(place, feature.name, filled)
    return rows


def reason(error: Exception) -> str:
    """Return the first line of an error, cut to a bounded length."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:_REASON_CHARS]
