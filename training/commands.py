"""The commands of `python -m training`, after argument parsing."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from mlflow.tracking import MlflowClient
from rich.console import Console
from rich.table import Table

from contract.session import session
from training import comparison, pipeline, registry, tracking
from training.errors import UseCaseError
from training.pipeline import Progress, Trained
from training.sources import SourceError, read_table
from training.use_case import FOLDER, UseCase, check_name

REFUSED = 3
TEMPLATE = Path(__file__).with_name("use_case_template.py.txt")


def train(options: argparse.Namespace, console: Console) -> int:
    """Train a use case, judge the model and export its bundle."""
    trained = pipeline.train(
        options.use_case,
        options.workdir,
        source=options.source,
        lock=options.lock,
        progress=_progress(console),
    )
    return _finish(options, console, trained)


def search(options: argparse.Namespace, console: Console) -> int:
    """Search hyperparameters; the best model becomes challenger."""
    from training.search import search as run  # noqa: PLC0415 (Optuna only where it is used)

    found = run(
        options.use_case,
        options.workdir,
        trials=options.trials,
        source=options.source,
        progress=_progress(console),
        console=console,
    )
    if options.json:
        return _json(asdict(found))
    console.print(f"report: {_short(found.challenger.page)}")
    console.print(f"Next: make promote USE_CASE={options.use_case}")
    return 0


def promote(options: argparse.Namespace, console: Console) -> int:
    """Judge a version and make it champion when it passes."""
    if options.anyway:
        return rollback(options, console)
    verdict = pipeline.promote(
        options.use_case, options.workdir, wanted=options.version, progress=_progress(console)
    )
    if options.json:
        _json({"passed": verdict.passed, **asdict(verdict)})
    elif verdict.passed:
        console.print(f"Next: make deploy USE_CASE={options.use_case}")
    return 0 if verdict.passed else REFUSED


def rollback(options: argparse.Namespace, console: Console) -> int:
    """Make a version champion without asking the gate."""
    use_case = UseCase.named(options.use_case)
    with tracking.tracking(options.workdir, use_case.name) as client:
        version = registry.find(client, use_case, options.version)
        registry.promote(client, version)
    console.print(f"{version.name} {version.version} is champion")
    console.print(f"Next: make deploy USE_CASE={options.use_case}")
    return 0


def register(options: argparse.Namespace, console: Console) -> int:
    """Register the model of a run as challenger."""
    trained = pipeline.register_run(
        options.use_case, options.run_id, options.workdir, progress=_progress(console)
    )
    if options.json:
        return _json(asdict(trained))
    console.print(f"Next: make promote USE_CASE={options.use_case}")
    return 0


def storage_uri(options: argparse.Namespace, console: Console) -> int:
    """Print run id, artifact URI and version of an alias as JSON."""
    del console
    uri = options.tracking_uri or tracking.tracking_uri(options.workdir)
    client = MlflowClient(uri)
    version = tracking.by_alias(client, options.model_name, options.alias)
    if version is None:
        raise tracking.RegistryError(
            f"{uri} has no {options.model_name} with alias {options.alias}: train one, or see compare"
        )
    sys.stdout.write(registry.storage_uri(client, version) + "\n")
    return 0


def export(options: argparse.Namespace, console: Console) -> int:
    """Write a version's bundle to a folder."""
    folder = pipeline.export_bundle(options.use_case, options.version, options.workdir, options.to)
    if options.json:
        return _json({"bundle": folder})
    console.print(f"bundle: {_short(folder)}")
    return 0


def compare(options: argparse.Namespace, console: Console) -> int:
    """Print every version with its alias and its metric."""
    use_case = UseCase.named(options.use_case)
    with tracking.tracking(options.workdir, use_case.name) as client:
        found = registry.versions(client, use_case)
        if options.reports:
            comparison.save_reports(client, use_case, options.reports)
        if options.markdown:
            print(comparison.markdown(client, use_case))
            return 0
    if options.json:
        return _json(found.to_dict("records"))
    table = Table(*found.columns[:-1], title=use_case.model_name)
    for row in found.itertuples(index=False):
        table.add_row(*(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row[:-1]))
    console.print(table)
    return 0


