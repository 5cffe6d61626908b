"""State of a release in the description of the alias; commands and the guard in AWS read and write it."""

from datetime import UTC, datetime

import msgspec

from contract.base import StoredStruct

# Versions to return to; a description has 256 characters at most.
REMEMBERED = 10


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


def rounded(moment: datetime) -> datetime:
    """Return a moment in UTC without fractions of a second, which is short in a description."""
    return moment.astimezone(UTC).replace(microsecond=0)
