"""Peak memory and time of reading objects, measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_SCRIPT = """
import io, json, resource, sys, time
from datetime import UTC, datetime
from lambda_monitor.lake import events
from lambda_monitor.lake.parser import ReadErrors
from lambda_monitor.lake.objects import Object
from lambda_monitor.profiles.profile import Profile
from tests.lambda_monitor.synthetic import LAYOUT, contract

class S3:
    def get_object(self, *, Key, **_):
        return {"Body": open(Key, "rb")}

keys = sys.argv[1:]
objects = [Object(key=k, etag="", size=1 << 20, modified=datetime.now(UTC)) for k in keys]
list(events.read(S3(), "b", [], contract(), ReadErrors()))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, errors, rows, profile = time.monotonic(), ReadErrors(), 0, None
for table in events.read(S3(), "b", objects, contract(), errors):
    rows += len(table)
    added = Profile.of(table, LAYOUT)
    profile = added if profile is None else profile.merge(added)
print(json.dumps({
    "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    "seconds": time.monotonic() - start,
    "rows": rows,
    "bad": sum(errors.bad_lines.values()),
    "reasons": [u.reason for u in errors.unreadable],
}))
"""


class Measured(NamedTuple):
    """What reading took beyond the imports, and what was read."""

    megabytes: float
    seconds: float
    rows: int
    bad: int
    reasons: list[str]


def read_events(*paths: Path) -> Measured:
    """Read the files as objects of the lake and profile their rows."""
    command = [sys.executable, "-c", _SCRIPT, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))
