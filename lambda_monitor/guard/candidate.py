"""Return of a candidate whose release ended without a result, and one message about it.

The alias alone has the state, and every write names the revision that was read: of this function, another run
of it and a release that go on at the same time, one write wins, and the others look again. The note of the
return is part of the write that returns the candidate, so that a run that is killed before it published is
followed by one that publishes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from botocore.exceptions import ClientError

from contract.release import CHANGED, UNSHARED, Notes, Returned, candidate, rounded

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Longer than the function's timeout: a return that was not announced for so long will not be by its own run.
_ANNOUNCES = timedelta(minutes=1)


class Done(StrEnum):
    """What a look at the alias led to."""

    NO_CANDIDATE = "no candidate"
    WATCHED = "candidate is watched"
    RETURNED = "candidate returned"
    ANNOUNCED = "earlier return announced"
    CHANGED = "alias was changed meanwhile"


class Topic(Protocol):
    """Where a return is announced."""

    def announce(self, function: str, live: str, returned: Returned) -> None:
        """Publish the message of one return; the same return has the same id."""


@dataclass(frozen=True)
class Alias:
    """One alias of one function."""

    client: "LambdaClient"
    function: str
    name: str

    def read(self) -> dict[str, Any]:
        """Return the alias as Lambda has it. Raises ClientError, BotoCoreError."""
        return dict(self.client.get_alias(FunctionName=self.function, Name=self.name))

    def write(self, found: dict[str, Any], notes: Notes, **changes: Any) -> dict[str, Any] | None:
        """Change the alias that was read; return it as it is then, None if it has changed since.

        Raises ClientError, BotoCoreError.
        """
        try:
            done = self.client.update_alias(
                FunctionName=self.function,
                Name=self.name,
                RevisionId=found["RevisionId"],
                Description=notes.text(),
                **changes,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == CHANGED:
                return None
            raise
        return dict(done)


def look(alias: Alias, topic: Topic, now: datetime) -> Done:
    """Return the candidate if nobody watches it, and announce a return once.

    A weight that was set by hand has no watch, so it is returned. Raises ClientError, BotoCoreError.
    """
    found = alias.read()
    notes = Notes.of(found.get("Description", ""))
    version, weight = candidate(found)
    if version is None:
        late = notes.returned and not notes.returned.announced and now - notes.returned.at > _ANNOUNCES
        return _announce(alias, topic, found, Done.ANNOUNCED) if late else Done.NO_CANDIDATE
    if notes.watched_until is not None and now <= notes.watched_until:
        return Done.WATCHED
    returned = Returned(version=version, percent=round(100 * weight, 1), at=rounded(now))
    after = msgspec.structs.replace(notes, watched_until=None, returned=returned)
    done = alias.write(found, after, RoutingConfig=UNSHARED)
    return _announce(alias, topic, done, Done.RETURNED) if done else Done.CHANGED


def _announce(alias: Alias, topic: Topic, found: dict[str, Any], done: Done) -> Done:
    notes = Notes.of(found.get("Description", ""))
    if notes.returned is None:
        return done
    topic.announce(alias.function, found["FunctionVersion"], notes.returned)
    announced = msgspec.structs.replace(notes.returned, announced=True)
    # If a release has moved the alias meanwhile, it has removed the note.
    alias.write(found, msgspec.structs.replace(notes, returned=announced))
    return done
