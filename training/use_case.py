"""The use case: declaration of a model in one Python file.

A file declares `USE_CASE = UseCase(...)`. Files in `training/use_cases/` are found by their name,
any other by its path.
"""

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import msgspec
import pandas as pd

from contract import features, names
from contract.schema import (
    Contract,
    ContractError,
    DataRef,
    DType,
    Feature,
    Field,
    Input,
    ModelRef,
    Target,
    Task,
    check_declaration,
    divided,
)
from contract.value_names import ValueNames, check_value_names
from lambda_monitor import check_config
from training import column_types
from training.data import DataError, raw_part, valid
from training.errors import UseCaseError, user_code
from training.model_rows import model_rows, with_derived
from training.sources import DataLocation, Source, choose

if TYPE_CHECKING:
    import optuna
    from pandera.pandas import DataFrameSchema
    from sklearn.pipeline import Pipeline

FOLDER = Path(__file__).with_name("use_cases")
PROJECT = "scorewatch"
# Ending of the files of adopted models.
YAML = ".yaml"

Params = dict[str, Any]
Phase = Literal["normal", "drifted"]


def check_name(name: str) -> None:
    """Raise UseCaseError for a name that can't name a file and streams, and propose one."""
    if not (name.isascii() and name.isidentifier() and name == name.lower()):
        proposed = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        proposed = proposed if proposed.isidentifier() else "green_taxi"
        raise UseCaseError(
            f"name {name!r} must be lower case letters, digits and underscores, such as {proposed}"
        )


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Rows that a demo phase streams: a part, optionally filtered by `select`.

    `changed`: `select` changes values, so that the rows are not called real.
    """

    part: str
    title: str
    select: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    changed: bool = False


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Limits that a challenger must keep to become champion.

    The interval of `confidence` around the difference in the main metric must reach 0 and stay within
    `margin`, a share of the champion's metric. No segment may be significantly worse by more than
    `segment_margin`. Size in MB; time in microseconds per record of a batch.
    """

    margin: float = 0.02
    segment_margin: float = 0.10
    confidence: float = 0.95
    max_megabytes: float = 50
    max_microseconds: float = 200


