"""Adopt a fitted model: infer its contract, store it as a use case, export its bundle."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from contract.schema import DType, Feature, Kind, Task
from training import infer, model_files, pipeline
from training.adopted import Adopted
from training.errors import UserError, user_code
from training.infer import InferError
from training.model_rows import model_rows
from training.pipeline import Progress, Trained
from training.use_case import FOLDER, check_name

PAYLOAD = "input"
_FEW = 1_000
# Difference of predictions, relative to their size, that rounding explains.
_SAME = 1e-6
# Categories that the table shows.
_LEVELS = 5


class AdoptError(UserError, ValueError):
    """A model can't be adopted as asked; the message names the fix."""


@dataclass(frozen=True)
class Wanted:
    """What the user gives besides model and rows; `folder` gets the YAML file, model and reference."""

    name: str
    id_field: str
    payload_field: str = PAYLOAD
    target: str | None = None
    time: str | None = None
    segments: Sequence[str] = ()
    groups: Sequence[str] = ()
    source: str = "a notebook"
    folder: Path = FOLDER


def adopt(
    model: Any,
    features: pd.DataFrame,
    target: "pd.Series[Any]",
    *,
    id_field: str,
    name: str = "my_model",
    payload_field: str = PAYLOAD,
    segments: Sequence[str] = (),
    groups: Sequence[str] = (),
    folder: Path = FOLDER,
    workdir: Path = pipeline.WORKDIR,
    progress: Progress = print,
) -> Trained:
    """Adopt a fitted model from a notebook; `features` and `target` are rows it was not trained on.

    The rows become the reference. Raises AdoptError, InferError, ModelFileError and ExportError.
    """
    column = str(getattr(target, "name", None) or "target")
    if column in features.columns:
        raise AdoptError(f"the target's name {column!r} is also a feature: rename the target")
    rows = features.assign(**{column: np.asarray(target)})
    wanted = Wanted(
        name=name,
        id_field=id_field,
        payload_field=payload_field,
        target=column,
        segments=segments,
        groups=groups,
        folder=folder,
    )
    file = declare(model_files.Found(model_files.as_pipeline(model)), rows, wanted, progress)
    return pipeline.train(str(file), workdir, progress=progress)


def declare(found: model_files.Found, rows: pd.DataFrame, wanted: Wanted, progress: Progress) -> Path:
    """Write YAML file, model and reference of an adopted model; return the YAML file.

    Raises AdoptError, InferError and ModelFileError.
    """
    check_name(wanted.name)
    file = wanted.folder / f"{wanted.name}.yaml"
    if file.with_suffix(".py").exists():
        raise AdoptError(f"{file.with_suffix('.py')} is a use case of this name: give another --name")
    rows = rows.rename(columns=str)
    target = _target(rows, wanted, found)
    declared = _declaration(found, rows, wanted, target)
    columns = [*(f.name for f in declared.features), target, *([wanted.time] if wanted.time else [])]
    kept = infer.unmarked(rows[columns]).dropna(subset=[target]).reset_index(drop=True)
    if len(kept) < _FEW:
        progress(f"the reference has {len(kept):,} rows: below {_FEW:,}, only large drift alerts")
    wanted.folder.mkdir(parents=True, exist_ok=True)
    model_files.save(found.pipeline, wanted.folder / declared.model)
    kept.to_parquet(wanted.folder / declared.reference, index=False)
    file.write_bytes(declared.to_yaml())
    return file


def _target(rows: pd.DataFrame, wanted: Wanted, found: model_files.Found) -> str:
    """Return the target's column. Raises AdoptError."""
    if wanted.target is not None:
        if wanted.target not in rows.columns:
            raise AdoptError(
                f"the reference has no column {wanted.target!r}; its columns are {', '.join(rows.columns)}"
            )
        return wanted.target
    names = set(found.inputs) | set(map(str, getattr(found.pipeline, "feature_names_in_", ())))
    others = [name for name in rows.columns if name not in {*names, wanted.id_field, wanted.time}]
    if names and len(others) == 1:
        return str(others[0])
    raise AdoptError("give the column with the true values as --target: the reference must have it")


