"""The steps from rows to a champion, one function per step."""

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
    """Results of a training run.

    `champion` is true if it passed the gate, `refused` has the reasons if not; `page` is the report.
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
    """Train a use case, export its bundle and ask the gate.

    The model becomes champion if it passes. With `lock`, repeat that run: same source, parameters
    and rows, or DataError. Raises UseCaseError, SourceError, DataError and ExportError.
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
        data = _stored_rows(lock.parent)
    else:
        data = load_data(use_case, DataLocation(workdir=workdir), source, progress)
    if locked is not None:
        locked.train.check("training", data.train)
        locked.validation.check("validation", data.validation)
    return finish(use_case, data, fit(use_case, data, params, progress), workdir, progress)


def load_data(
    use_case: UseCase, location: DataLocation, wanted: str | None, progress: Progress = print
) -> Data:
    """Load and validate rows; report the source and each rule's count."""
    source = use_case.source(location, wanted)
    for skipped in use_case.sources[: list(use_case.sources).index(source)]:
        reason = skipped.missing(use_case.parts, location) or "another one was requested"
        progress(f"source {skipped.name} not used: {reason}")
    tables = {}
    for role, parts in {"train": use_case.train, "validation": use_case.validation}.items():
        table = tables[role] = load(use_case, parts, source, location)
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
    progress(f"ONNX agrees with scikit-learn on every row, at most {parity.largest:.1e} apart")
    return fitted


def finish(
    use_case: UseCase, data: Data, fitted: Fitted, workdir: Path, progress: Progress = print
) -> Trained:
    """Register a fitted model as challenger; promote it if the gate passes."""
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
    """Return a run's results; without a verdict the model is challenger."""
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
    """Judge a version on its held-out rows; promote it if it passes.

    Raises RegistryError when there is no such version.
    """
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        challenger = registry.find(client, use_case, wanted)
        champion = tracking.by_alias(client, use_case.model_name, CHAMPION)
        if champion is not None and champion.version == challenger.version:
            progress(f"{champion.name} {champion.version} is already champion")
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
    """Report every check and promote the challenger if all passed."""
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
    """Register the model of a run as challenger. Raises RegistryError."""
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        logged = Version(use_case.model_name, "of a run", run_id, f"runs:/{run_id}/model")
        with registry.artifact(logged, registry.REPORT) as report:
            lock = Lock.read(report / FILE)
            data = _stored_rows(report) if lock.source == store.LAKE else None
        data = data or load_data(use_case, DataLocation(workdir=workdir), lock.source, progress)
        lock.train.check("training", data.train)
        lock.validation.check("validation", data.validation)
        fitted = measure(use_case, data, tracking.load_pipeline(logged), lock.params, progress)
        folder = store.write_tables(use_case, data, fitted, run_id, workdir)
        run = store.Logged(run_id, logged.source, folder)
        stored = store.register(client, use_case, data, fitted, run, workdir)
        registry.challenge(client, stored.version)
        store.publish(client, use_case, data, fitted, stored, verdict=None)
    return trained(data, fitted, stored, None)


def export_bundle(use_case_name: str, wanted: str, workdir: Path = WORKDIR, to: Path | None = None) -> Path:
    """Write the stored bundle of a version and return its folder.

    Raises RegistryError for an unknown version, BundleError where a file was changed.
    """
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        version = registry.find(client, use_case, wanted)
        with registry.artifact(version, registry.BUNDLE) as stored:
            entries = bundle.Manifest.from_json((stored / bundle.MANIFEST).read_bytes())
            for file in entries.files:
                entries.verify(file, (stored / file).read_bytes())
            folder = (to or workdir / "bundles") / version.name / version.version
            shutil.copytree(stored, folder, dirs_exist_ok=True)
    return folder


def figures(metrics: dict[str, float]) -> str:
    """Return metrics as text, three decimals each."""
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())


def _stored_rows(report: Path) -> Data:
    """Return the rows that a lake run stored next to its lock."""
    tables = {}
    for role, file in {"older": store.TRAIN, "newest": registry.VALIDATION}.items():
        frame = pd.read_parquet(report / file)
        tables[role] = Table(frame, [role], f"{file} of the run", len(frame), {})
    return Data(tables["older"], tables["newest"], store.LAKE)


def _pipeline(version: Version | None) -> Pipeline | None:
    return tracking.load_pipeline(version) if version else None
