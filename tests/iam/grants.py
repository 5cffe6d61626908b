"""What policies allow: one grant per role, action, resource and values of conditions."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

# Conditions that this reads; each is a key and one pattern of its value.
_OPERATORS = {"StringEquals", "StringLike", "Bool"}
Keys = tuple[tuple[str, str], ...]


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource pattern, with one pattern per condition key (in lower case)."""

    role: str
    sid: str
    action: str
    resource: str
    keys: Keys = ()

    def allows(self, action: str, resource: str, keys: Mapping[str, str]) -> bool:
        """Return whether a call matches; a missing condition key does not."""
        return (
            matches(self.action.lower(), action.lower())
            and matches(self.resource, resource)
            and all(key in keys and matches(pattern, keys[key]) for key, pattern in self.keys)
        )


def of_role(role: str, policies: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """Return the grants of policy documents. Raises ValueError for statements other than plain Allow."""
    found = []
    for policy in policies:
        for statement in _listed(policy["Statement"]):
            if statement["Effect"] != "Allow" or {"NotAction", "NotResource"} & set(statement):
                raise ValueError(f"{role}: {statement} is no plain Allow, which is all this reads")
            found += [
                Grant(role, statement.get("Sid", ""), action, resource, keys)
                for action in _listed(statement["Action"])
                for resource in _listed(statement["Resource"])
                for keys in _conditions(statement.get("Condition", {}))
            ]
    return sorted(set(found))


def matches(pattern: str, text: str) -> bool:
    """Return whether an IAM pattern, with * and ?, matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


def _conditions(conditions: Mapping[str, Mapping[str, Any]]) -> Iterable[Keys]:
    """Return each combination of one value per condition key. Raises ValueError for other operators."""
    if unread := set(conditions) - _OPERATORS:
        raise ValueError(f"conditions with {', '.join(sorted(unread))} are not read here")
    choices = [
        [(key.lower(), value) for value in _listed(values)]
        for operator in conditions.values()
        for key, values in operator.items()
    ]
    return itertools.product(*choices)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
