"""The training steps as a Prefect flow: `python -m training.flow --help`.

Prefect is optional: the tasks call the functions of `training.pipeline`.
"""

import argparse
import os
from pathlib import Path

# No telemetry: training works offline.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, get_run_logger, task
from prefect.schedules import Cron

from training import pipeline
from training.pipeline import Trained
from training.sources import DataLocation
from training.store import Data, Fitted
from training.use_case import UseCase

RETRIES = 2
RETRY_SECONDS = 30


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS)
def load(use_case_name: str, workdir: Path, source: str | None) -> Data:
    """Load and validate rows; retried, since files come over the network."""
    return pipeline.load_data(
        UseCase.named(use_case_name), DataLocation(workdir=workdir), source, get_run_logger().info
    )


@task
def fit(use_case_name: str, data: Data) -> Fitted:
    """Fit, convert, evaluate."""
    return pipeline.fit(UseCase.named(use_case_name), data, progress=get_run_logger().info)


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS)
def finish(use_case_name: str, data: Data, fitted: Fitted, workdir: Path) -> Trained:
    """Store, judge and promote; retried, since the registry may be remote."""
    return pipeline.finish(UseCase.named(use_case_name), data, fitted, workdir, get_run_logger().info)


@flow(name="scorewatch-train")
def train(use_case_name: str, workdir: Path = pipeline.WORKDIR, source: str | None = None) -> Trained:
    """Train a use case, as `python -m training train` does."""
    data = load(use_case_name, workdir, source)
    return finish(use_case_name, data, fit(use_case_name, data), workdir)


def main(arguments: list[str] | None = None) -> int:
    """Run the flow once, or keep serving it on a schedule."""
    parser = argparse.ArgumentParser(
        prog="python -m training.flow",
        description=__doc__,
        epilog="examples:\n"
        "  python -m training.flow --use-case green_taxi\n"
        "  python -m training.flow --use-case green_taxi --cron '0 5 1 * *'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--use-case", required=True, help="a name in training/use_cases, or a file")
    parser.add_argument("--source", help="folder, download or synthetic; default: the first that can serve")
    parser.add_argument("--workdir", type=Path, default=pipeline.WORKDIR, help="default: %(default)s")
    parser.add_argument("--cron", help="keep running and train on this schedule (UTC), such as '0 5 1 * *'")
    options = parser.parse_args(arguments)
    given = {"use_case_name": options.use_case, "workdir": options.workdir, "source": options.source}
    if options.cron:
        train.serve(name=options.use_case, schedule=Cron(options.cron, timezone="UTC"), parameters=given)
        return 0
    trained = train(**given)
    print(f"bundle: {trained.bundle}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
