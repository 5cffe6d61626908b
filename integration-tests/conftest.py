"""One deployed stack for all integration tests, reached through AWS_ENDPOINT_URL alone.

Without that variable, the embedded AWS is started and the stack deployed to it, or LocalStack with
TARGET=localstack. With it, the stack must exist: `make deploy` with the same variable creates it. Only on a
LocalStack without ECR the tests deploy it themselves.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from contract.bundle import CONTRACT
from contract.lake import LakeReader
from contract.schema import Contract
from local import stack, traffic
from local.deadlines import Deadlines
from ops import alias, bundles, deploy, deployment
from tests import processes, sessions, target
from tests.iam.recorder import RENEW, VARIABLE, Recorder, is_shared
from training import pipeline, records
from training.use_case import UseCase

USE_CASE = os.environ.get("USE_CASE", "green_taxi")
# Set before any fixture sets it.
EXTERNAL = "AWS_ENDPOINT_URL" in os.environ
# Optional resources, off by default.
SETTINGS = {"http_enabled": True}
# Only the embedded AWS runs the channel's function where it reaches a webhook of the tests.
CHANNELS = {"notify_channels": {"team": {"webhook_hosts": ["127.0.0.1"]}}}
ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"
RECORDER = Recorder()


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: outputs, model contract, use case, clients."""

    outputs: dict[str, Any]
    contract: Contract
    use_case: UseCase
    plan_is_empty: Callable[[], bool]
    # The embedded AWS's work folder, None for another endpoint.
    work: Path | None = None

    def client(self, service: str) -> Any:
        return sessions.client(service)

    @property
    def deadlines(self) -> Deadlines:
        return Deadlines.of(self.outputs)

    def lake(self, root: str) -> LakeReader:
        return LakeReader(self.client("s3"), self.outputs["lake_bucket"], root)

    def records(self, phase: str, rows: int, seed: int) -> tuple[pd.DataFrame, list[bytes]]:
        """Return demo rows and the records made of them; ids differ by seed."""
        frame = self.use_case.demo(phase, rows, seed=seed)
        return frame, records.encode(self.contract, frame)

    def payload(self) -> dict[str, Any]:
        """Return a valid payload."""
        _, (line,) = self.records("normal", 1, seed=0)
        found: dict[str, Any] = json.loads(line)[self.contract.payload_field]
        return found

    def put(self, lines: list[bytes]) -> None:
        traffic.put_records(self.client("kinesis"), self.outputs["input_stream"], lines)

    @contextmanager
    def setting(self, output: str, name: str, value: str) -> Iterator[None]:
        """Set one environment variable of the function that an output names."""
        client, function = self.client("lambda"), self.outputs[output]
        before = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

        def configure(variables: dict[str, str]) -> None:
            client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
            client.get_waiter("function_updated_v2").wait(FunctionName=function)
            if output == "predict_function":
                client.publish_version(FunctionName=function)
                alias.serve_newest(client, self.outputs["release"])

        configure(before | {name: value})
        try:
            yield
        finally:
            configure(before)


def pytest_configure() -> None:
    target.check()


def pytest_runtest_logstart(nodeid: str) -> None:
    RECORDER.start(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> processes.Scheduling:
    return processes.Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    target.mark(items)
    if RENEW:
        items[:] = [item for item in items if is_shared(item.path)]
    # It compares the calls of all other tests of its process.
    items.sort(key=lambda item: item.path.stem == "test_iam")


@pytest.fixture(scope="session")
def recorder() -> Recorder:
    """Return the calls of all roles since the first test."""
    return RECORDER


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """Return the variables of the embedded stack that differ from the defaults."""
    return SETTINGS | CHANNELS


@pytest.fixture(scope="session", autouse=True)
def _data() -> Iterator[None]:
    """Train on real rides if present, on synthetic ones otherwise; record the calls of roles."""
    with pytest.MonkeyPatch.context() as patch:
        if "SCOREWATCH_DATA" not in os.environ and REAL_DATA.is_dir():
            patch.setenv("SCOREWATCH_DATA", str(REAL_DATA))
        patch.setenv(VARIABLE, str(RECORDER.file))
        yield


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    if EXTERNAL and not target.deploys_itself():
        outputs = deployment.outputs(USE_CASE)
        folder = bundles.bundle_directory(USE_CASE, outputs["model_version"])
        contract = Contract.read(folder / CONTRACT)
        wanted = deploy.variables(USE_CASE, outputs["model_version"], outputs)
        root = deployment.stack(USE_CASE)
        yield Deployment(outputs, contract, UseCase.named(USE_CASE), lambda: root.plan_is_empty(wanted))
        return
    with new_stack(tmp_path_factory.mktemp("stack")) as found:
        yield found


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Deployment]:
    """Return a stack that no other test uses, on an embedded AWS or LocalStack of its own."""
    if EXTERNAL:
        pytest.skip("the stack of AWS_ENDPOINT_URL is shared")
    with new_stack(tmp_path) as found:
        yield found


@contextmanager
def new_stack(work: Path) -> Iterator[Deployment]:
    """Train, apply to a target that the environment selects in the block, destroy at its end."""
    trained = pipeline.train(USE_CASE, work)
    with target.endpoint(work / "local") as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in endpoint.settings.items():
            patch.setenv(name, value)
        own = {} if target.LOCALSTACK else CHANNELS
        settings = SETTINGS | own | target.variables(endpoint)
        outputs = stack.deploy(endpoint, trained.bundle, **settings)
        contract = Contract.read(trained.bundle / CONTRACT)
        empty = partial(stack.plan_is_empty, endpoint, trained.bundle, **settings)
        embedded = None if target.LOCALSTACK else work
        yield Deployment(outputs, contract, UseCase.named(USE_CASE), empty, embedded)
        stack.destroy(endpoint, trained.bundle, **settings)
        assert outputs["input_stream"] not in endpoint.client("kinesis").list_streams()["StreamNames"]
