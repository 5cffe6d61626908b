"""LocalStack's runtime executor for image functions, which the community edition does not run.

Runs in LocalStack's process. An executor is one execution environment: one process of the function under
the Runtime Interface Emulator.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from local.runtime import Runtime

NAME = "scorewatch"
IMAGES, EMULATOR, LOGS = "SCOREWATCH_IMAGE_LISTING", "SCOREWATCH_EMULATOR", "SCOREWATCH_FUNCTION_LOGS"
_HOST = "127.0.0.1"
_PLACE = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class ImageExecutor(RuntimeExecutor):  # type: ignore[misc]  # LocalStack has no type information here
    """One process of an image function, started by its first invocation."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002  LocalStack's name
        super().__init__(id=id, function_version=function_version)
        folder = Path(os.environ[LOGS]) / id
        self._log = folder / f"{function_version.id.function_name}.log"
        self._runtime: Runtime | None = None
        self._credentials: Mapping[str, str] = {}

    def start(self, env_vars: Mapping[str, Any]) -> None:
        """Prepare the process with the credentials of the function's role."""
        self._credentials = {name: str(env_vars[name]) for name in _CREDENTIALS}
        place = {name: str(env_vars[name]) for name in _PLACE}
        self._runtime = Runtime(Path(os.environ[IMAGES]), Path(os.environ[EMULATOR]), self._log.parent, place)

    def stop(self) -> None:
        """End the process."""
        if self._runtime is not None:
            self._runtime.close()

    def invoke(self, payload: Mapping[str, str]) -> InvocationResult:
        """Run one invocation; the result has the output that it logged."""
        if self._runtime is None:
            raise RuntimeError(f"{self.function_version.qualified_arn} was invoked before it was started")
        before = self._log.stat().st_size if self._log.is_file() else 0
        event = json.loads(payload["payload"] or "null")
        reply = self._runtime.invoke(configuration(self.function_version), event, self._credentials)
        return InvocationResult(
            request_id=payload["invoke-id"],
            payload=json.dumps(reply["body"]).encode(),
            is_error="error" in reply,
            logs=self._logged_since(before),
        )

    def get_logs(self) -> str:
        """Return everything the process has logged."""
        return self._logged_since(0)

    def _logged_since(self, position: int) -> str:
        if not self._log.is_file():
            return ""
        with self._log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def get_address(self) -> str:
        """Return the host of the process."""
        return _HOST

    def get_endpoint_from_executor(self) -> str:
        """Return LocalStack's host as the function sees it."""
        return _HOST

    def get_runtime_endpoint(self) -> str:
        """Return the base of LocalStack's callbacks, which this executor does not use."""
        return f"http://{_HOST}:{config.GATEWAY_LISTEN[0].port}/_{NAME}/{self.id}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Raise ValueError if the function is not an image."""
        if function_version.config.image is None:
            raise ValueError(f"{function_version.qualified_arn} has no image: only image functions run here")

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Do nothing: a version leaves nothing but its log."""


class ImageExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]  # as above
    """Entry point by which LocalStack finds the executor."""

    name = NAME

    def load(self, *_: Any, **__: Any) -> type[ImageExecutor]:
        """Return the executor's class."""
        return ImageExecutor


def configuration(version: FunctionVersion) -> dict[str, Any]:
    """Return a version's configuration as the Lambda API does."""
    config = version.config
    command = config.image_config.command if config.image_config else None
    return {
        "FunctionName": version.id.function_name,
        "Version": version.id.qualifier,
        "ImageUri": config.image.image_uri,
        "ImageConfig": {"Command": command} if command else {},
        "Timeout": config.timeout,
        "MemorySize": config.memory_size,
        "EphemeralStorage": {"Size": config.ephemeral_storage.size},
        "Environment": {"Variables": dict(config.environment or {})},
    }
