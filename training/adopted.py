"""Use case of a model that was trained elsewhere: a YAML file beside its model and reference."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
import pandera.pandas as pa

from contract.schema import DType, Feature, Struct, Target, Task
from training import model_files
from training.errors import UseCaseError
from training.infer import Change
from training.sources import Rows
from training.use_case import Demo, Params, UseCase

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

PART = "reference"
HEADER = """\
# Contract of an adopted model, inferred from its reference rows. Correct it where it is wrong
# (kind: numeric or categorical, minimum, maximum, nullable, title), then run:
#   make train USE_CASE={name}
"""


class Adopted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Content of the YAML file; `model` and `reference` are files beside it, `source` is the model's origin.

    `change` makes the demo's drifted rows of the reference.
    """

    name: str
    title: str
    source: str
    model: str
    reference: str
    task: Task
    id_field: str
    payload_field: str
    target: Target
    features: list[Feature]
    change: Change
    time: str | None = None
    segments: list[str] = msgspec.field(default_factory=list)
    groups: list[str] = msgspec.field(default_factory=list)
    checks: dict[str, Any] = msgspec.field(default_factory=dict)
    id_dtype: DType = DType.STR

    def to_yaml(self) -> bytes:
        """Return the YAML file's content."""
        return HEADER.format(name=self.name).encode() + msgspec.yaml.encode(self)


def read(path: Path) -> Adopted:
    """Read a YAML file. Raises UseCaseError that names the field."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Adopted)
    except (msgspec.DecodeError, OSError) as error:
        raise UseCaseError(f"{path} can't be read: {error}") from error


def use_case(path: Path) -> UseCase:
    """Return the use case that a YAML file declares. Raises UseCaseError."""
    found, folder = read(path), path.parent

    def pipeline(_: Params) -> "Pipeline":
        return model_files.read(folder / found.model)

    return UseCase(
        name=found.name,
        title=found.title,
        task=found.task,
        id_field=found.id_field,
        payload_field=found.payload_field,
        features=found.features,
        target=found.target,
        sources=[Rows(lambda _: rows(folder / found.reference), about=found.reference, name=PART)],
        prepare=lambda raw: raw,
        rules=pa.DataFrameSchema({}),
        train=[PART],
        validation=[PART],
        demos={
            "normal": Demo(part=PART, title="rows drawn from the reference"),
            "drifted": Demo(
                part=PART,
                title=f"rows of the reference in which {found.change}",
                select=found.change.apply,
                changed=True,
            ),
        },
        pipeline=pipeline,
        params={"adopted_from": found.source},
        segments=found.segments,
        groups=found.groups,
        id_dtype=found.id_dtype,
        time_column=found.time,
        checks=found.checks,
        adopted=True,
    )


def rows(path: Path) -> pd.DataFrame:
    """Return the reference rows. Raises UseCaseError."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UseCaseError(f"the reference {path} can't be read ({error}): adopt the model again") from error
