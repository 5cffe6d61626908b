"""Write the bundle of a version: the files scoring and monitoring read."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
import pyarrow as pa

from contract import bundle, events
from contract.schema import Contract, DataRef, DType, Kind, ModelRef, Task, divided
from contract.target import BINARY
from lambda_predict.model import Model
from training.data import Table
from training.errors import UseCaseError
from training.model_rows import plain
from training.tracking import Version

if TYPE_CHECKING:
    from training.use_case import UseCase

REFERENCE_ROWS = 10_000


@dataclass(frozen=True)
class Exported:
    """Inputs of one version's bundle."""

    version: Version
    onnx: bytes
    train: Table
    validation: Table
    metrics: dict[str, Any]


def make_contract(use_case: "UseCase", exported: Exported) -> Contract:
    """Return the contract of a version: the declaration and the observed categories."""
    frame = exported.train.frame
    features = [
        msgspec.structs.replace(f, categories=sorted(set(plain(frame[f.name])) - {None}))
        if f.kind is Kind.CATEGORICAL and f.dtype is not DType.BOOL and f.categories is None
        else f
        for f in use_case.features
    ]
    target = use_case.target
    if use_case.task is Task.CLASSIFICATION and target.labels is None:
        target = msgspec.structs.replace(target, labels=sorted(frame[target.name].unique().tolist()))
    if target.labels is not None and len(target.labels) == BINARY and target.positive is None:
        target = msgspec.structs.replace(target, positive=max(target.labels))
    version = exported.version
    return Contract(
        use_case=use_case.name,
        task=use_case.task,
        id_field=use_case.id_field,
        payload_field=use_case.payload_field,
        features=features,
        target=target,
        model=ModelRef(name=version.name, version=version.version, run_id=version.run_id),
        data=DataRef(source=exported.train.source, sha256=exported.train.sha256, rows=len(frame)),
        segments=divided(use_case.segments, use_case.groups),
        groups=list(use_case.groups),
        value_names=dict(use_case.value_names),
        inputs=list(use_case.inputs),
    )


def write(use_case: "UseCase", exported: Exported, bundles: Path) -> Path:
    """Write the bundle of a version and return its folder.

    An earlier bundle of that version under `bundles` is replaced.
    """
    folder = bundles / exported.version.name / exported.version.version
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    contract = make_contract(use_case, exported)
    reference = _reference(use_case, contract, exported)
    (partial / bundle.MODEL).write_bytes(exported.onnx)
    (partial / bundle.CONTRACT).write_bytes(contract.to_json())
    reference.to_parquet(partial / bundle.REFERENCE, index=False)
    (partial / bundle.THRESHOLDS).write_bytes(_thresholds(use_case, contract, reference))
    if use_case.checks:
        (partial / bundle.CHECKS).write_bytes(_checks(use_case, contract, reference))
    (partial / bundle.METRICS).write_text(json.dumps(exported.metrics, indent=2, default=str) + "\n")
    bundle.write_manifest(partial, exported.version.name, exported.version.version)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return folder


def _reference(use_case: "UseCase", contract: Contract, exported: Exported) -> pd.DataFrame:
    """Return up to 10,000 validation rows with the bundle's predictions."""
    rows = exported.validation.frame
    if len(rows) > REFERENCE_ROWS:
        rows = rows.sample(REFERENCE_ROWS, random_state=use_case.seed).sort_index()
    rows = rows.reset_index(drop=True)
    name = use_case.target.name
    served = Model(contract, exported.onnx).predict([plain(rows[f]) for f in contract.feature_names])
    reference = rows[contract.feature_names].copy()
    reference[bundle.PREDICTION_COLUMN] = [p[name] for p in served]
    reference[bundle.TARGET_COLUMN] = rows[name]
    if (probability := bundle.probability_column(contract)) is not None:
        reference[probability] = [events.monitored_probability(contract, p) for p in served]
    for field in contract.inputs:
        reference[bundle.input_column(field.name)] = rows[field.name]
    if use_case.time_column:
        reference[bundle.TIME_COLUMN] = rows[use_case.time_column]
    return reference


def _thresholds(use_case: "UseCase", contract: Contract, reference: pd.DataFrame) -> bytes:
    """Return thresholds.json, from resampled windows of the reference."""
    from training.calibration.thresholds import compute  # noqa: PLC0415 (only an export needs scipy)

    computed: bytes = compute(
        reference,
        contract,
        window_rows=use_case.window_rows,
        false_alarm_rate=use_case.false_alarm_rate,
        seed=use_case.seed,
    )
    return computed


def _checks(use_case: "UseCase", contract: Contract, reference: pd.DataFrame) -> bytes:
    """Return checks.json, its SQL tried on the reference. Raises UseCaseError."""
    from lambda_monitor import check_config  # noqa: PLC0415 (only an export with checks needs DuckDB)
    from lambda_monitor.checks import custom  # noqa: PLC0415 (as above)

    data = msgspec.json.format(msgspec.json.encode(use_case.checks), indent=2) + b"\n"
    rows = pa.Table.from_pandas(reference, preserve_index=False)
    try:
        custom.rehearse(contract, rows, check_config.load(data, rows.column_names).custom)
    except (check_config.CheckConfigError, custom.CustomError) as error:
        raise UseCaseError(f"checks of use case {use_case.name}: {error}") from error
    return data
