"""Recorder of the calls of an integration run."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.iam import calls, record
from tests.iam.calls import Call
from tests.iam.record import Record

# Names the file in local/ministack_iam.py, which runs in another environment.
VARIABLE = "SCOREWATCH_IAM_CALLS"
# Set by make iam-record.
RENEW = bool(os.environ.get("SCOREWATCH_IAM_RECORD"))
# Files whose tests use other stacks than the shared one, or none.
ELSEWHERE = {
    "adoption",
    "containers",
    "demo",
    "destroy",
    "images",
    "localstack",
    "side_by_side",
    "smoke",
    "tutorial",
}


def is_shared(file: Path) -> bool:
    """Return whether the tests of a file use the stack that all integration tests share."""
    return file.stem.removeprefix("test_") not in ELSEWHERE


@dataclass
class Recorder:
    """Calls that embedded stacks wrote since the tests began."""

    file: Path = field(
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="scorewatch-iam-")) / "calls.jsonl"
    )
    starts: list[tuple[float, str]] = field(default_factory=list)
    kept: record.Policies = field(default_factory=dict)
    kept_resources: set[str] = field(default_factory=set)

    def start(self, test: str) -> None:
        """Take note of a test's start; `test` is pytest's id, without parameters."""
        self.starts.append((time.time(), test.partition("[")[0].removeprefix("integration-tests/")))

    def calls(self, use_case: str, region: str) -> list[Call]:
        """Return the allowed calls of a use case's roles."""
        return calls.allowed(calls.read(self.file), self.starts, record.kind_of(use_case, region))

    def denied(self, use_case: str, region: str, since: float) -> set[tuple[str, str]]:
        """Return kind of role and action of each call denied since a moment."""
        kind, lines = record.kind_of(use_case, region), calls.read(self.file)
        late = [line for line in lines if line.at >= since and line.decision != calls.ALLOW]
        return {(str(kind(line.role)), line.action) for line in late}

    def record(
        self, client: Callable[[str], Any], use_case: str, region: str, resources: list[str]
    ) -> Record:
        """Return the record of the run so far."""
        found = dict(sorted((self.kept | record.policies(client, use_case, region)).items()))
        arns = sorted(self.kept_resources.union(resources))
        return Record(use_case, found, record.in_reach(arns, found), self.calls(use_case, region))

    def keep(self, client: Callable[[str], Any], use_case: str, region: str, resources: list[str]) -> None:
        """Remember what a test has created and will remove, as part of the record."""
        self.kept |= record.policies(client, use_case, region)
        self.kept_resources.update(resources)
