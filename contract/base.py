"""Enums of the contract, and the bases of stored structs."""

from enum import StrEnum

import msgspec


class Task(StrEnum):
    """Kind of prediction: a number or a class."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class Kind(StrEnum):
    """Scale of a feature: ordered numbers, categories without order, or free text."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"


class DType(StrEnum):
    """JSON type of a field's values; float fields accept integers too.

    A timestamp is a text of ISO 8601 with date, time and seconds; only inputs have this type.
    """

    INT = "int"
    FLOAT = "float"
    STR = "str"
    BOOL = "bool"
    TIMESTAMP = "timestamp"


class Tensor(StrEnum):
    """Type of the values that the model is given for a feature."""

    INT64 = "int64"
    FLOAT32 = "float32"
    STRING = "string"


class OutOfRange(StrEnum):
    """Treatment of a record with a numeric feature outside its range."""

    REJECT = "reject"
    FLAG = "flag"


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of structs stored as JSON; unknown fields are errors on reading."""


class StoredStruct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of monitor state that other releases read and write.

    Unknown fields are ignored, so that a release reads what a newer one wrote. A field added later needs
    a default, so that a newer release reads what an older one wrote.
    """
