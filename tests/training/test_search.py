from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from rich.console import Console

from tests.training.conftest import TINY
from training import pipeline, tracking
from training.search import Searched, inner, search
from training.sources import DataLocation
from training.use_case import UseCase


@pytest.fixture(scope="module")
def found(workdir: Path) -> Searched:
    return search(str(TINY), workdir, trials=12, progress=lambda _: None, console=Console(quiet=True))


@pytest.fixture(scope="module")
def runs(found: Searched, workdir: Path) -> list:
    assert found.trials == 12
    client = MlflowClient(tracking.tracking_uri(workdir))
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return client.search_runs([experiment.experiment_id])


def test_every_trial_is_a_nested_run_without_a_model(runs: list) -> None:
    parent = next(r for r in runs if r.data.tags.get("search") == "parent")
    trials = [r for r in runs if r.data.tags.get("search") == "trial"]
    assert len(trials) == 12
    for trial in trials:
        assert trial.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert trial.data.metrics["inner_rmse"] > 0
        assert trial.data.params["model"] in {"ridge", "tree"}
        assert not trial.outputs.model_outputs


def test_the_best_five_are_logged_with_models(found: Searched, runs: list) -> None:
    whole = {r.info.run_id: r for r in runs if r.outputs and r.outputs.model_outputs}
    assert set(whole) == {b["run_id"] for b in found.best}
    assert len(whole) == 5
    parameters = [str(b["params"]) for b in found.best]
    assert len(set(parameters)) == 5


def test_the_best_on_inner_rows_is_challenger_without_a_champion(
    found: Searched, runs: list, workdir: Path
) -> None:
    client = MlflowClient(tracking.tracking_uri(workdir))
    challenger = tracking.by_alias(client, "scorewatch-tiny", "challenger")
    assert challenger is not None
    assert challenger.version == found.challenger.version
    assert tracking.by_alias(client, "scorewatch-tiny", "champion") is None
    trials = [r for r in runs if r.data.tags.get("search") == "trial"]
    best = min(trials, key=lambda r: r.data.metrics["inner_rmse"])
    assert {k: str(v) for k, v in found.best[0]["params"].items()} == best.data.params


def test_trials_see_no_row_of_the_gate(tiny: UseCase, workdir: Path) -> None:
    data = pipeline.load_data(tiny, DataLocation(workdir=workdir), None, lambda _: None)
    trials = inner(tiny, data)
    sizes = [len(trials.train.frame), len(trials.validation.frame)]
    assert sum(sizes) == len(data.train.frame)
    assert sizes[1] == pytest.approx(0.25 * sum(sizes), abs=1)
    seen = set(trials.train.frame["time"]) | set(trials.validation.frame["time"])
    assert seen == set(data.train.frame["time"])
