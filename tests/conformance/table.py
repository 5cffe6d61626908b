"""Comparison of recorded facts with ours, and the tables that show it."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance import distill, explained, recordings, requests, streams
from tests.conformance.distill import Facts

FACTS = Path(__file__).with_name("facts.json")
SAME, MEANT, DIFFERENT = "same", "explained", "DIFFERENT"
_ABSENT = "absent"
_EXPRESSION = "at(2022-12-31T23:59:59)"


@dataclass(frozen=True)
class Row:
    """One fact of one recording."""

    recording: str
    fact: str
    aws: Any
    ours: Any

    @property
    def verdict(self) -> str:
        """Return SAME, MEANT or DIFFERENT."""
        if self.aws == self.ours:
            return SAME
        return MEANT if (self.recording, self.fact) in explained.MEANT else DIFFERENT


def known() -> dict[str, Facts]:
    """Return the distilled facts by recording."""
    found: dict[str, Facts] = json.loads(FACTS.read_text())
    return found


def distilled(source: Path) -> dict[str, Facts]:
    """Return the facts of the recordings in `source` that apply."""
    return {
        name: json.loads(json.dumps(distill.facts_of(name, content)))
        for name, content in recordings.read(source).items()
        if explained.reason(name) is None
    }


def compare(facts: Mapping[str, Facts]) -> list[Row]:
    """Return one row per fact. Schedules need Terraform: without it they are left out."""
    expressions = {name: _expression(name) for name in facts if name.startswith("test_scheduler::")}
    taken = (
        requests.schedules(list(expressions.values())) if expressions and shutil.which("terraform") else {}
    )
    rows = []
    for name, recorded in facts.items():
        if name in expressions and not taken:
            continue
        found = {"expression": taken[expressions[name]]} if name in expressions else _ours(name, recorded)
        names = dict.fromkeys([*recorded, *found])
        rows += [Row(name, fact, recorded.get(fact, _ABSENT), found.get(fact, _ABSENT)) for fact in names]
    return rows


def _ours(name: str, recorded: Facts) -> Facts:
    if name.startswith(distill.STREAMS):
        return streams.ours(name, recorded)
    if name.startswith("test_s3"):
        return requests.conditional_writes(recorded)
    if name.startswith("test_cloudwatch"):
        return requests.service_metrics(recorded)
    return requests.deliveries(recorded)


def _expression(name: str) -> str:
    found = re.search(r"\[(.*)\]$", name)
    return found.group(1) if found else _EXPRESSION


def lines(rows: list[Row]) -> list[str]:
    """Return one line per recording, and one per fact that differs."""
    found = [f"{'recording':<112} {'facts':>5}  verdict"]
    for name in dict.fromkeys(row.recording for row in rows):
        own = [row for row in rows if row.recording == name]
        worst = min((row.verdict for row in own), key=(DIFFERENT, MEANT, SAME).index)
        found.append(f"{name:<112} {len(own):>5}  {worst}")
    differing = [row for row in rows if row.verdict != SAME]
    if differing:
        found += ["", f"{'recording, fact':<72} {'AWS':<24} {'ours':<24} verdict"]
    for row in differing:
        why = explained.MEANT.get((row.recording, row.fact), "")
        place = f"{row.recording}, {row.fact}"
        found.append(f"{place:<72} {row.aws!s:<24} {row.ours!s:<24} {row.verdict} {why}".rstrip())
    return found
