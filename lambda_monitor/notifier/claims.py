"""Messages that a channel posted: one object per message, written by conditional writes.

A message is claimed before it is posted and marked afterwards. The queue may deliver it again, the monitor
may publish it again with the same id, and two deliveries may run at the same time: it is posted once. Only if
the function ends between the service's answer and the mark, or if the answer is lost, it may be posted again.
"""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from contract import conditional, layout
from contract.base import StoredStruct
from lambda_monitor.notifier.notification import key_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "notified"


class ClaimedError(Exception):
    """Another delivery of the message is being posted; this one is tried again later."""


class Claim(StoredStruct, frozen=True, kw_only=True):
    """State of a message: who posts it until when, and when it was posted, None before."""

    claimed_by: str
    claimed_until: datetime
    posted_at: datetime | None = None


class Claims:
    """The messages of one channel."""

    def __init__(self, s3: "S3Client", bucket: str, model: str, channel: str) -> None:
        self._s3, self._bucket = s3, bucket
        self._prefix = f"{layout.ALERTS}/{model}/{FOLDER}/{channel}/"

    def take(self, identity: str, request: str, now: datetime, until: datetime) -> "Taken | None":
        """Claim the message, or return None if it was posted.

        Raises ClaimedError, and ConflictError if another delivery claims it at this moment.
        """
        key = f"{self._prefix}{key_of(identity)}.json"
        found = conditional.get(self._s3, self._bucket, key)
        claim = Claim(claimed_by=request, claimed_until=until)
        if found is not None:
            before = msgspec.json.decode(found.body, type=Claim)
            if before.posted_at is not None:
                return None
            if before.claimed_until > now:
                raise ClaimedError(f"message {identity} is being posted by request {before.claimed_by}")
        etag = self._put(key, claim, None if found is None else found.etag)
        return Taken(self, key, claim, etag)

    def _put(self, key: str, claim: Claim, replaces: str | None) -> str:
        return conditional.put(self._s3, self._bucket, key, msgspec.json.encode(claim), replaces=replaces)


class Taken:
    """A claimed message."""

    def __init__(self, claims: Claims, key: str, claim: Claim, etag: str) -> None:
        self._claims, self._key, self._claim, self._etag = claims, key, claim, etag

    def posted(self, now: datetime) -> None:
        """Mark the message as posted."""
        done = msgspec.structs.replace(self._claim, posted_at=now)
        self._etag = self._claims._put(self._key, done, self._etag)  # the same module

    def release(self, now: datetime) -> None:
        """End the claim of a message that was not posted, so that its next delivery can post it."""
        ended = msgspec.structs.replace(self._claim, claimed_until=now)
        self._etag = self._claims._put(self._key, ended, self._etag)  # the same module
