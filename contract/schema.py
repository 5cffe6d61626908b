"""Contract of a model: record fields, features, target and identity."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from contract import names
from contract.base import DType, Kind, OutOfRange, StoredStruct, Struct, Task
from contract.target import Target, check_values

__all__ = [
    "Contract",
    "ContractError",
    "DType",
    "DataRef",
    "Feature",
    "Kind",
    "ModelRef",
    "OutOfRange",
    "StoredStruct",
    "Struct",
    "Target",
    "Task",
    "check_declaration",
]

SCHEMA_VERSION = 1
ContractError = names.ContractError

_COLUMN = re.compile(r"[a-z0-9_]{1,64}")
_INT64 = 2**63


class Feature(Struct, frozen=True, kw_only=True):
    """One feature of a record.

    `minimum` and `maximum` are inclusive, in the feature's unit. `categories` are the values
    seen in training: other values are scored and flagged, never rejected. Of a text, the length is
    monitored.
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
        about = f"feature {self.name!r} is {self.kind}"
        if self.kind is Kind.NUMERIC and self.dtype is DType.STR:
            raise ContractError(f"{about}: give it dtype int or float, not str")
        if self.kind is Kind.CATEGORICAL and self.dtype is DType.FLOAT:
            raise ContractError(f"{about}: give it dtype int or str, not float")
        if self.kind is Kind.TEXT and self.dtype is not DType.STR:
            raise ContractError(f"{about}: give it dtype str, not {self.dtype}")
        if self.kind is not Kind.CATEGORICAL and self.categories is not None:
            raise ContractError(f"{about}: remove its categories")
        if self.kind is not Kind.NUMERIC and (self.minimum, self.maximum) != (None, None):
            raise ContractError(f"{about}: remove its minimum and maximum")
        if self.categories is not None:
            check_values(f"feature {self.name!r}", "categories", self.categories, self.dtype)
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
    for kind in (Kind.NUMERIC, Kind.TEXT):
        if other := [s for s in segments if kinds[s] is kind]:
            raise ContractError(f"segments {other} are {kind}: name categorical features")


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
    segments: list[str] = msgspec.field(default_factory=list)
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
