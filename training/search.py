"""Hyperparameter search: trials as nested runs, the best five with models."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import optuna
from mlflow.tracking import MlflowClient
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from sklearn.model_selection import train_test_split

from training import pipeline, registry, store, tracking
from training.errors import UseCaseError, user_code
from training.evaluate import MAIN_METRIC, evaluate
from training.onnx_graph import ExportError
from training.pipeline import Progress, Trained
from training.sources import DataLocation
from training.store import Data, Fitted, Logged
from training.use_case import Params, UseCase

TRIALS = 50
KEPT = 5
INNER_SHARE = 0.25
PARAMS = "params"


@dataclass(frozen=True)
class Searched:
    """Result of a search: the challenger and the best runs, best first."""

    challenger: Trained
    best: list[dict[str, Any]]
    trials: int


def search(
    use_case_name: str,
    workdir: Path = pipeline.WORKDIR,
    *,
    trials: int = TRIALS,
    source: str | None = None,
    progress: Progress = print,
    console: Console | None = None,
) -> Searched:
    """Try `trials` parameter sets and register the best as challenger.

    The best five are logged with their models. Trials are compared on a part of the training rows,
    so the gate's rows stay unseen. Raises UseCaseError without a search space, and what training raises.
    """
    use_case = UseCase.named(use_case_name)
    if use_case.search_space is None:
        raise UseCaseError(f"{use_case.name} declares no search_space: add one to its file")
    data = pipeline.load_data(use_case, DataLocation(workdir=workdir), source, progress)
    with tracking.tracking(workdir, use_case.name) as client:
        with mlflow.start_run(run_name="search", tags={**store.tags(use_case, data), "search": "parent"}):
            study = _optimize(use_case, inner(use_case, data), trials, console)
            metric = MAIN_METRIC[use_case.task][0]
            mlflow.log_metric(f"inner_{metric}", study.best_value)
            progress(f"best of {trials} trials: {metric} {study.best_value:.4g} on held-out training rows")
            kept = _refit(client, use_case, data, study, workdir, progress)
        fitted, logged = kept[0]
        stored = store.register(client, use_case, data, fitted, logged, workdir)
        registry.challenge(client, stored.version)
        store.publish(client, use_case, data, fitted, stored, verdict=None)
    progress(f"{stored.version.name} {stored.version.version} is challenger")
    best = [{"run_id": run.run_id, "metrics": f.metrics, "params": f.params} for f, run in kept]
    return Searched(pipeline.trained(data, fitted, stored, None), best, trials)


def inner(use_case: UseCase, data: Data) -> Data:
    """Return the training rows, a quarter of them held out for trials."""
    learned, held_out = train_test_split(
        data.train.frame, test_size=INNER_SHARE, random_state=use_case.seed, shuffle=True
    )
    train, validation = (
        replace(data.train, frame=part.reset_index(drop=True)) for part in (learned, held_out)
    )
    return Data(train, validation, data.source)


def _optimize(use_case: UseCase, data: Data, trials: int, console: Console | None) -> optuna.Study:
    optuna.logging.set_verbosity(logging.WARNING)
    metric, more_is_better = MAIN_METRIC[use_case.task]
    study = optuna.create_study(
        direction="maximize" if more_is_better else "minimize",
        sampler=optuna.samplers.TPESampler(seed=use_case.seed),
    )
    columns = (TextColumn("search"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with ProgressBar(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("", total=trials)

        def advance(study: optuna.Study, _: optuna.trial.FrozenTrial) -> None:
            bar.update(task, advance=1, description=f"best {metric} {study.best_value:.4g}")

        study.optimize(lambda trial: _try(use_case, data, trial), n_trials=trials, callbacks=[advance])
    return study


def _try(use_case: UseCase, data: Data, trial: optuna.Trial) -> float:
    """Fit one parameter set and log it as a nested run."""
    assert use_case.search_space is not None  # noqa: S101 (search() has checked)
    with user_code("search_space()"):
        params = use_case.search_space(trial)
    trial.set_user_attr(PARAMS, params)
    frame = data.train.frame
    fitted = pipeline.fit_pipeline(use_case, params, frame)
    found = evaluate(use_case, fitted, data.validation.frame)
    with mlflow.start_run(run_name=f"trial-{trial.number}", nested=True, tags={"search": "trial"}):
        mlflow.log_params(params)
        mlflow.log_metrics({f"inner_{name}": value for name, value in found.items()})
    return found[MAIN_METRIC[use_case.task][0]]


def _refit(
    client: MlflowClient,
    use_case: UseCase,
    data: Data,
    study: optuna.Study,
    workdir: Path,
    progress: Progress,
) -> list[tuple[Fitted, Logged]]:
    """Refit the best sets ONNX can serve and log them with models."""
    kept: list[tuple[Fitted, Logged]] = []
    for params in ranked(study):
        try:
            fitted = pipeline.fit(use_case, data, params, lambda _: None)
        except ExportError as error:
            progress(f"skipped {params}: {error}")
            continue
        kept.append((fitted, store.log(client, use_case, data, fitted, workdir)))
        progress(f"  {len(kept)}. {pipeline.figures(fitted.metrics)} with {params}")
        if len(kept) == KEPT:
            break
    if not kept:
        raise ExportError("none of the parameter sets can be served as ONNX: the reasons are listed above")
    return kept


def ranked(study: optuna.Study) -> list[Params]:
    """Return the distinct parameter sets, best first."""
    better = -1 if study.direction is optuna.study.StudyDirection.MAXIMIZE else 1
    trials = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    found: list[Params] = []
    for trial in sorted(trials, key=lambda t: better * t.values[0]):
        if trial.user_attrs[PARAMS] not in found:
            found.append(trial.user_attrs[PARAMS])
    return found
