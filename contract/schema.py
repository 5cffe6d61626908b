"""Contract of a model: record fields, features, target and identity."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from contract import names
from contract.base import DType, Kind, OutOfRange, StoredStruct, Struct, Task, Tensor
from contract.derived import Derived, Operation
from contract.features import Feature, Field, Input, check_fields, sent
from contract.names import ContractError
from contract.target import Target
from contract.value_names import ValueNames, check_value_names

__all__ = [
    "Contract",
    "ContractError",
    "DType",
    "DataRef",
    "Derived",
    "Feature",
    "Field",
    "Input",
    "Kind",
    "ModelRef",
    "Operation",
    "OutOfRange",
    "StoredStruct",
    "Struct",
    "Target",
    "Task",
    "Tensor",
    "check_declaration",
    "divided",
]

SCHEMA_VERSION = 1

_COLUMN = re.compile(r"[a-z0-9_]{1,64}")


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
    groups: Sequence[str] = (),
    inputs: Sequence[Input] = (),
) -> None:
    """Raise ContractError if names clash, or fields contradict each other."""
    if not features:
        raise ContractError("there are no features: declare at least one")
    fields = [("id_field", id_field), ("payload_field", payload_field)]
    for role, name in fields:
        names.check_record_field(role, name)
    names.check_distinct([*fields, ("target", target.name)])
    columns = [*(("feature", f.name) for f in features), *(("input", i.name) for i in inputs)]
    names.check_distinct([*columns, ("target", target.name)])
    check_fields(features, inputs)
    target.check_task(task)
    _check_categorical("segments", segments, features)
    _check_categorical("groups", groups, features, inputs)


def _check_categorical(
    role: str, chosen: Sequence[str], features: Sequence[Feature], inputs: Sequence[Input] = ()
) -> None:
    """Raise ContractError if a column of that role is not a categorical feature."""
    kinds = {f.name: f.kind for f in features}
    if sent := [name for name in chosen if name in {i.name for i in inputs}]:
        raise ContractError(
            f"{role} {sent} are inputs, which the monitor does not keep per record: declare them as "
            "categorical features"
        )
    if unknown := [name for name in chosen if name not in kinds]:
        raise ContractError(f"{role} {unknown} are not features; features are {list(kinds)}")
    for kind in (Kind.NUMERIC, Kind.TEXT):
        if other := [name for name in chosen if kinds[name] is kind]:
            raise ContractError(f"{role} {other} are {kind}: name categorical features")


def divided(segments: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return the columns by whose values a model is monitored: segments, and groups that are none."""
    return list(dict.fromkeys([*segments, *groups]))


class Contract(Struct, frozen=True, kw_only=True):
    """Description of a model for scoring and monitoring; `contract.json`.

    `segments` are categorical features by whose values performance is broken down; `groups` are those of them
    between which errors and predictions are compared; `inputs` are fields
    of a record from which features are derived; `value_names` are names of a column's values in messages.
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
    inputs: list[Input] = msgspec.field(default_factory=list)
    value_names: dict[str, ValueNames] = msgspec.field(default_factory=dict)
    groups: list[str] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        check_declaration(
            task=self.task,
            id_field=self.id_field,
            payload_field=self.payload_field,
            features=self.features,
            target=self.target,
            segments=self.segments,
            groups=self.groups,
            inputs=self.inputs,
        )
        if unlisted := [name for name in self.groups if name not in self.segments]:
            raise ContractError(f"groups {unlisted} are not segments: name them in segments, too")
        check_value_names(self.value_names, self.feature_names)
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

    @property
    def sent(self) -> list[Field]:
        """Fields that a record has: the features that are not derived, then the inputs."""
        return sent(self.features, self.inputs)

    @property
    def derives(self) -> bool:
        """Whether features differ from the fields sent."""
        return any(f.derived is not None for f in self.features)

    def feature(self, name: str) -> Feature:
        """Return the feature of that name. Raises KeyError."""
        return {f.name: f for f in self.features}[name]

    def to_json(self) -> bytes:
        """Return `contract.json`, indented, with a final newline."""
        fields = msgspec.to_builtins(self)
        # Releases without these fields refuse them.
        for added in ("inputs", "value_names", "groups"):
            if not fields[added]:
                del fields[added]
        return msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"

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
