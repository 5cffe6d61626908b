"""The steps from rows to a champion, each a plain function."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow.tracking import MlflowClient
from sklearn.pipeline import Pipeline

from contract import bundle
from training import gate, onnx_model, registry, store, tracking
from training.data import DataError, Table, load
from training.evaluate import evaluate
from training.gate import Verdict
from training.lock import FILE, Lock
from training.sources import DataLocation
from training.store import Data, Fitted, Stored
from training.tracking import CHAMPION, Version
from training.use_case import Params, UseCase

WORKDIR = Path(".scorewatch")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What a training run leaves: a bundle, the registered version, its metrics, its data's source.

    `champion` says whether it passed the gate, `refused` why it didn't; `page` is the run's report.
    """

    bundle: Path
    name: str
    version: str
    run_id: str
    metrics: dict[str, float]
    source: str
    champion: bool
    refused: list[str]
    page: Path


def train(
    use_case_name: str,
    workdir: Path = WORKDIR,
    *,
    source: str | None = None,
    params: Params | None = None,
    lock: Path | None = None,
    progress: Progress = print,
) -> Trained:
    """Train a use case, export its bundle and make it champion if it passes the gate.

    With `lock`, repeat the run that left it: same source, parameters and rows, or DataError.
    Raises UseCaseError, SourceError, DataError and ExportError, each saying what to change.
    """
    use_case = UseCase.named(use_case_name)
    locked = Lock.read(lock) if lock else None
    if locked is not None:
        if locked.use_case != use_case.name:
            raise DataError(f"{lock} is a lock of {locked.use_case}, not of {use_case.name}")
        source, params = locked.source, locked.params
        for package, versions in locked.other_packages().items():
            progress(f"{package}: {versions}; the metrics may differ")
    if lock is not None and source == store.LAKE:
        data = _kept_rows(lock.parent)
    else:
        data = load_data(use_case, DataLocation(workdir=workdir), source, progress)
    if locked is not None:
        locked.train.check("training", data.train)
        locked.validation.check("validation", data.validation)
    return finish(use_case, data, fit(use_case, data, params, progress), workdir, progress)


def load_data(use_case: UseCase, place: DataLocation, wanted: str | None, progress: Progress = print) -> Data:
    """Load and wrangle the rows, telling which source gave them and what each rule took away."""
    source = use_case.source(place, wanted)
    for passed in use_case.sources[: list(use_case.sources).index(source)]:
        reason = passed.missing(use_case.parts, place) or "another was asked for"
        progress(f"source {passed.name} not used: {reason}")
    tables = {}
    for role, parts in {"train": use_case.train, "validation": use_case.validation}.items():
        table = tables[role] = load(use_case, parts, source, place)
        progress(f"{role}: {len(table.frame):,} of {table.raw_rows:,} rows from {table.source}")
        for rule, rows in table.dropped.items():
            progress(f"  {rows:,} rows dropped by the rule: {rule}")
    return Data(tables["train"], tables["validation"], source.name)


def fit(use_case: UseCase, data: Data, params: Params | None = None, progress: Progress = print) -> Fitted:
    """Fit and evaluate the use case's pipeline. Raises ExportError when ONNX can't serve it."""
    chosen = use_case.params if params is None else params
    frame = data.train.frame
    pipeline = use_case.pipeline(chosen).fit(frame[use_case.feature_names], frame[use_case.target.name])
    return measure(use_case, data, pipeline, chosen, progress)


def measure(use_case: UseCase, data: Data, pipeline: Pipeline, params: Params, progress: Progress) -> Fitted:
    """Convert and evaluate a fitted pipeline. Raises ExportError when ONNX can't serve it."""
    onnx = onnx_model.convert(use_case, pipeline)
    parity = onnx_model.check_parity(use_case, pipeline, onnx, data.validation.frame)
    fitted = Fitted(
        params=params,
        pipeline=pipeline,
        onnx=onnx,
        parity=parity,
        train_metrics=evaluate(use_case, pipeline, data.train.frame),
        metrics=evaluate(use_case, pipeline, data.validation.frame),
    )
    progress(f"validated on {len(data.validation.frame):,} rows: {figures(fitted.metrics)}")
    progress(f"ONNX agrees with scikit-learn on every row: {parity.largest:.1e} apart at most")
    return fitted


def finish(
    use_case: UseCase, data: Data, fitted: Fitted, workdir: Path, progress: Progress = print
) -> Trained:
    """Keep a fitted model as challenger, judge it and, when it passes, make it champion."""
    with tracking.tracking(workdir, use_case.name) as client:
        logged = store.log(client, use_case, data, fitted, workdir)
        stored = store.register(client, use_case, data, fitted, logged, workdir)
        registry.challenge(client, stored.version)
        champion = _pipeline(tracking.by_alias(client, use_case.model_name, CHAMPION))
        verdict = gate.decide(use_case, fitted.pipeline, fitted.onnx, champion, data.validation.frame)
        settle(client, stored.version, verdict, progress)
        store.publish(client, use_case, data, fitted, stored, verdict=verdict)
    return trained(data, fitted, stored, verdict)


