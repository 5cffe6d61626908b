"""The steps from rows to a champion, one function per step."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow.tracking import MlflowClient
from sklearn.pipeline import Pipeline

from contract import bundle
from contract.schema import Task
from training import gate, onnx_model, registry, store, tracking
from training.column_types import PRESENT
from training.contract_change import changes
from training.data import DataError, Table, load
from training.errors import UseCaseError, user_code
from training.evaluate import evaluate
from training.gate import Verdict
from training.lock import FILE, Lock
from training.sources import DEFAULT_WORKDIR, DataLocation
from training.store import Data, Fitted, Stored
from training.tracking import CHAMPION, RegistryError, Version
from training.use_case import Params, UseCase

WORKDIR = DEFAULT_WORKDIR
Progress = Callable[[str], None]
MIN_CLASSES = 2


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
    own_registry: bool = False,
    progress: Progress = print,
) -> Trained:
    """Train a use case, export its bundle and ask the gate.

    The model becomes champion if it passes. With `lock`, repeat that run: same source, parameters
    and rows, or DataError. With `own_registry`, the registry is that of `workdir`, whatever
    MLFLOW_TRACKING_URI is. Raises UseCaseError, SourceError, DataError and ExportError.
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
    fitted = fit(use_case, data, params, progress)
    with tracking.own_registry(enabled=own_registry):
        return finish(use_case, data, fitted, workdir, progress)


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
        for name in [field.name for field in use_case.sent]:
            if missing := table.dropped.get(f"{name}: {PRESENT}"):
                share = missing / table.raw_rows
                progress(
                    f"  a record without {name} is rejected when served: {share:.1%} of these rows; declare "
                    "nullable=True to score it"
                )
    return Data(tables["train"], tables["validation"], source.name)


def fit(use_case: UseCase, data: Data, params: Params | None = None, progress: Progress = print) -> Fitted:
    """Fit and evaluate the use case's pipeline. Raises ExportError when ONNX can't serve it."""
    if use_case.adopted and data.source == store.LAKE:
        raise UseCaseError(
            f"{use_case.name} was adopted, so it is not trained here: train it where it was trained, and "
            "adopt the new model under the same name"
        )
    chosen = use_case.params if params is None else params
    frame = data.train.frame
    return measure(use_case, data, fit_pipeline(use_case, chosen, frame), chosen, progress)


def fit_pipeline(use_case: UseCase, params: Params, frame: pd.DataFrame) -> Pipeline:
    """Return the use case's pipeline, fitted to `frame`. Raises DataError and UseCaseError."""
    target = frame[use_case.target.name]
    if use_case.task is Task.CLASSIFICATION and target.nunique() < MIN_CLASSES:
        raise DataError(
            f"the training rows have one class only, {target.iloc[0]}: choose parts with several classes"
        )
    with user_code("pipeline()"):
        pipeline = use_case.pipeline(params)
    if not isinstance(pipeline, Pipeline):
        raise UseCaseError(f"pipeline() returned {type(pipeline).__name__}: return a scikit-learn Pipeline")
    if use_case.adopted:
        return pipeline
    with user_code("fitting the pipeline", "encode each str feature and check the parameters"):
        return pipeline.fit(use_case.model_rows(frame), target)


def measure(use_case: UseCase, data: Data, pipeline: Pipeline, params: Params, progress: Progress) -> Fitted:
    """Convert and evaluate a fitted pipeline. Raises ExportError when ONNX can't serve it."""
    onnx, parity = onnx_model.export(use_case, pipeline, data.validation.frame)
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
        champion = tracking.by_alias(client, use_case.model_name, CHAMPION)
        verdict = _decide(use_case, fitted.pipeline, stored.version, champion, data.validation.frame)
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
        if changed := changes(registry.contract(challenger), use_case.contract()):
            raise RegistryError(
                f"{challenger.name} {challenger.version} was trained before the use case changed "
                f"({'; '.join(changed)}): train again, or restore the file"
            )
        verdict = _decide(use_case, tracking.load_pipeline(challenger), challenger, champion, rows)
        settle(client, challenger, verdict, progress)
    return verdict


def _decide(
    use_case: UseCase, pipeline: Pipeline, challenger: Version, champion: Version | None, rows: pd.DataFrame
) -> Verdict:
    """Return the verdict of the gate, and of the scorer on the stored bundle."""
    with registry.artifact(challenger, registry.BUNDLE) as folder:
        onnx = (folder / bundle.MODEL).read_bytes()
        served = gate.serving_check(folder)
    if not served.passed:
        return Verdict([served])
    changed = changes(registry.contract(champion), registry.contract(challenger)) if champion else []
    theirs = tracking.load_pipeline(champion) if champion and not changed else None
    verdict = gate.decide(use_case, pipeline, onnx, theirs, rows, changed)
    return Verdict([*verdict.checks, served])


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
