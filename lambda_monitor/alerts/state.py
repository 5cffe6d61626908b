"""Alert state of a model: one object, changed only by conditional writes, and which message is due."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from contract import conditional
from contract.schema import StoredStruct
from lambda_monitor.alerts.payload import Kind, Payload
from lambda_monitor.alerts.severity import worst
from lambda_monitor.findings import Status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A scheduled run may start a little early.
_SLACK = timedelta(minutes=5)
_EPOCH = datetime.fromtimestamp(0, UTC)


class Message(StoredStruct, frozen=True, kw_only=True):
    """A message for SNS; `alert_id` stays the same when it is sent again.

    `text` is for people, `payload` for programs; None in messages of earlier releases.
    """

    alert_id: str
    kind: Kind
    subject: str
    text: str
    attributes: dict[str, str]
    payload: Payload | None = None


class Pending(StoredStruct, frozen=True, kw_only=True):
    """A message in the outbox with the run that claimed it and the end of the claim."""

    message: Message
    claimed_by: str
    claimed_until: datetime


class State(StoredStruct, frozen=True, kw_only=True):
    """Alert state of a model.

    `since` is the end of the first window with this status, `told` the failing checks notified since
    then, `last_sent_at` the time of the last notification, None if this status was not notified. `open`
    are the checks that failed when they were last made; None in states of earlier releases. `severity` is
    the worst since the alert started, empty if there is none; `reported` are all checks, and `no_data` and
    `error`, notified since then. `damaged`: the stored state could not be read.
    """

    status: Status
    since: datetime
    window_end: datetime
    told: list[str] = msgspec.field(default_factory=list)
    last_sent_at: datetime | None = None
    first_seen_at: datetime
    outbox: list[Pending] = msgspec.field(default_factory=list)
    open: list[str] | None = None
    severity: str = ""
    reported: list[str] = msgspec.field(default_factory=list)
    damaged: bool = False


_DAMAGED = State(
    status=Status.ERROR,
    since=_EPOCH,
    window_end=_EPOCH,
    last_sent_at=_EPOCH,
    first_seen_at=_EPOCH,
    damaged=True,
)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Status of one window, its severity (empty if no check failed), and its checks by outcome.

    `complete`: a check that is not listed does not exist any more. Without records most are not listed.
    """

    status: Status
    window_end: datetime
    failing: list[str]
    severity: str = ""
    passed: list[str] = []
    skipped: list[str] = []
    complete: bool = True

    def still_open(self, before: State) -> list[str]:
        """Return the checks that failed when they were last made, this window included."""
        known = before.told if before.open is None else before.open
        return sorted({*self.failing, *(check for check in known if not self._closes(check))})

    def _closes(self, check: str) -> bool:
        return check in self.passed or (self.complete and check not in self.skipped)


class RefusedError(Exception):
    """The topic refuses this message itself; others may be sent."""


def decide(
    state: State | None, verdict: Verdict, now: datetime, reminder: timedelta
) -> tuple[State, Kind | None]:
    """Return the state after `verdict`, and the kind of the message that is due, if any.

    A change of status and a newly failing check are notified at once, a lasting status every `reminder`.
    A model that never had data is reported after one `reminder`, not on its first run. A window resolves
    the state only if it made every check that failed. A damaged state is notified whatever the verdict.
    """
    if state is None:
        state = State(
            status=Status.NO_DATA if verdict.status is Status.NO_DATA else Status.OK,
            since=verdict.window_end,
            window_end=verdict.window_end,
            first_seen_at=now,
        )
    # A stored end in the future is wrong: it must not suppress the windows before it.
    if verdict.window_end < state.window_end <= now:
        return state, None
    still_open = verdict.still_open(state)
    status = _status(state, verdict, still_open)
    if state.damaged or status is not state.status:
        return _changed(state, verdict, status, still_open, now)
    state = msgspec.structs.replace(
        state,
        window_end=verdict.window_end,
        open=still_open,
        severity=_severity(state, verdict, status),
    )
    if status is Status.OK:
        return state, None
    kind = Kind(status.value)
    if set(verdict.failing) - set(state.told) and state.last_sent_at is not None:
        told = sorted({*state.told, *verdict.failing})
        return _notified(state, told, now), kind
    if now - (state.last_sent_at or state.first_seen_at) >= reminder - _SLACK:
        due = kind if state.last_sent_at is None else Kind.REMINDER
        return _notified(state, still_open, now), due
    return state, None


def _notified(state: State, told: list[str], now: datetime) -> State:
    reported = sorted({*state.reported, *told, *concern(state.status)})
    return msgspec.structs.replace(state, told=told, reported=reported, last_sent_at=now)


def concern(status: str) -> list[str]:
    """Return a status that stands for itself: no check reports a window without data or verdict."""
    return [status] if status in {Status.NO_DATA, Status.ERROR} else []


def _status(state: State, verdict: Verdict, still_open: list[str]) -> Status:
    """Return the status after `verdict`; a window that left failed checks out is not ok."""
    if verdict.status is not Status.OK or not still_open:
        return verdict.status
    return state.status if state.status in {Status.ALERT, Status.ERROR} else Status.ALERT


def _severity(state: State, verdict: Verdict, status: Status) -> str:
    """Return the worst severity since the alert started, empty once it has ended."""
    return "" if status is Status.OK else worst([state.severity, verdict.severity])


def _changed(
    state: State, verdict: Verdict, status: Status, still_open: list[str], now: datetime
) -> tuple[State, Kind | None]:
    resolved = status is Status.OK
    silent = resolved and state.last_sent_at is None
    changed = State(
        status=status,
        since=verdict.window_end,
        window_end=verdict.window_end,
        told=still_open,
        last_sent_at=None if resolved else now,
        first_seen_at=now if state.damaged else state.first_seen_at,
        outbox=state.outbox,
        open=still_open,
        severity=_severity(state, verdict, status),
        reported=[] if resolved else sorted({*state.reported, *still_open, *concern(status)}),
    )
    if silent:
        return changed, None
    if resolved:
        return changed, Kind.RESOLVED
    return changed, Kind.REMINDER if verdict.status is Status.OK else Kind(status.value)


class Store:
    """The alert state at one S3 key; a write names the version it replaces."""

    def __init__(self, s3: "S3Client", bucket: str, key: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key

    def load(self) -> tuple[State | None, str | None]:
        """Return the state and its entity tag, both None if there is none yet.

        A state that can't be read is returned as damaged: the next write replaces it.
        """
        found = conditional.get(self._s3, self._bucket, self._key)
        if found is None:
            return None, None
        try:
            return msgspec.json.decode(found.body, type=State), found.etag
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _DAMAGED, found.etag

    def save(self, state: State, replaces: str | None) -> None:
        """Write `state` over the version `replaces`. Raises ConflictError if that was changed meanwhile."""
        body = msgspec.json.encode(state)
        conditional.put(self._s3, self._bucket, self._key, body, replaces=replaces)
