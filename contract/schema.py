"""The contract of a model: which record it takes and which prediction it gives."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

SCHEMA_VERSION = 1


_EVENT_FIELDS = {"features", "prediction", "model", "record", "scored_at", "flags"}
_COLUMN = re.compile(r"[a-z0-9_]{1,64}")


class ContractError(ValueError):
    """A contract contradicts itself or can't be read."""


class Task(StrEnum):
    """What the model predicts."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class Kind(StrEnum):
    """How a feature's values compare: by order, or only as equal or different."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class DType(StrEnum):
    """The JSON type a feature's value must have; an int is accepted where a float is asked."""

    INT = "int"
    FLOAT = "float"
    STR = "str"


class OutOfRange(StrEnum):
    """What happens to a record whose numeric feature lies outside its range."""

    REJECT = "reject"
    FLAG = "flag"


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that is written as JSON and read back strictly."""


class StoredStruct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of monitor state that other releases read and write.

    Unknown fields are ignored, so that a release reads what a newer one wrote. A field added later needs
    a default, so that a newer release reads what an older one wrote.
    """


def _check_name(name: str) -> None:
    if not name or '"' in name or "\\" in name or not name.isprintable():
        raise ContractError(
            f"{name!r} can't be a field's name: use printable characters but quotes and backslashes"
        )


class Feature(Struct, frozen=True, kw_only=True):
    """One feature of a record.

    `minimum` and `maximum` are inclusive and in the feature's own unit. `categories` are the
    values seen in training: others are scored and flagged, never refused.
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
        """Raise ContractError where the declaration contradicts itself."""
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
    """What is predicted. `decimals` rounds a regression's prediction; `labels` are the classes."""

    name: str
    unit: str = ""
    decimals: int | None = None
    labels: list[int | str] | None = None


class ModelRef(Struct, frozen=True, kw_only=True):
    """Which model: registered name, registry version, MLflow run."""

    name: str
    version: str
    run_id: str


class DataRef(Struct, frozen=True, kw_only=True):
    """Which rows the model was trained on: source as told to people, SHA-256, number of rows."""

    source: str
    sha256: str
    rows: int


class Contract(Struct, frozen=True, kw_only=True):
    """Everything scoring and monitoring must know of a model; `contract.json` in the bundle.

    `segments` name categorical features by whose values performance is broken down.
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
        """Raise ContractError where the declaration contradicts itself."""
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
        """The id field as a column of the table over the predictions; None where it can't be one.

        Glue knows columns in lower case only, of letters, digits and underscores.
        """
        name = self.id_field.lower()
        free = name not in _EVENT_FIELDS | {"year", "month", "day", "hour"}
        return name if free and _COLUMN.fullmatch(name) else None

    @property
    def feature_names(self) -> list[str]:
        """Feature names in the order the model takes them."""
        return [f.name for f in self.features]

    def feature(self, name: str) -> Feature:
        """Return the feature of that name; KeyError when there is none."""
        return {f.name: f for f in self.features}[name]

    def to_json(self) -> bytes:
        """Return `contract.json`, indented for people, with a final newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read `contract.json`. Raises ContractError, naming the field, when it isn't one."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:  # ValidationError is one too
            raise ContractError(f"contract.json can't be read: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file at `path`. Raises ContractError and OSError."""
        return cls.from_json(path.read_bytes())