def retrain(options: argparse.Namespace, console: Console) -> int:
    """Train a challenger on the lake's newest labelled predictions and judge it."""
    from training.retrain import retrain as run  # noqa: PLC0415 (DuckDB only where it is used)

    try:
        trained = run(
            options.use_case,
            session().client("s3"),
            options.bucket,
            options.workdir,
            days=options.days,
            progress=_progress(console),
        )
    except (BotoCoreError, ClientError) as error:
        raise SourceError(
            f"s3://{options.bucket} can't be read ({error}): check --bucket and the AWS credentials"
        ) from error
    return _finish(options, console, trained) or (0 if trained.champion else REFUSED)


def adopt(options: argparse.Namespace, console: Console) -> int:
    """Infer a stored model's contract, write it as a use case and export its bundle."""
    from training import adopt as adoption  # noqa: PLC0415 (only here)
    from training import adopted, model_files  # noqa: PLC0415 (as above)

    with tracking.looked_up_in(options.model_registry or tracking.tracking_uri(options.workdir)):
        found = model_files.load(options.model, trust_pickle=options.trust_pickle)
    if not options.reference.is_file():
        raise UseCaseError(f"there is no reference {options.reference}: give a CSV or Parquet file")
    wanted = adoption.Wanted(
        name=options.name or adoption.name_of(options.model),
        id_field=options.id_field,
        payload_field=options.payload_field,
        target=options.target,
        time=options.time,
        segments=[name for name in options.segments.split(",") if name],
        groups=[name for name in options.groups.split(",") if name],
        source=options.model,
        folder=options.folder,
    )
    file = adoption.declare(found, read_table(options.reference), wanted, _progress(console))
    declared = adopted.read(file)
    shown = Table("name", "kind", "type", "values", title="contract, inferred", title_justify="left")
    for line in adoption.table(declared):
        shown.add_row(*line)
    console.print(shown)
    options.use_case = wanted.name if wanted.folder == FOLDER else str(file)
    console.print(f"{_short(file)}: correct it there, then run make train USE_CASE={options.use_case}")
    trained = pipeline.train(str(file), options.workdir, progress=_progress(console))
    return _finish(options, console, trained) or (0 if trained.champion else REFUSED)


def new_use_case(options: argparse.Namespace, console: Console) -> int:
    """Write a commented use case file from the template."""
    folder: Path = options.folder
    check_name(options.name)
    path = folder / f"{options.name}.py"
    if path.exists():
        raise UseCaseError(f"{path} exists: choose another name, or edit it")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.read_text().replace("my_model", options.name))
    named = options.name if folder == FOLDER else path
    console.print(f"{path} is written: its comments list what to fill in")
    console.print(f"Next: python -m training train --use-case {named}")
    return 0


def mlflow(options: argparse.Namespace, console: Console) -> int:
    """Replace this process with the MLflow UI."""
    uri = tracking.tracking_uri(options.workdir)
    console.print(f"MLflow on http://127.0.0.1:{options.port} shows {uri}; Ctrl-C stops it")
    store = ["--backend-store-uri", uri, "--default-artifact-root", tracking.artifact_root(options.workdir)]
    server = ["--host", "127.0.0.1", "--port", str(options.port), "--workers", "1"]
    # exec leaves no parent process, so the terminal's signals reach the server.
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *store, *server])  # noqa: S606


def _finish(options: argparse.Namespace, console: Console, trained: Trained) -> int:
    if options.json:
        return _json(asdict(trained))
    console.print(f"bundle: {_short(trained.bundle)}")
    console.print(f"report: {_short(trained.page)}")
    if trained.champion:
        console.print(f"Next: make demo USE_CASE={options.use_case}, or make mlflow to look at the run")
    else:
        console.print("Next: look at the report; python -m training promote --anyway skips the gate")
    return 0


def _short(path: Path) -> Path:
    """Return the path relative to the current folder where it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _json(result: Any) -> int:
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    return 0


def _progress(console: Console) -> Progress:
    return lambda line: console.print(line, markup=False)
