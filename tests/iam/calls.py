"""Calls of an integration run, as the embedded AWS recorded them, and the test during which each was made."""

import bisect
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import layout
from tests.iam.grants import Keys

ALLOW = "Allow"
# Condition keys that policies may use; the others of a call are not recorded.
KEYS = ("s3:prefix", "kms:viaservice", "lambda:functionurlauthtype", "lambda:invokedviafunctionurl")
_KEY_ID = re.compile(r"(?<=:key/)[0-9a-f-]{36}$")
# A registered consumer of a stream ends in the time of its registration.
_REGISTERED = re.compile(r"(:stream/[^/]+/consumer/[^:]+):[0-9]+$")
_SECRET_SUFFIX = re.compile(r"(:secret:.*)-[A-Za-z0-9]{6}$")
_LAYOUT = json.loads(Path(layout.__file__).with_name("layout.json").read_text())
_FOLDERS = [prefix for prefix in _LAYOUT.values() if isinstance(prefix, str)]


@dataclass(frozen=True, order=True)
class Call:
    """One call of a role on a pattern of resources; `test` made it first."""

    role: str
    action: str
    resource: str
    keys: Keys
    test: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the recording: `role` is its name, `given` the condition keys in lower case."""

    at: float
    role: str
    action: str
    resource: str
    decision: str
    given: dict[str, Any]


def read(file: Path) -> list[Line]:
    """Return the recorded lines, none if no role called anything."""
    if not file.is_file():
        return []
    found = []
    for text in file.read_text().splitlines():
        line = json.loads(text)
        # arn:aws:sts::<account>:assumed-role/<role>/<session>
        role = line["principal"].split("/")[1]
        given = {key.lower(): value for key, value in line["context"].items()}
        found.append(Line(line["at"], role, line["action"], line["resource"], line["decision"], given))
    return found


def allowed(
    lines: Iterable[Line], starts: Sequence[tuple[float, str]], kind_of: Callable[[str], str | None]
) -> list[Call]:
    """Return the allowed calls, each once, with the first test that made it.

    `starts` has time and id of each test, in order of time. Roles without a kind are left out.
    """
    times, found = [at for at, _ in starts], {}
    for line in lines:
        kind = kind_of(line.role)
        if kind is None or line.decision != ALLOW:
            continue
        position = bisect.bisect_right(times, line.at) - 1
        test = starts[position][1] if position >= 0 else "applying the stack"
        keys = tuple((key, folder(str(line.given[key]))) for key in KEYS if line.given.get(key) is not None)
        found.setdefault(Call(kind, line.action, general(line.resource), keys), test)
    return sorted(Call(c.role, c.action, c.resource, c.keys, test) for c, test in found.items())


def general(arn: str) -> str:
    """Return the pattern of a resource: without random ids, objects by their folder in layout.json."""
    if arn == "*":
        return arn
    arn = without_random(arn)
    service, name = arn.split(":")[2], arn.split(":", 5)[-1]
    if service == "s3" and "/" in name:
        bucket, _, key = name.partition("/")
        return f"arn:aws:s3:::{bucket}/{folder(key)}"
    return arn


def without_random(arn: str) -> str:
    """Return the ARN with the ids that AWS makes up replaced by words."""
    return _REGISTERED.sub(r"\1:*", _SECRET_SUFFIX.sub(r"\1-SUFFIX", _KEY_ID.sub("KEY", arn)))


def folder(key: str) -> str:
    """Return the pattern of an object's folder, or of a listing's prefix; other texts as they are."""
    parts = key.split("/")
    if parts[0] == layout.MODELS and len(parts) > 1:
        return f"{layout.MODELS}/{parts[1]}/*"
    if parts[0] == layout.ALERTS and parts[2:3] == ["notified"]:
        return "/".join(parts[:4]) + "/*"
    if parts[0] == _LAYOUT["delivery_errors"]:
        return "/".join(parts[:2]) + "/*"
    for known in _FOLDERS:
        if key.startswith(f"{known}/"):
            return f"{known}/*"
    return key


def without_tests(calls: Iterable[Call]) -> set[Call]:
    """Return the calls without the tests that made them, which depend on the tests that ran."""
    return {Call(c.role, c.action, c.resource, c.keys) for c in calls}
