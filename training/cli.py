"""The commands of `python -m training` and their arguments."""

import argparse
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from contract.bundle import BundleError
from contract.schema import ContractError
from training import commands, pipeline, tracking, use_case
from training.errors import UserError
from training.tracking import CHALLENGER, CHAMPION

# Errors a user can fix; any other is a defect and shows its traceback.
EXPECTED = (BundleError, ContractError, UserError)
Run = Callable[[argparse.Namespace, Console], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    1 is an error, 3 a refusal by the gate.
    """
    options = parser().parse_args(arguments)
    console = Console(stderr=options.json, highlight=False, soft_wrap=True)
    try:
        run: Run = options.run
        with tracking.own_registry(enabled=options.own_registry):
            return run(options, console)
    except EXPECTED as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    root = argparse.ArgumentParser(prog="python -m training", description="Train, judge and export models.")
    adder = root.add_subparsers(required=True, metavar="COMMAND")
    _add_training(adder)
    _add_adoption(adder)
    _add_registry(adder)
    _add_compare(adder)
    _add_others(adder)
    return root


def _add_training(adder: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    train = _command(
        adder,
        commands.train,
        "train a use case, judge it against the champion and export its bundle",
        "train --use-case green_taxi",
        "train --use-case my/use_case.py --source folder --json | jq -r .bundle",
        "train --use-case green_taxi --lock .scorewatch/runs/scorewatch-green-taxi/1/data.lock",
    )
    _add_source(train)
    train.add_argument("--lock", type=Path, help="repeat the run that wrote this data.lock, or fail")
    search = _command(
        adder,
        commands.search,
        "search hyperparameters; the best becomes the challenger",
        "search --use-case green_taxi",
        "search --use-case white_wine --trials 20",
    )
    _add_source(search)
    search.add_argument("--trials", type=int, default=50, help="default: %(default)s")
    retrain = _command(
        adder,
        commands.retrain,
        "train a challenger on the newest labelled predictions of a lake and judge it",
        "retrain --use-case green_taxi --bucket my-lake --days 30",
        "retrain --use-case green_taxi --bucket my-lake || echo refused or failed",
    )
    retrain.add_argument("--days", type=int, default=30, help="how far back to read; default: %(default)s")
    retrain.add_argument(
        "--bucket", required=True, help="the lake's bucket; `python -m ops retrain` finds it"
    )


def _add_adoption(adder: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    adopt = _command(
        adder,
        commands.adopt,
        "infer the contract of a model that was trained elsewhere, and export its bundle",
        "adopt --model models:/cancer@champion --reference validation.csv --id-field patient --target benign",
        "adopt --model runs:/RUN/model --reference rows.parquet --id-field id --target y --name my_model",
        use_case=False,
    )
    adopt.add_argument("--model", required=True, help="MLflow URI, folder of an MLflow model, or .skops file")
    adopt.add_argument("--reference", type=Path, required=True, help="CSV or Parquet: rows with true values")
    adopt.add_argument("--id-field", required=True, help="name of a record's id")
    adopt.add_argument("--payload-field", default="input", help="field of the features; default: input")
    adopt.add_argument("--target", help="column of the true values")
    adopt.add_argument("--time", help="column of a row's time")
    adopt.add_argument("--segments", default="", help="categorical features, separated by commas")
    adopt.add_argument("--groups", default="", help="those between which errors must not move apart")
    adopt.add_argument("--name", help="name of the use case; default: made of the model's")
    adopt.add_argument("--folder", type=Path, default=use_case.FOLDER, help="default: training/use_cases")
    adopt.add_argument(
        "--model-registry", help="tracking URI to look the model up in; default: MLFLOW_TRACKING_URI"
    )
    adopt.add_argument(
        "--trust-pickle", action="store_true", help="load a model stored as a pickle, which runs its code"
    )


def _add_registry(adder: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    promote = _command(
        adder,
        commands.promote,
        "make the challenger champion, if it passes the gate",
        "promote --use-case green_taxi",
        "promote --use-case green_taxi --version 4 --anyway",
    )
    promote.add_argument("--version", default=CHALLENGER, help="a number or an alias; default: %(default)s")
    promote.add_argument("--anyway", action="store_true", help="promote without asking the gate")
    rollback = _command(
        adder,
        commands.rollback,
        "make an earlier version champion again",
        "rollback --use-case green_taxi --version 1",
    )
    rollback.add_argument("--version", required=True, help="the version's number")
    register = _command(
        adder,
        commands.register,
        "register the model of a run, such as the second best of a search, as challenger",
        "register --use-case green_taxi --run-id 4369585005324325b95874f4b29d56a4",
    )
    register.add_argument("--run-id", required=True, help="an MLflow run that holds a model")
    export = _command(
        adder,
        commands.export,
        "write the stored bundle of a version",
        "export --use-case green_taxi --version 2 --to /tmp/bundles",
    )
    export.add_argument("--version", default=CHAMPION, help="a number or an alias; default: %(default)s")
    export.add_argument("--to", type=Path, help="default: bundles in the work folder")


def _add_compare(adder: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    compare = _command(
        adder,
        commands.compare,
        "show every version with its alias and metric",
        "compare --use-case green_taxi",
        "compare --use-case green_taxi --json | jq '.[-1]'",
        "compare --use-case green_taxi --markdown --reports /tmp/reports",
    )
    compare.add_argument(
        "--markdown", action="store_true", help="the challenger, else the newest, beside the champion"
    )
    compare.add_argument("--reports", type=Path, help="folder for the training pages of those two versions")


def _add_others(adder: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    uri = _command(
        adder,
        commands.storage_uri,
        "print run, artifact location and version of an alias as JSON",
        "storage-uri --model-name scorewatch-green-taxi --alias champion | jq -r .source",
        "storage-uri --tracking-uri http://mlflow:5000 --model-name scorewatch-green-taxi --alias challenger",
        use_case=False,
    )
    uri.add_argument(
        "--tracking-uri", help="default: MLFLOW_TRACKING_URI, else the work folder's SQLite file"
    )
    uri.add_argument("--model-name", required=True)
    uri.add_argument("--alias", default=CHAMPION, help="default: %(default)s")
    new = _command(
        adder,
        commands.new_use_case,
        "write a commented starting file for your own model",
        "new-use-case flight_air_time",
        "new-use-case flight_air_time --folder my_models",
        use_case=False,
    )
    new.add_argument("name", help="lower case with underscores")
    new.add_argument("--folder", type=Path, default=use_case.FOLDER, help="default: training/use_cases")
    ui = _command(
        adder,
        commands.mlflow,
        "open the MLflow UI on the local registry",
        "mlflow --port 5001",
        use_case=False,
    )
    ui.add_argument("--port", type=int, default=5000, help="default: %(default)s")


def _command(
    adder: "argparse._SubParsersAction[argparse.ArgumentParser]",
    run: Run,
    about: str,
    *examples: str,
    use_case: bool = True,
) -> argparse.ArgumentParser:
    command = adder.add_parser(
        run.__name__.replace("_", "-"),
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog="examples:\n" + "\n".join(f"  python -m training {e}" for e in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if use_case:
        command.add_argument("--use-case", required=True, help="a name in training/use_cases, or a file")
    command.add_argument("--workdir", type=Path, default=pipeline.WORKDIR, help="default: %(default)s")
    command.add_argument(
        "--own-registry",
        action="store_true",
        help="use the registry in --workdir, whatever MLFLOW_TRACKING_URI is",
    )
    command.add_argument("--json", action="store_true", help="print one JSON line, and progress to stderr")
    command.set_defaults(run=run)
    return command


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", help="folder, download or synthetic; default: the first that can serve")
