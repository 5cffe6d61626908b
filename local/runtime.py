"""Image functions without Docker, under AWS's Runtime Interface Emulator.

Runs in the embedded AWS's process, so it imports the standard library alone. A function gets the
environment, timeout and command of its configuration and the credentials of its role.
"""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import container

_INVOKE = "/2015-03-31/functions/function/invocations"
_START_SECONDS = 30.0
_GRACE_SECONDS = 5.0
_LATEST = "$LATEST"
# A weighted alias invokes two.
_KEPT_VERSIONS = 2
# Parts of a function's ARN before the version or alias.
_ARN_PARTS = 7
_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


class FunctionError(RuntimeError):
    """A function did not start or returned an invalid response."""


@dataclass(frozen=True)
class Image:
    """A local image: files, interpreter, default command, environment.

    With `docker`, an image's tag, functions run in containers of it, else as processes.
    """

    root: Path
    python: Path
    command: str
    env: Mapping[str, str]
    docker: str = ""


def read_images(path: Path) -> dict[str, Image]:
    """Return the images listed by `local.images`, by name."""
    entries = json.loads(path.read_text())
    return {
        name: Image(Path(e["root"]), Path(e["python"]), e["command"], e["env"], e.get("docker", ""))
        for name, e in entries.items()
    }


@dataclass
class _Worker:
    """One function's process; it serves one invocation at a time."""

    configuration: str
    process: "subprocess.Popen[bytes]"
    port: int


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    worker: _Worker | None = None


class Runtime:
    """Processes of the image functions, one for each of a function's two versions used last."""

    def __init__(self, images: Path, emulator: Path, logs: Path, base_env: Mapping[str, str]) -> None:
        self._images, self._emulator, self._logs = images, emulator, logs
        self._base_env = dict(base_env)
        # By function and version, the one used last at the end.
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._guard = threading.Lock()

    def invoke(self, config: Mapping[str, Any], event: Any, credentials: Mapping[str, str]) -> dict[str, Any]:
        """Run one invocation; return {"body": ...}, with "error": True if it failed."""
        # Another region may have a function of the same name.
        function = ":".join((config.get("FunctionArn") or config["FunctionName"]).split(":")[:_ARN_PARTS])
        slot = self._slot(function, config.get("Version") or _LATEST)
        with slot.lock:
            try:
                body = self._answer(slot, config, event, credentials)
            except (FunctionError, OSError, http.client.HTTPException) as error:
                _stop(slot.worker)
                slot.worker = None
                return {"body": {"errorType": "Runtime.ExitError", "errorMessage": str(error)}, "error": True}
        # The status is 200 even if the handler raised; only the body shows it.
        if isinstance(body, dict) and "errorType" in body:
            return {"body": body, "error": True, "function_error": "Unhandled"}
        return {"body": body}

    def _slot(self, function: str, version: str) -> _Slot:
        """Return the slot of a version; end the process of the function's version used longest ago."""
        with self._guard:
            slot = self._slots.pop((function, version), None) or _Slot()
            self._slots[function, version] = slot
            others = [key for key in self._slots if key[0] == function][:-_KEPT_VERSIONS]
            idle = [self._slots.pop(key) for key in others]
        for other in idle:
            with other.lock:
                _stop(other.worker)
                other.worker = None
        return slot

    def close(self) -> None:
        """Stop every function."""
        for slot in self._slots.values():
            _stop(slot.worker)

    def _answer(
        self, slot: _Slot, config: Mapping[str, Any], event: Any, credentials: Mapping[str, str]
    ) -> Any:
        image, command = self._image(config)
        env = self._environment(image, config, credentials)
        configuration = json.dumps([env, str(image.root), command], sort_keys=True)
        if (
            slot.worker is None
            or slot.worker.configuration != configuration
            or slot.worker.process.poll() is not None
        ):
            _stop(slot.worker)
            slot.worker = self._start(config, image, command, env, configuration)
        timeout = int(config.get("Timeout") or 3) + _GRACE_SECONDS
        connection = http.client.HTTPConnection("127.0.0.1", slot.worker.port, timeout=timeout)
        try:
            headers = {"Content-Type": "application/json", "X-Amzn-RequestId": str(uuid.uuid4())}
            connection.request("POST", _INVOKE, json.dumps(event).encode(), headers)
            data = connection.getresponse().read()
        finally:
            connection.close()
        try:
            return json.loads(data) if data else None
        except ValueError as error:
            raise FunctionError(
                f"{config['FunctionName']} returned {data[:200]!r}, which is not JSON"
            ) from error

    def _image(self, config: Mapping[str, Any]) -> tuple[Image, str]:
        """Return the image and command of a function, by its repository's suffix."""
        repository = config["ImageUri"].rpartition("/")[2].partition("@")[0].partition(":")[0]
        images = read_images(self._images)
        for name, image in images.items():
            if repository.endswith(name):
                override = (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
                command = override.get("Command") or (config.get("ImageConfig") or {}).get("Command")
                return image, command[0] if command else image.command
        raise FunctionError(f"no local image for {config['ImageUri']}: known are {', '.join(images)}")

    def _environment(
        self, image: Image, config: Mapping[str, Any], credentials: Mapping[str, str]
    ) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ and not image.docker}
        own = (config.get("Environment") or {}).get("Variables") or {}
        return {
            **inherited,
            **self._base_env,
            **_region(config),
            **{name: value for name, value in credentials.items() if value},
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize") or 128),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(config.get("Timeout") or 3),
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version") or _LATEST,
            "HOME": "/tmp",  # noqa: S108 - the only writable folder of a Lambda function
            "TZ": ":UTC",
            **image.env,
            **own,
        }

    def _start(
        self, config: Mapping[str, Any], image: Image, command: str, env: dict[str, str], configuration: str
    ) -> _Worker:
        port, api_port = _free_port(), _free_port()
        self._logs.mkdir(parents=True, exist_ok=True)
        addresses = [
            f"--runtime-interface-emulator-address=127.0.0.1:{port}",
            f"--runtime-api-address=127.0.0.1:{api_port}",
        ]
        if image.docker:
            arguments = container.command(image.docker, config, env, addresses, command)
        else:
            root = str(image.root)
            arguments = [str(self._emulator), *addresses, str(image.python), "-m", "awslambdaric", command]
            env = {**env, "LAMBDA_TASK_ROOT": root, "PYTHONPATH": root}
        with (self._logs / f"{config['FunctionName']}.log").open("ab") as log:
            process = subprocess.Popen(
                arguments,
                cwd=str(image.root),
                env={"PATH": os.environ["PATH"], **container.engine(os.environ), **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        worker = _Worker(configuration, process, port)
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                _stop(worker)
                raise FunctionError(f"{config['FunctionName']} did not start: see {self._logs}")
            time.sleep(0.02)
        return worker


def _region(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the function's own region, none if its ARN is missing."""
    match str(config.get("FunctionArn", "")).split(":"):
        case [_, _, _, region, *_] if region:
            return dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), region)
    return {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stop(worker: _Worker | None) -> None:
    if worker is not None:
        worker.process.terminate()
        try:
            worker.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
