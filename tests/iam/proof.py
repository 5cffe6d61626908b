"""Proof by an SMT solver that roles are allowed nothing beyond their calls.

A request, its resource and its condition keys, is one Z3 string; what grants and calls allow are regular
expressions over it. Actions have no wildcards, so each is a problem of its own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import z3

from tests.iam.calls import Call
from tests.iam.grants import Grant

_TIMEOUT_MS = 60_000
# Ends the parts of a request; no pattern matches it.
_END = "\n"
# Form in which Z3 prints characters other than printable ASCII.
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")


@dataclass(frozen=True)
class Surplus:
    """A grant that allows more than the calls, and a witness: a resource and keys that nothing needed."""

    grant: Grant
    resource: str
    keys: Mapping[str, str]


def surplus(grants: Iterable[Grant], calls: Sequence[Call]) -> list[Surplus]:
    """Return a witness per grant that reaches beyond the calls; empty proves a subset.

    Raises ValueError for an action with a wildcard, RuntimeError if the solver can't decide.
    """
    found = []
    for grant in grants:
        if set(grant.action) & {"*", "?"}:
            raise ValueError(f"{grant.role}/{grant.sid} allows {grant.action}: name every action")
        inside = [c for c in calls if c.role == grant.role and c.action == grant.action]
        if (witness := _beyond(grant, inside)) is not None:
            found.append(witness)
    return found


def _beyond(grant: Grant, inside: Sequence[Call]) -> Surplus | None:
    names = [key for key, _ in grant.keys]
    # A call with a key that the grant does not ask for covers only a part of it: that part is left out.
    covers = [call for call in inside if not {key for key, _ in call.keys} - set(names)]
    request = z3.String("request")
    beyond = _request(grant.resource, dict(grant.keys), names)
    if covers:
        covered = [_request(call.resource, dict(call.keys), names) for call in covers]
        beyond = z3.Intersect(beyond, z3.Complement(_union(covered)))
    if (model := solve([z3.InRe(request, beyond)])) is None:
        return None
    resource, *values = text(model, request).split(_END)
    return Surplus(grant, resource, dict(zip(names, values, strict=True)))


def _request(resource: str, keys: Mapping[str, str], names: Sequence[str]) -> z3.ReRef:
    """Return the requests with a resource and keys of these patterns, as one text; any value without one."""
    parts = [expression(resource)]
    for name in names:
        parts += [z3.Re(_END), expression(keys.get(name, "*"))]
    return z3.Concat(*parts) if len(parts) > 1 else parts[0]


def _union(parts: Sequence[z3.ReRef]) -> z3.ReRef:
    return z3.Union(*parts) if len(parts) > 1 else parts[0]


def solve(conditions: Iterable[z3.BoolRef]) -> z3.ModelRef | None:
    """Return a model of the conditions, None if there is none. Raises RuntimeError if undecided."""
    solver = z3.Solver()
    solver.set("timeout", _TIMEOUT_MS)
    solver.add(*conditions)
    answer = solver.check()
    if answer == z3.unknown:
        raise RuntimeError(f"the solver could not decide: {solver.reason_unknown()}")
    return solver.model() if answer == z3.sat else None


def text(model: z3.ModelRef, variable: z3.SeqRef) -> str:
    """Return the value of a string variable."""
    escaped = str(model.eval(variable, model_completion=True).as_string())
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), escaped)


def expression(pattern: str) -> z3.ReRef:
    """Translate an IAM pattern: * is any text in a line, ? any of its characters."""
    character = z3.Intersect(z3.AllChar(z3.ReSort(z3.StringSort())), z3.Complement(z3.Re(_END)))
    parts: list[z3.ReRef] = []
    literal = ""
    for letter in pattern:
        if letter not in "*?":
            literal += letter
            continue
        if literal:
            parts.append(z3.Re(literal))
        literal = ""
        parts.append(z3.Star(character) if letter == "*" else character)
    if literal or not parts:
        parts.append(z3.Re(literal))
    return z3.Concat(*parts) if len(parts) > 1 else parts[0]
