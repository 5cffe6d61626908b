"""Runtime executor: image functions as execution environments of LocalStack."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

_LAMBDA = "localstack.services.lambda_.invocation"
# As LocalStack's ExecutionEnvironment.get_environment_variables returns them; numbers are not texts.
VARIABLES = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 512,
    "AWS_ACCESS_KEY_ID": "LSIA1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "LOCALSTACK_RUNTIME_ID": "1",
}


@dataclass
class InvocationResult:
    """The fields of LocalStack's class."""

    request_id: str
    payload: bytes | None
    is_error: bool
    logs: str | None
    executed_version: str | None = None


class Base:
    """LocalStack's RuntimeExecutor: its constructor keeps both arguments."""

    def __init__(self, id: str, function_version: Any) -> None:  # noqa: A002
        self.id, self.function_version = id, function_version


@dataclass
class Runtime:
    """A process that answers and logs as told."""

    arguments: tuple[Any, ...]
    reply: dict[str, Any] = field(default_factory=lambda: {"body": {"ok": True}})
    calls: list[Any] = field(default_factory=list)
    closed: bool = False

    def invoke(self, config: Mapping[str, Any], event: Any, credentials: Mapping[str, str]) -> dict[str, Any]:
        self.calls.append((config, event, credentials))
        logs = self.arguments[2]
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{config['FunctionName']}.log").open("a") as log:
            log.write(f"invocation {len(self.calls)}\n")
        return self.reply

    def close(self) -> None:
        self.closed = True


def version(**changes: Any) -> Any:
    config = SimpleNamespace(
        image=SimpleNamespace(image_uri="registry/scorewatch-x-predict:1"),
        image_config=SimpleNamespace(command=["package.handler"]),
        timeout=60,
        memory_size=512,
        ephemeral_storage=SimpleNamespace(size=1024),
        environment={"MODEL_NAME": "m"},
    )
    vars(config).update(changes)
    return SimpleNamespace(
        id=SimpleNamespace(function_name="f", qualifier="3"), config=config, qualified_arn="arn:f"
    )


@pytest.fixture
def executor(load: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Import the module with LocalStack's names, and processes that are stand-ins."""
    contents = {
        "localstack": {"config": SimpleNamespace(GATEWAY_LISTEN=[SimpleNamespace(port=4566)])},
        f"{_LAMBDA}.lambda_models": {"FunctionVersion": object, "InvocationResult": InvocationResult},
        f"{_LAMBDA}.plugins": {"RuntimeExecutorPlugin": object},
        f"{_LAMBDA}.runtime_executor": {"RuntimeExecutor": Base},
    }
    module: ModuleType = load("local.localstack.executor", contents)
    monkeypatch.setattr(module, "Runtime", lambda *arguments: Runtime(arguments))
    for name, value in {module.IMAGES: "i.json", module.EMULATOR: "rie", module.LOGS: tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    return module


Started = Callable[..., tuple[Any, Runtime]]


@pytest.fixture
def started(executor: ModuleType) -> Started:
    def start(**changes: Any) -> tuple[Any, Runtime]:
        found = executor.ImageExecutor("id-1", version(**changes))
        found.start(VARIABLES)
        return found, found._runtime

    return start


def payload(event: Any) -> dict[str, str]:
    return {"invoke-id": "request-1", "payload": json.dumps(event), "trace-id": "Root=1"}


def test_an_invocation_has_the_functions_configuration_and_its_roles_credentials(started: Started) -> None:
    found, runtime = started()
    result = found.invoke(payload({"Records": []}))
    ((config, event, credentials),) = runtime.calls
    assert (result.request_id, json.loads(result.payload), result.is_error) == (
        "request-1",
        {"ok": True},
        False,
    )
    assert config == {
        "FunctionName": "f",
        "Version": "3",
        "ImageUri": "registry/scorewatch-x-predict:1",
        "ImageConfig": {"Command": ["package.handler"]},
        "Timeout": 60,
        "MemorySize": 512,
        "EphemeralStorage": {"Size": 1024},
        "Environment": {"Variables": {"MODEL_NAME": "m"}},
    }
    assert event == {"Records": []}
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    assert credentials == {name: VARIABLES[name] for name in names}
    # What LocalStack adds for its own runtime does not reach the function.
    names = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
    assert runtime.arguments[3] == {name: VARIABLES[name] for name in names}


def test_an_error_of_the_function_is_an_error_of_the_invocation(started: Started) -> None:
    found, runtime = started()
    runtime.reply = {"body": {"errorType": "ValueError"}, "error": True, "function_error": "Unhandled"}
    result = found.invoke(payload({}))
    assert result.is_error
    assert json.loads(result.payload) == {"errorType": "ValueError"}


@pytest.mark.parametrize("config", [{"image_config": None}, {"environment": None}])
def test_options_of_a_function_may_be_missing(started: Started, config: dict[str, Any]) -> None:
    found, runtime = started(**config)
    found.invoke(payload({}))
    (given, _, _) = runtime.calls[0]
    assert given["ImageConfig"] == ({} if "image_config" in config else {"Command": ["package.handler"]})
    assert given["Environment"]["Variables"] == ({} if "environment" in config else {"MODEL_NAME": "m"})


def test_an_empty_payload_is_null(started: Started) -> None:
    found, runtime = started()
    found.invoke({"invoke-id": "1", "payload": ""})
    assert runtime.calls[0][1] is None


def test_a_result_has_the_log_of_its_invocation_only(started: Started) -> None:
    found, _ = started()
    assert found.get_logs() == ""
    results = [found.invoke(payload({})).logs for _ in range(2)]
    assert results == ["invocation 1\n", "invocation 2\n"]
    assert found.get_logs() == "invocation 1\ninvocation 2\n"


def test_each_execution_environment_has_a_log_of_its_own(executor: ModuleType) -> None:
    both = [executor.ImageExecutor(id, version()) for id in ("a", "b")]  # noqa: A001
    for one in both:
        one.start(VARIABLES)
        one.invoke(payload({}))
    assert [one.get_logs() for one in both] == ["invocation 1\n"] * 2


def test_stopping_ends_the_process(started: Started, executor: ModuleType) -> None:
    found, runtime = started()
    found.stop()
    assert runtime.closed
    executor.ImageExecutor("id-2", version()).stop()


def test_an_invocation_before_the_start_is_an_error(executor: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="before it was started"):
        executor.ImageExecutor("id-1", version()).invoke(payload({}))


def test_a_function_without_an_image_is_refused(executor: ModuleType) -> None:
    executor.ImageExecutor.prepare_version(version())
    with pytest.raises(ValueError, match="only image functions"):
        executor.ImageExecutor.prepare_version(version(image=None))


def test_the_plugin_loads_the_executor(executor: ModuleType) -> None:
    plugin = executor.ImageExecutorPlugin()
    assert (plugin.name, plugin.load()) == (executor.NAME, executor.ImageExecutor)
