"""Messages of all alarms of a stack."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.cloudwatch_model import composite, metric
from benchmarks.cloudwatch_model.definitions import CompositeAlarm, Stack
from benchmarks.cloudwatch_model.expressions import Series
from benchmarks.cloudwatch_model.metric import ALARM, INSUFFICIENT, OK, States

_ACTIONS = {ALARM: "alarm", OK: "ok", INSUFFICIENT: "none"}
_NAMES = {ALARM: "ALARM", OK: "OK", INSUFFICIENT: "INSUFFICIENT_DATA"}


@dataclass(frozen=True)
class Message:
    """Message on the topic: an alarm's action, or a state change that the rule passes on."""

    minute: int
    alarm: str
    state: str


def sent(stack: Stack, data: Mapping[str, Series], minutes: int, delay: int = 0) -> list[Message]:
    """Return the messages in the first `minutes` after all alarms were created, oldest first."""
    known = {a.name: metric.states(a, data, minutes, delay) for a in stack.metric.values()}
    waiting = dict(stack.composite)
    while waiting:
        ready = [a for a in waiting.values() if composite.children(a) <= known.keys()]
        known |= {a.name: composite.states(a, known) for a in ready}
        waiting = {name: a for name, a in waiting.items() if name not in known}
    found = []
    for alarm in stack.alarms():
        shown = known[alarm.name]
        if isinstance(alarm, CompositeAlarm) and alarm.suppressor:
            shown = composite.suppressed(alarm, shown, known[alarm.suppressor])
        found += _changes(stack, alarm.name, alarm.actions, shown)
    return sorted(found, key=lambda message: (message.minute, message.alarm))


def _changes(stack: Stack, name: str, actions: frozenset[str], states: States) -> list[Message]:
    """Return the messages of one alarm, which is in INSUFFICIENT_DATA before its first minute."""
    before = np.concatenate([[INSUFFICIENT], states[:-1]])
    messages = []
    for minute in np.flatnonzero(states != before):
        new, old = int(states[minute]), int(before[minute])
        if _ACTIONS[new] in actions or passes(stack, name, old, new):
            messages.append(Message(int(minute), name, _NAMES[new]))
    return messages


def passes(stack: Stack, name: str, old: int, new: int) -> bool:
    """Return whether the stack's rule matches the event of a state change."""
    pattern = stack.resolved_pattern.get("detail", {})
    named = any(
        name.startswith(item["prefix"]) if isinstance(item, dict) else name == item
        for item in pattern.get("alarmName", ())
    )
    return (
        named
        and _NAMES[new] in pattern["state"]["value"]
        and _NAMES[old] in pattern["previousState"]["value"]
    )
