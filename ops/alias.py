"""Alias of the prediction function: the live version, the one being released, those live before.

The state of a release is in AWS alone, so that any machine can continue it: version and weight in the
alias, and in its description the notes of contract/release.py. A candidate is watched until a moment that
the command moves on; after it, the guard in AWS (lambda_monitor/guard/) returns the candidate.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from contract import release
from contract.release import REMEMBERED, UNSHARED, Notes, Returned, rounded
from ops.deployment import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_ATTEMPTS, _PAUSE_SECONDS = 10, 2.0
# Another operation on the function is in progress, or too many requests.
_BUSY = {"ResourceConflictException", "TooManyRequestsException"}
# A watch is renewed once less than this share of its length is left.
_RENEWED = 2 / 3
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
    """What the alias serves at `moment`, by AWS's clock.

    `candidate` receives the share `weight` of the batches.
    """

    version: str
    revision: str
    moment: datetime
    candidate: str | None = None
    weight: float = 0.0
    notes: Notes = field(default_factory=Notes)

    @property
    def earlier(self) -> tuple[str, ...]:
        """The versions that were live before, newest first."""
        return self.notes.earlier

    @property
    def returning(self) -> bool:
        """Whether a rollback has not finished yet."""
        return self.notes.returning

    @property
    def returned(self) -> Returned | None:
        """The candidate that the guard returned, None since a command has moved the alias."""
        return self.notes.returned


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
        candidate, weight = release.candidate(found)
        return State(
            version=found["FunctionVersion"],
            revision=found["RevisionId"],
            # The guard compares with AWS's clock; this machine's may be wrong.
            moment=parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"]),
            candidate=candidate,
            weight=weight,
            notes=Notes.of(found.get("Description", "")),
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

    def route(self, state: State, candidate: str, weight: float, lasting: timedelta) -> None:
        """Send the share `weight` of the batches to a candidate that is watched for `lasting` from now on.

        Raises DeploymentError if the alias is not in `state` any more.
        """

        def routed(now: State) -> dict[str, Any]:
            if now.revision != state.revision:
                raise self._changed()
            notes = Notes(earlier=now.earlier, watched_until=rounded(now.moment + lasting))
            weights = {"AdditionalVersionWeights": {candidate: weight}}
            return {"RoutingConfig": weights, "Description": notes.text()}

        self._update(routed)

    def keep(self, candidate: str, lasting: timedelta) -> bool:
        """Extend the watch over a candidate to `lasting` from now on; return whether it receives records."""

        def kept(now: State) -> dict[str, Any] | None:
            until = now.notes.watched_until
            if now.candidate != candidate:
                return None
            if until is not None and until - now.moment > lasting * _RENEWED:
                return {}
            notes = msgspec.structs.replace(now.notes, watched_until=rounded(now.moment + lasting))
            return {"Description": notes.text()}

        return self._update(kept)

    def clear(self, candidate: str | None = None) -> None:
        """Send every batch to the live version; with `candidate`, unless another one receives records."""

        def cleared(now: State) -> dict[str, Any] | None:
            if candidate is not None and now.candidate not in {None, candidate}:
                return None
            notes = msgspec.structs.replace(now.notes, watched_until=None, returned=None)
            if now.candidate is None and notes == now.notes:
                return {}
            return {"RoutingConfig": UNSHARED, "Description": notes.text()}

        self._update(cleared)

    def point(
        self, version: str, earlier: tuple[str, ...], *, returning: bool = False, watched: bool = False
    ) -> bool:
        """Make a version live for every batch; return whether it is.

        With `watched` only while it is the candidate: the guard may have returned it.
        """
        notes = Notes(earlier=earlier[:REMEMBERED], returning=returning)
        wanted = {
            "FunctionVersion": version,
            "RoutingConfig": UNSHARED,
            "Description": notes.text(),
        }

        def pointed(now: State) -> dict[str, Any] | None:
            if watched and now.candidate != version:
                # The answer to an earlier attempt may have been lost.
                return {} if now.version == version else None
            return wanted

        return self._update(pointed)

    def _update(self, change: Callable[[State], Mapping[str, Any] | None]) -> bool:
        """Apply the change to the current state, again if another one came between.

        An empty change is none; None refuses. Return whether it was not refused.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            state = self.read()
            changes = change(state)
            if not changes:
                return changes is not None
            try:
                self._client.update_alias(
                    FunctionName=self.function, Name=self.name, RevisionId=state.revision, **changes
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == release.CHANGED:
                    continue
                if code not in _BUSY or attempt == _ATTEMPTS:
                    raise
                self._wait(_PAUSE_SECONDS)
            else:
                return True
        raise self._changed()

    def _changed(self) -> DeploymentError:
        return DeploymentError(
            f"alias {self.name} of {self.function} was changed by someone else: see make status"
        )


def start_failure(client: "LambdaClient", function: str, **version: str) -> str | None:
    """Invoke a function with an empty batch; return why it does not start, None if it does."""
    reply = client.invoke(FunctionName=function, Payload=b'{"Records": []}', **version)  # type: ignore[arg-type]  # a Qualifier
    if "FunctionError" not in reply:
        return None
    error = json.loads(reply["Payload"].read())
    return f"it does not start: {error.get('errorType', 'error')}: {error.get('errorMessage', '')}"


def serve_newest(client: "LambdaClient", names: Mapping[str, Any] | None) -> None:
    """Make the version published last live without a canary, if there are versions: for local runs."""
    if names:
        alias = Alias(client, names["function"], names["alias"])
        alias.point(alias.newest(), ())