@dataclass(frozen=True, kw_only=True)
class UseCase:
    """Declaration of a model to train, serve and monitor.

    `prepare` turns a source's raw rows into columns named as the fields sent (features that are not
    derived, and inputs), target and time; `split` selects a part's rows where one table holds all;
    `rules` defines valid rows; `pipeline` builds an unfitted scikit-learn pipeline from parameters;
    errors and predictions of `groups` must not move apart; `value_names` names values in messages, such as
    "zone" for zone 71; `checks` is the content of `checks.json`.
    """

    name: str
    title: str
    task: Task
    id_field: str
    payload_field: str
    features: Sequence[Feature]
    target: Target
    sources: Sequence[Source]
    prepare: Callable[[pd.DataFrame], pd.DataFrame]
    rules: "DataFrameSchema"
    train: Sequence[str]
    validation: Sequence[str]
    demos: Mapping[Phase, Demo]
    pipeline: Callable[[Params], "Pipeline"]
    params: Params = field(default_factory=dict)
    search_space: "Callable[[optuna.Trial], Params] | None" = None
    split: Callable[[pd.DataFrame, str], pd.DataFrame] | None = None
    inputs: Sequence[Input] = ()
    segments: Sequence[str] = ()
    groups: Sequence[str] = ()
    value_names: Mapping[str, ValueNames] = field(default_factory=dict)
    id_dtype: DType = DType.STR
    time_column: str | None = None
    checks: Mapping[str, Any] = field(default_factory=dict)
    adopted: bool = False
    gate: Gate = field(default_factory=Gate)
    window_rows: int = 2_000
    false_alarm_rate: float = 0.001
    seed: int = 7

    def __post_init__(self) -> None:
        """Raise UseCaseError where the declaration contradicts itself."""
        check_name(self.name)
        if self.target.name in self.feature_names:
            raise UseCaseError(f"target {self.target.name!r} is among the features: remove it from them")
        try:
            check_declaration(
                task=self.task,
                id_field=self.id_field,
                payload_field=self.payload_field,
                features=self.features,
                inputs=self.inputs,
                target=self.target,
                segments=self.segments,
                groups=self.groups,
            )
            check_value_names(self.value_names, self.feature_names)
        except ContractError as error:
            raise UseCaseError(f"use case {self.name}: {error}") from error
        if self.id_field in {*self.columns, *self.feature_names}:
            raise UseCaseError(f"id_field {self.id_field!r} is also a column: give the id another name")
        self._check_checks()
        if missing := {"normal", "drifted"} - set(self.demos):
            raise UseCaseError(f"demos lacks {sorted(missing)}: declare both phases, normal and drifted")

    def _check_checks(self) -> None:
        if not self.checks:
            return
        outcomes = [names.PREDICTION_COLUMN, names.TARGET_COLUMN]
        if self.task is Task.CLASSIFICATION:
            outcomes += [names.PROBABILITY_COLUMN, names.POSITIVE_COLUMN]
        try:
            check_config.load(msgspec.json.encode(self.checks), [*self.feature_names, *outcomes])
        except (check_config.CheckConfigError, TypeError) as error:
            raise UseCaseError(f"checks of use case {self.name}: {error}") from error

    def contract(self) -> Contract:
        """Return the contract as declared, without what training adds. Raises ContractError."""
        return Contract(
            use_case=self.name,
            task=self.task,
            id_field=self.id_field,
            payload_field=self.payload_field,
            features=list(self.features),
            target=self.target,
            model=ModelRef(name=self.model_name, version="0", run_id=""),
            data=DataRef(source="", sha256="", rows=0),
            segments=divided(self.segments, self.groups),
            groups=list(self.groups),
            value_names=dict(self.value_names),
            inputs=list(self.inputs),
        )

    @classmethod
    def named(cls, name_or_path: str) -> Self:
        """Return the use case of a name or file path. Raises UseCaseError."""
        path = Path(name_or_path)
        if path.suffix not in {".py", YAML}:
            path = FOLDER / f"{name_or_path}.py"
            path = path if path.is_file() else path.with_suffix(YAML)
        if not path.is_file():
            known = ", ".join(sorted(p.stem for end in (".py", YAML) for p in FOLDER.glob(f"[!_]*{end}")))
            raise UseCaseError(
                f"there is no use case {name_or_path!r}: name one of {known}, or the path of a Python or "
                "YAML file"
            )
        if path.suffix == YAML:
            from training import adopted  # noqa: PLC0415 (it imports this module)

            return cast("Self", adopted.use_case(path))
        return cls._load(path)

    @classmethod
    def _load(cls, path: Path) -> Self:
        spec = importlib.util.spec_from_file_location(f"scorewatch_use_case_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise UseCaseError(f"{path} can't be imported: name a .py file")
        module = importlib.util.module_from_spec(spec)
        with user_code(str(path)):
            spec.loader.exec_module(module)
        declared = getattr(module, "USE_CASE", None)
        if not isinstance(declared, cls):
            raise UseCaseError(f"{path} declares no USE_CASE: assign a UseCase to this name")
        return declared

    @property
    def model_name(self) -> str:
        """The registered model's name, such as scorewatch-green-taxi."""
        return f"{PROJECT}-{self.name.replace('_', '-')}"

    @property
    def feature_names(self) -> list[str]:
        """Feature names in the order the model takes them."""
        return [f.name for f in self.features]

    @property
    def sent(self) -> list[Field]:
        """Fields that a record has: the features that are not derived, then the inputs."""
        return features.sent(self.features, self.inputs)

    @property
    def columns(self) -> list[str]:
        """Columns of a prepared table: the fields sent, target and, when declared, time."""
        time = [self.time_column] if self.time_column else []
        return list(dict.fromkeys([*(f.name for f in self.sent), self.target.name, *time]))

    def model_rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the features as the model takes them."""
        return model_rows(self.features, rows)

    @property
    def parts(self) -> list[str]:
        """Every part the use case reads, each once."""
        return list(dict.fromkeys([*self.train, *self.validation, *(d.part for d in self.demos.values())]))

    def source(self, location: DataLocation | None = None, wanted: str | None = None) -> Source:
        """Return the source to read from. Raises SourceError."""
        return choose(self.sources, self.parts, location or DataLocation(), wanted)

    def demo_title(self, phase: Phase, source: str | None = None) -> str:
        """Return the title of a demo phase, with "real" or "synthetic"."""
        chosen = self.source(wanted=source)
        kind = "synthetic" if chosen.name == "synthetic" else "real"
        kind = "changed" if self.demos[phase].changed else kind
        _, left_out = self._demo_rows(phase, chosen, DataLocation())
        rest = f", {left_out:,} rows with a missing or wrong-typed feature left out" if left_out else ""
        return f"{self.demos[phase].title} ({kind}{rest})"

    def demo(
        self,
        phase: Phase,
        rows: int,
        *,
        seed: int = 0,
        source: str | None = None,
        location: DataLocation | None = None,
    ) -> pd.DataFrame:
        """Return `rows` unfiltered rows: id, fields sent, derived features, target, declared time.

        Rows that break a rule stay in, without a target. Where the part has fewer rows they are drawn with
        replacement. Ids differ between phases and seeds.
        """
        location = location or DataLocation()
        frame, _ = self._demo_rows(phase, self.source(location, source), location)
        drawn = frame.sample(rows, replace=rows > len(frame), random_state=seed).reset_index(drop=True)
        drawn.insert(0, self.id_field, self._ids(phase, seed, rows))
        return drawn

    def _demo_rows(self, phase: Phase, source: Source, location: DataLocation) -> tuple[pd.DataFrame, int]:
        """Return the rows of a phase that a record can carry, and the number of the others."""
        demo = self.demos[phase]
        frame = raw_part(self, demo.part, source, location)
        target = frame[self.target.name].where(valid(frame, self.rules))
        frame = frame.assign(**{self.target.name: target})
        if demo.select is not None:
            with user_code(f"select of the phase {phase!r}"):
                frame = demo.select(frame)
        sendable, _ = with_derived(self, column_types.sendable(self.sent, frame))
        if sendable.empty:
            raise DataError(f"the phase {phase!r} has no rows to send: correct its part or its select")
        return sendable, len(frame) - len(sendable)

    def _ids(self, phase: Phase, seed: int, rows: int) -> list[str] | list[int]:
        if self.id_dtype is DType.INT:
            first = (2 * seed + (phase == "drifted")) * 1_000_000 + 1
            return list(range(first, first + rows))
        return [f"{phase}-{seed}-{row:06d}" for row in range(1, rows + 1)]
