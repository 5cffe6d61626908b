"""Alias of the prediction function: the live version, the one being released, those live before.

The state of a release is in AWS alone, so that any machine can continue it: version and weight in the
alias, and in its description the versions to return to.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.deployment import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# A description has 256 characters at most.
_REMEMBERED = 10
_ATTEMPTS, _PAUSE_SECONDS = 10, 2.0
# Another operation on the function is in progress, or too many requests.
_BUSY = {"ResourceConflictException", "TooManyRequestsException"}
# What differs between two published versions of the same content.
_IDENTITY = {
    "Version",
    "FunctionArn",
    "RevisionId",
    "LastModified",
    "Description",
    "CodeSize",
    "ConfigSha256",
}
# States of a publication, which end by themselves.
_STATES = {f"{name}{part}" for name in ("State", "LastUpdateStatus") for part in ("", "Reason", "ReasonCode")}


@dataclass(frozen=True)
class State:
    """What the alias serves; `candidate` receives the share `weight` of the batches.

    `earlier` are the versions that were live before, newest first. `returning` is whether a rollback has
    not finished yet.
    """

    version: str
    revision: str
    candidate: str | None = None
    weight: float = 0.0
    earlier: tuple[str, ...] = ()
    returning: bool = False


@dataclass(frozen=True)
class Content:
    """Image, model version and all other settings of a published version."""

    image: str
    model_version: str
    settings: Mapping[str, Any]


class Alias:
    """One alias of one function. Methods raise DeploymentError, ClientError."""

    def __init__(
        self, client: "LambdaClient", function: str, name: str, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self.function, self.name, self._wait = client, function, name, wait

    def read(self) -> State:
        """Return the current state."""
        found = self._client.get_alias(FunctionName=self.function, Name=self.name)
        weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        candidate, weight = next(iter(weights.items()), (None, 0.0))
        notes = _notes(found.get("Description", ""))
        return State(
            version=found["FunctionVersion"],
            revision=found["RevisionId"],
            candidate=candidate,
            weight=weight,
            earlier=tuple(notes.get("earlier", ())),
            returning=bool(notes.get("returning")),
        )

    def newest(self) -> str:
        """Return the version that was published last."""
        pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=self.function)
        numbers = [v["Version"] for page in pages for v in page["Versions"] if v["Version"] != "$LATEST"]
        return max(numbers, key=int)

    def content(self, version: str) -> Content:
        """Return what a published version consists of."""
        found = self._client.get_function(FunctionName=self.function, Qualifier=version)
        settings = found["Configuration"]
        environment = settings.get("Environment", {}).get("Variables", {})
        compared = {k: v for k, v in settings.items() if k not in _IDENTITY | _STATES}
        return Content(found["Code"]["ImageUri"], environment.get("MODEL_VERSION", ""), compared)

    def start_failure(self, version: str) -> str | None:
        """Invoke a version with an empty batch; return why it does not start, None if it does."""
        self._client.get_waiter("published_version_active").wait(
            FunctionName=self.function, Qualifier=version
        )
        return start_failure(self._client, self.function, Qualifier=version)

    def route(self, state: State, candidate: str, weight: float) -> None:
        """Send the share `weight` of the batches to a candidate."""
        self._update(lambda: state.revision, RoutingConfig={"AdditionalVersionWeights": {candidate: weight}})

    def clear(self) -> None:
        """Send every batch to the live version, whatever else has changed the alias."""
        self._update(lambda: self.read().revision, RoutingConfig={"AdditionalVersionWeights": {}})

    def point(self, version: str, earlier: tuple[str, ...], *, returning: bool = False) -> None:
        """Make a version live for every batch."""
        notes = {"earlier": earlier[:_REMEMBERED], **({"returning": True} if returning else {})}
        self._update(
            lambda: self.read().revision,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": {}},
            Description=json.dumps(notes),
        )

    def _update(self, revision: Callable[[], str], **changes: Any) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._client.update_alias(
                    FunctionName=self.function, Name=self.name, RevisionId=revision(), **changes
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "PreconditionFailedException":
                    raise DeploymentError(
                        f"alias {self.name} of {self.function} was changed by someone else: see make status"
                    ) from error
                if code not in _BUSY or attempt == _ATTEMPTS:
                    raise
                self._wait(_PAUSE_SECONDS)
            else:
                return


def start_failure(client: "LambdaClient", function: str, **version: str) -> str | None:
    """Invoke a function with an empty batch; return why it does not start, None if it does."""
    reply = client.invoke(FunctionName=function, Payload=b'{"Records": []}', **version)  # type: ignore[arg-type]  # a Qualifier
    if "FunctionError" not in reply:
        return None
    error = json.loads(reply["Payload"].read())
    return f"it does not start: {error.get('errorType', 'error')}: {error.get('errorMessage', '')}"


def serve_newest(client: "LambdaClient", release: Mapping[str, Any] | None) -> None:
    """Make the version published last live without a canary, if there are versions: for local runs."""
    if release:
        alias = Alias(client, release["function"], release["alias"])
        alias.point(alias.newest(), ())


def _notes(description: str) -> dict[str, Any]:
    try:
        found = json.loads(description or "{}")
    except ValueError:  # a description that someone wrote by hand
        return {}
    return found if isinstance(found, dict) else {}