def trained(data: Data, fitted: Fitted, stored: Stored, verdict: Verdict | None) -> Trained:
    """Return what a run left; without a verdict the model is a challenger only."""
    version = stored.version
    return Trained(
        bundle=stored.bundle,
        name=version.name,
        version=version.version,
        run_id=version.run_id,
        metrics=fitted.metrics,
        source=data.source,
        champion=verdict is not None and verdict.passed,
        refused=verdict.reasons if verdict else [],
        page=stored.page,
    )


def promote(
    use_case_name: str,
    workdir: Path = WORKDIR,
    *,
    wanted: str = tracking.CHALLENGER,
    progress: Progress = print,
) -> Verdict:
    """Judge a version on the rows its run held out and, when it passes, make it champion.

    Raises RegistryError when there is no such version.
    """
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        challenger = registry.find(client, use_case, wanted)
        champion = tracking.by_alias(client, use_case.model_name, CHAMPION)
        if champion is not None and champion.version == challenger.version:
            progress(f"{champion.name} {champion.version} is champion already")
            return Verdict([])
        with registry.artifact(challenger, f"{registry.REPORT}/{registry.VALIDATION}") as path:
            rows = pd.read_parquet(path)
        with registry.artifact(challenger, f"{registry.BUNDLE}/{bundle.MODEL}") as path:
            onnx = path.read_bytes()
        pipeline = tracking.load_pipeline(challenger)
        verdict = gate.decide(use_case, pipeline, onnx, _pipeline(champion), rows)
        settle(client, challenger, verdict, progress)
    return verdict


def settle(client: MlflowClient, challenger: Version, verdict: Verdict, progress: Progress) -> None:
    """Make the challenger champion when the verdict lets it, and tell every check."""
    for check in verdict.checks:
        progress(f"  {'pass' if check.passed else 'FAIL'} {check.name}: {check.sentence}")
    if verdict.passed:
        registry.promote(client, challenger)
        progress(f"{challenger.name} {challenger.version} is champion")
    else:
        progress(f"{challenger.name} {challenger.version} is refused: the champion stays")


def register_run(
    use_case_name: str, run_id: str, workdir: Path = WORKDIR, *, progress: Progress = print
) -> Trained:
    """Register the model a run holds and make it challenger. Raises RegistryError without one."""
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        held = Version(use_case.model_name, "of a run", run_id, f"runs:/{run_id}/model")
        with registry.artifact(held, registry.REPORT) as report:
            lock = Lock.read(report / FILE)
            data = _kept_rows(report) if lock.source == store.LAKE else None
        data = data or load_data(use_case, DataLocation(workdir=workdir), lock.source, progress)
        lock.train.check("training", data.train)
        lock.validation.check("validation", data.validation)
        fitted = measure(use_case, data, tracking.load_pipeline(held), lock.params, progress)
        folder = store.write_tables(use_case, data, fitted, run_id, workdir)
        logged = store.Logged(run_id, held.source, folder)
        stored = store.register(client, use_case, data, fitted, logged, workdir)
        registry.challenge(client, stored.version)
        store.publish(client, use_case, data, fitted, stored, verdict=None)
    return trained(data, fitted, stored, None)


def export_bundle(use_case_name: str, wanted: str, workdir: Path = WORKDIR, to: Path | None = None) -> Path:
    """Write the bundle that a version's run kept, byte for byte, and return its folder.

    Raises RegistryError when there is no such version, BundleError when a file isn't the one exported.
    """
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        version = registry.find(client, use_case, wanted)
        with registry.artifact(version, registry.BUNDLE) as kept:
            entries = bundle.Manifest.from_json((kept / bundle.MANIFEST).read_bytes())
            for file in entries.files:
                entries.verify(file, (kept / file).read_bytes())
            folder = (to or workdir / "bundles") / version.name / version.version
            shutil.copytree(kept, folder, dirs_exist_ok=True)
    return folder


def figures(metrics: dict[str, float]) -> str:
    """Return metrics as people read them."""
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())


def _kept_rows(report: Path) -> Data:
    """Return the rows a run on the lake kept beside its lock."""
    tables = {}
    for role, file in {"older": store.TRAIN, "newest": registry.VALIDATION}.items():
        frame = pd.read_parquet(report / file)
        tables[role] = Table(frame, [role], f"{file} of the run", len(frame), {})
    return Data(tables["older"], tables["newest"], store.LAKE)


def _pipeline(version: Version | None) -> Pipeline | None:
    return tracking.load_pipeline(version) if version else None
