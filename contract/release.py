"""State of a release in the description of the alias; commands and the guard in AWS read and write it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from contract.base import StoredStruct

# Versions to return to; a description has 256 characters at most.
REMEMBERED = 10
# Error code of an update of an alias that names another revision than the current one.
CHANGED = "PreconditionFailedException"
# Routing of an alias that sends every batch to its version.
UNSHARED: Mapping[str, Any] = {"AdditionalVersionWeights": {}}


class Returned(StoredStruct, frozen=True, kw_only=True, omit_defaults=True):
    """Candidate that the guard returned at a moment; `announced` is whether its message was published."""

    version: str
    percent: float
    at: datetime
    announced: bool = False


class Notes(StoredStruct, frozen=True, kw_only=True, omit_defaults=True):
    """What an alias's weights and version do not say.

    `earlier` are the versions that were live before, newest first. `returning` is whether a rollback has not
    finished. `watched_until` is when the guard returns the candidate, unless the command that watches it has
    moved that moment on. `returned` stays until the next command that moves the alias.
    """

    earlier: tuple[str, ...] = ()
    returning: bool = False
    watched_until: datetime | None = None
    returned: Returned | None = None

    @classmethod
    def of(cls, description: str) -> "Notes":
        """Return the notes in a description; none if it is empty or someone wrote it by hand."""
        try:
            return msgspec.json.decode(description, type=cls)
        except msgspec.DecodeError:
            return cls()

    def text(self) -> str:
        """Return the description."""
        return msgspec.json.encode(self).decode()


def candidate(alias: Mapping[str, Any]) -> tuple[str | None, float]:
    """Return the version that an alias as GetAlias describes it sends a share to, and the share; None, 0."""
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return next(iter(weights.items()), (None, 0.0))


def rounded(moment: datetime) -> datetime:
    """Return a moment in UTC without fractions of a second, which is short in a description."""
    return moment.astimezone(UTC).replace(microsecond=0)
