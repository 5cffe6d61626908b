"""Outbox of the alert state: one message per change.

A message is added to the state's outbox in the same write as the change that it reports, then published, then
removed:
- two overlapping runs: the second one's write is refused; it reads the state again and finds the change;
- a run killed before it published: the message is still in the outbox and the next run sends it;
- a message claimed by a run that may still be running is not sent by another. A claim ends at the
  function's timeout, which Lambda enforces.
Only a run killed between SNS's answer and the last write sends a message twice, with the same `alert_id`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import msgspec

from contract.conditional import ConflictError
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.alerts.state import Message, Pending, RefusedError, State, Store, Verdict, decide
from lambda_monitor.run import Run

_ATTEMPTS = 20


class Publisher(Protocol):
    """Sends one message."""

    def __call__(self, message: Message, /) -> None:
        """Send `message`. Raises RefusedError, and any other error if the topic can't be reached."""
        ...


def update(
    store: Store,
    verdict: Verdict,
    run: Run,
    reminder: timedelta,
    *,
    compose: Callable[[Kind, State], Message],
    publish: Publisher,
) -> list[Message]:
    """Record `verdict`, send all due messages, also those of earlier runs, and return the sent ones.

    `compose` returns the message for a change, given the state before it. A message that fails to send
    stays in the outbox. One that is refused does not hold up the others, its error is raised at the end;
    any other error is raised at once, so that messages keep their order.
    """

    def record(state: State | None) -> tuple[State, list[Pending]]:
        after, kind = decide(state, verdict, run.now, reminder)
        outbox = list(after.outbox)
        if kind is not None:
            message = compose(kind, state or after)
            outbox.append(Pending(message=message, claimed_by=run.id, claimed_until=run.deadline))
        mine = [_claim(p, run) if _free(p, run) else p for p in outbox]
        return msgspec.structs.replace(after, outbox=mine), [p for p in mine if p.claimed_by == run.id]

    claimed = _write(store, record)
    sent: list[Message] = []
    try:
        _send(claimed, publish, sent)
    finally:
        if claimed:
            _write(store, lambda state: (_settled(state, sent, run), []))
    return sent


def _send(claimed: list[Pending], publish: Publisher, sent: list[Message]) -> None:
    """Publish the claimed messages and add each to `sent`; refusals are raised after the last one."""
    refused: list[RefusedError] = []
    for pending in claimed:
        try:
            publish(pending.message)
        except RefusedError as error:
            refused.append(error)
        else:
            sent.append(pending.message)
    if refused:
        raise refused[0]


def _write(store: Store, change: Callable[[State | None], tuple[State, list[Pending]]]) -> list[Pending]:
    for _ in range(_ATTEMPTS):
        before, tag = store.load()
        after, claimed = change(before)
        if after == before:
            return claimed
        try:
            store.save(after, tag)
        except ConflictError:
            continue
        return claimed
    raise ConflictError(f"the alert state was changed by others {_ATTEMPTS} times in a row")


def _free(pending: Pending, run: Run) -> bool:
    return pending.claimed_by == run.id or pending.claimed_until <= run.now


def _claim(pending: Pending, run: Run) -> Pending:
    return msgspec.structs.replace(pending, claimed_by=run.id, claimed_until=run.deadline)


def _settled(state: State | None, sent: list[Message], run: Run) -> State:
    if state is None:
        raise ConflictError("the alert state was deleted while its message was sent")
    done = {message.alert_id for message in sent}
    outbox = [
        # Messages that this run claimed and did not send are released.
        msgspec.structs.replace(p, claimed_until=run.now) if p.claimed_by == run.id else p
        for p in state.outbox
        if p.message.alert_id not in done
    ]
    return msgspec.structs.replace(state, outbox=outbox)
