"""Contract of a model: record fields, features, target and identity."""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

from contract import names

SCHEMA_VERSION = 1
ContractError = names.ContractError

_COLUMN = re.compile(r"[a-z0-9_]{1,64}")
_INT64 = 2**63
_MOST_DECIMALS = 15


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
        names.check_feature_name(self.name)
        self._check_types()
        numeric = self.kind is Kind.NUMERIC
        if numeric and self.dtype is DType.STR:
            raise ContractError(f"feature {self.name!r} is numeric: give it dtype int or float, not str")
        if not numeric and self.dtype is DType.FLOAT:
            raise ContractError(f"feature {self.name!r} is categorical: give it dtype int or str, not float")
        if numeric and self.categories is not None:
            raise ContractError(f"feature {self.name!r} is numeric: remove its categories")
        if not numeric and (self.minimum, self.maximum) != (None, None):
            raise ContractError(f"feature {self.name!r} is categorical: remove its minimum and maximum")
        if self.categories is not None:
            _check_values(f"feature {self.name!r}", "categories", self.categories, self.dtype)
        for role, bound in (("minimum", self.minimum), ("maximum", self.maximum)):
            self._check_bound(role, bound)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ContractError(
                f"feature {self.name!r} has minimum {self.minimum} above maximum {self.maximum}: swap them"
            )

    def _check_types(self) -> None:
        for field, kind in (("kind", Kind), ("dtype", DType), ("out_of_range", OutOfRange)):
            if not isinstance(value := getattr(self, field), kind):
                known = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
                raise ContractError(f"feature {self.name!r} has {field} {value!r}: give one of {known}")

    def _check_bound(self, role: str, bound: float | None) -> None:
        if bound is None:
            return
        found = f"feature {self.name!r} has {role} {bound!r}"
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
            raise ContractError(f"{found}: give a finite number, or leave it out")
        if self.dtype is DType.INT and bound != int(bound):
            raise ContractError(f"{found} but dtype int: give a whole number, or dtype float")
        # contract.json keeps bounds as floats: compare what will be read back.
        if self.dtype is DType.INT and abs(float(bound)) >= _INT64:
            raise ContractError(f"{found}, beyond 64-bit integers: give one below 2^63, or leave it out")


def _check_values(owner: str, field: str, values: list[int | str], dtype: DType | None) -> None:
    """Raise ContractError unless `values` are distinct, of one type, and fit the columns of the lake."""
    kind = {DType.INT: int, DType.STR: str, None: type(values[0]) if values else int}[dtype]
    if not values:
        raise ContractError(f"{owner} has empty {field}: list the values, or leave {field} out")
    if kind not in {int, str} or (wrong := [value for value in values if type(value) is not kind]):
        shown = values[0] if kind not in {int, str} else wrong[0]
        expected = "integers or strings, of one type" if dtype is None else f"of dtype {dtype.value}"
        raise ContractError(f"{owner} has {shown!r} among its {field}: they must be {expected}")
    if beyond := [value for value in values if isinstance(value, int) and not -_INT64 <= value < _INT64]:
        raise ContractError(f"{owner} has {beyond[0]} among its {field}, beyond 64-bit integers: remove it")
    if len(set(values)) != len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ContractError(f"{owner} has {twice!r} twice among its {field}: list it once")


class Target(Struct, frozen=True, kw_only=True):
    """Target of the model; `decimals` rounds a regression, `labels` lists the classes."""

    name: str
    unit: str = ""
    decimals: int | None = None
    labels: list[int | str] | None = None

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        names.check_name("target", self.name)
        decimals = self.decimals
        if decimals is not None and (
            isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= _MOST_DECIMALS
        ):
            raise ContractError(
                f"target {self.name!r} has decimals {decimals!r}: give 0 to {_MOST_DECIMALS}, or leave it out"
            )
        if self.labels is not None:
            _check_values(f"target {self.name!r}", "labels", self.labels, None)
            if len(self.labels) == 1:
                raise ContractError(
                    f"target {self.name!r} has the only label {self.labels[0]!r}: give two or more classes"
                )

    def check_task(self, task: Task) -> None:
        """Raise ContractError if the declaration doesn't fit the task."""
        if task is Task.REGRESSION and self.labels is not None:
            raise ContractError(f"target {self.name!r} has labels but the task is regression: remove them")
        if task is Task.CLASSIFICATION and self.name.lower() == names.PROBABILITY_COLUMN:
            raise ContractError(
                f"target {self.name!r} clashes with the probability in a class's prediction: rename it"
            )


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


def check_declaration(
    *,
    task: Task,
    id_field: str,
    payload_field: str,
    features: Sequence[Feature],
    target: Target,
    segments: Sequence[str],
) -> None:
    """Raise ContractError if names clash, or fields contradict each other."""
    if not features:
        raise ContractError("there are no features: declare at least one")
    fields = [("id_field", id_field), ("payload_field", payload_field)]
    for role, name in fields:
        names.check_record_field(role, name)
    names.check_distinct([*fields, ("target", target.name)])
    names.check_distinct([*(("feature", f.name) for f in features), ("target", target.name)])
    target.check_task(task)
    kinds = {f.name: f.kind for f in features}
    if unknown := [s for s in segments if s not in kinds]:
        raise ContractError(f"segments {unknown} are not features; features are {list(kinds)}")
    if numeric := [s for s in segments if kinds[s] is Kind.NUMERIC]:
        raise ContractError(f"segments {numeric} are numeric: name categorical features")


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
        check_declaration(
            task=self.task,
            id_field=self.id_field,
            payload_field=self.payload_field,
            features=self.features,
            target=self.target,
            segments=self.segments,
        )
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
        free = name not in names.EVENT_FIELDS | {"year", "month", "day", "hour"}
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