def _declaration(found: model_files.Found, rows: pd.DataFrame, wanted: Wanted, target: str) -> Adopted:
    other = [target, wanted.id_field, *([wanted.time] if wanted.time else [])]
    names = infer.taken(found.pipeline, rows, found.inputs, other)
    divided = [*wanted.segments, *wanted.groups]
    if unknown := [name for name in (*divided, wanted.time) if name and name not in rows.columns]:
        raise AdoptError(f"the reference has no column {unknown[0]!r}: correct segments, groups or time")
    if unused := [name for name in divided if name not in names]:
        raise AdoptError(
            f"column {unused[0]!r} is no input of the model, and the monitor keeps no other columns: "
            "segments and groups must be features"
        )
    task = Task.CLASSIFICATION if is_classifier(found.pipeline) else Task.REGRESSION
    plain = infer.unmarked(rows[names])
    declared = infer.features(plain, names, [*infer.encoded(found.pipeline), *divided])
    classes = found.pipeline.classes_ if task is Task.CLASSIFICATION else ()
    with user_code("the model, asked to predict the reference,", "check the reference's columns"):
        predicted = _numbers(found.pipeline, rows[names], task)
    _check_same(found.pipeline, plain, declared, predicted, task)
    ids = rows[wanted.id_field] if wanted.id_field in rows else pd.Series(dtype=object)
    return Adopted(
        name=wanted.name,
        title=wanted.name.replace("_", " ").capitalize(),
        source=wanted.source,
        model=f"{wanted.name}.skops",
        reference=f"{wanted.name}.parquet",
        task=task,
        id_field=wanted.id_field,
        payload_field=wanted.payload_field,
        target=infer.target(target, task, rows[target], classes),
        features=declared,
        change=infer.change(plain, declared, predicted),
        time=wanted.time,
        segments=list(wanted.segments),
        groups=list(wanted.groups),
        id_dtype=DType.INT if pd.api.types.is_integer_dtype(ids) else DType.STR,
    )


def _check_same(
    model: Pipeline, rows: pd.DataFrame, declared: Sequence[Feature], predicted: Any, task: Task
) -> None:
    """Raise AdoptError if the model predicts something else for values as the scorer passes them."""
    passed = [f for f in declared if f.nullable or f.dtype is DType.BOOL]
    if not passed:
        return
    names = ", ".join(f.name for f in passed)
    fix = (
        f"({names}): a missing text is the category (missing), a missing number NaN, a boolean 0 or 1; fit "
        "the pipeline on rows of this form, for example with .fillna('(missing)') or .astype(int)"
    )
    with user_code(f"the model, given values as scoring passes them {fix},", "then adopt it again"):
        found = _numbers(model, model_rows(declared, rows), task)
    different = int((np.abs(found - predicted) > _SAME * (1 + np.abs(predicted))).sum())
    if different:
        raise AdoptError(
            f"the model predicts {different:,} rows differently with values as scoring passes them {fix}"
        )


def _numbers(model: Pipeline, rows: pd.DataFrame, task: Task) -> Any:
    """Return predictions, or the probability of the last class."""
    if task is Task.REGRESSION:
        return np.asarray(model.predict(rows), dtype=np.float64).reshape(len(rows))
    if not hasattr(model, "predict_proba"):
        raise InferError(
            f"{type(model[-1]).__name__} gives no probabilities: wrap it in CalibratedClassifierCV"
        )
    return model.predict_proba(rows)[:, -1]


def table(declared: Adopted) -> list[tuple[str, str, str, str]]:
    """Return name, kind, type and values of each feature, and of the target."""
    lines = []
    for feature in declared.features:
        values = "any text"
        if feature.kind is Kind.NUMERIC:
            values = f"{feature.minimum:g} to {feature.maximum:g}"
        elif feature.categories is not None:
            levels = feature.categories
            rest = ", ..." if len(levels) > _LEVELS else ""
            values = f"{len(levels)} categories: {', '.join(map(str, levels[:_LEVELS]))}{rest}"
        elif feature.dtype is DType.BOOL:
            values = "true, false"
        values += ", may be missing" if feature.nullable else ""
        lines.append((feature.name, str(feature.kind), str(feature.dtype), values))
    labels = declared.target.labels
    outcome = "number" if labels is None else f"classes {', '.join(map(str, labels))}"
    return [*lines, (declared.target.name, "target", str(declared.task), outcome)]


def name_of(model: str) -> str:
    """Return a name for a use case, from the model's URI or file."""
    found = re.match(r"models:/([^/@]+)", model)
    stem = found[1] if found else Path(model).stem
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return name if name.isidentifier() else "my_model"
