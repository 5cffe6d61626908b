"""States and suppressed actions of a composite alarm.

Rules of CloudWatch's user guide ("Combining alarms", "Suppressing composite alarm actions"): a composite
alarm is OK or in ALARM as soon as it is evaluated for the first time. While its suppressor is in ALARM its
actions are not taken; when it starts it waits for the suppressor, when the suppressor ends it waits again.
"""

import re
from collections.abc import Mapping

import numpy as np

from benchmarks.cloudwatch_model.definitions import CompositeAlarm
from benchmarks.cloudwatch_model.metric import ALARM, OK, States

_REFERENCE = re.compile(r'(ALARM|OK|INSUFFICIENT_DATA)\("([^"]+)"\)')
_STATES = {"INSUFFICIENT_DATA": 0, "OK": OK, "ALARM": ALARM}


def children(alarm: CompositeAlarm) -> set[str]:
    """Return the names of the alarms that the rule and the suppressor refer to."""
    names = {name for _, name in _REFERENCE.findall(alarm.rule)}
    return names | ({alarm.suppressor} if alarm.suppressor else set())


def states(alarm: CompositeAlarm, known: Mapping[str, States]) -> States:
    """Return the state at the end of each minute. Raises ValueError for a rule it can't read."""
    terms: dict[str, object] = {}

    def term(match: re.Match[str]) -> str:
        terms[name := f"t{len(terms)}"] = known[match[2]] == _STATES[match[1]]
        return name

    text = _REFERENCE.sub(term, alarm.rule)
    text = text.replace("AND", "&").replace("OR", "|").replace("NOT", "~")
    if not re.fullmatch(r"[()&|~\s]*(t\d+[()&|~\s]*)+", text):
        raise ValueError(f"the model can't read the rule of {alarm.name}: {alarm.rule}")
    found = eval(text, {"__builtins__": {}}, terms)  # noqa: S307  only names, brackets and three operators
    return np.where(found, ALARM, OK).astype(np.int8)


def suppressed(alarm: CompositeAlarm, own: States, suppressor: States) -> States:
    """Return the states whose actions are taken: `own`, but OK while actions are suppressed."""
    effective = np.full_like(own, OK)
    waited = extension = 0
    reported = False
    for minute, state in enumerate(own):
        if state != ALARM:
            waited, reported = 0, False
            extension = alarm.extension if suppressor[minute] == ALARM else max(extension - 1, 0)
            continue
        if suppressor[minute] == ALARM:
            waited, extension = alarm.wait, alarm.extension
        elif extension > 0:
            extension -= 1
        elif not reported and waited < alarm.wait:
            waited += 1
        else:
            reported = True
        effective[minute] = ALARM if reported else OK
    return effective
