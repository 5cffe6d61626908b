"""Contract of a model: record fields, features, target and identity."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

SCHEMA_VERSION = 1


_EVENT_FIELDS = {"features", "prediction", "model", "record", "scored_at", "flags"}
_COLUMN = re.compile(r"[a-z0-9_]{1,64}")


class ContractError(ValueError):
    """A contract is inconsistent or unreadable."""


class Task(StrEnum):
    """Kind of prediction: a number or a class."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class Kind(StrEnum):
    """Scale of a feature: ordered numbers, or categories without order."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class DType(StrEnum):
    """JSON type of a feature's values; float features accept integers too."""

    INT = "int"
    FLOAT = "float"
    STR = "str"


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


def _check_name(name: str) -> None:
    if not name or '"' in name or "\\" in name or not name.isprintable():
        raise ContractError(
            f"{name!r} can't be a field's name: use printable characters other than quotes and backslashes"
        )


class Feature(Struct, frozen=True, kw_only=True):
    """One feature of a record.

    `minimum` and `maximum` are inclusive, in the feature's unit. `categories` are the values
    seen in training: other values are scored and flagged, never rejected.
    """

    name: str
    kind: Kind
    dtype: DType
    minimum: float | None = None
    maximum: float | None = None
    out_of_range: OutOfRange = OutOfRange.FLAG
    categories: list[int | str] | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        _check_name(self.name)
        numeric = self.kind is Kind.NUMERIC
        if numeric and self.dtype is DType.STR:
            raise ContractError(f"feature {self.name!r} is numeric: give it dtype int or float, not str")
        if not numeric and self.dtype is DType.FLOAT:
            raise ContractError(f"feature {self.name!r} is categorical: give it dtype int or str, not float")
        if numeric and self.categories is not None:
            raise ContractError(f"feature {self.name!r} is numeric: remove its categories")
        if not numeric and (self.minimum, self.maximum) != (None, None):
            raise ContractError(f"feature {self.name!r} is categorical: remove its minimum and maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ContractError(
                f"feature {self.name!r} has minimum {self.minimum} above maximum {self.maximum}"
            )


class Target(Struct, frozen=True, kw_only=True):
    """Target of the model; `decimals` rounds a regression, `labels` lists the classes."""

    name: str
    unit: str = ""
    decimals: int | None = None
    labels: list[int | str] | None = None


class ModelRef(Struct, frozen=True, kw_only=True):
    """Identity of a model: registered name, registry version, MLflow run."""

    name: str
    version: str
    run_id: str


class DataRef(Struct, frozen=True, kw_only=True):
    """Training data: description of its source, SHA-256, number of rows."""

    source: str
    sha256: str
    rows: int


class Contract(Struct, frozen=True, kw_only=True):
    """Description of a model for scoring and monitoring; `contract.json`.

    `segments` are categorical features by whose values performance is broken down.
    """

    use_case: str
    task: Task
    id_field: str
    payload_field: str
    features: list[Feature]
    target: Target
    model: ModelRef
    data: DataRef
    segments: list[str] = []
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        names = self.feature_names
        if not names:
            raise ContractError("the contract has no features: declare at least one")
        if len(set(names)) != len(names):
            raise ContractError(f"features must have distinct names, got {names}")
        for field in (self.id_field, self.payload_field):
            _check_name(field)
            if field in _EVENT_FIELDS:
                raise ContractError(
                    f"{field!r} is a field of the prediction event: rename the record's field"
                )
        if self.id_field == self.payload_field:
            raise ContractError(f"id_field and payload_field are both {self.id_field!r}: use two names")
        if unknown := [s for s in self.segments if s not in names]:
            raise ContractError(f"segments {unknown} are not features; features are {names}")
        if self.schema_version != SCHEMA_VERSION:
            raise ContractError(
                f"contract has schema_version {self.schema_version}, this code reads {SCHEMA_VERSION}: "
                "export the bundle again or deploy the version of Scorewatch that wrote it"
            )

    @property
    def id_column(self) -> str | None:
        """Name of the id column in the predictions table, None if impossible.

        Glue column names are lower case: letters, digits and underscores.
        """
        name = self.id_field.lower()
        free = name not in _EVENT_FIELDS | {"year", "month", "day", "hour"}
        return name if free and _COLUMN.fullmatch(name) else None

    @property
    def feature_names(self) -> list[str]:
        """Feature names in the order the model takes them."""
        return [f.name for f in self.features]

    def feature(self, name: str) -> Feature:
        """Return the feature of that name. Raises KeyError."""
        return {f.name: f for f in self.features}[name]

    def to_json(self) -> bytes:
        """Return `contract.json`, indented, with a final newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse `contract.json`. Raises ContractError that names the field."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:  # ValidationError is one too
            raise ContractError(f"contract.json can't be read: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file at `path`. Raises ContractError and OSError."""
        return cls.from_json(path.read_bytes())
