"""The table of docs/model-kinds.md."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.model_kinds.trial import Outcome

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/model-kinds.md"
_START, _END = "<!-- made by make bench-kinds: start -->\n", "<!-- end -->"
_LONGEST = 100


def lines(outcomes: Iterable[Outcome]) -> list[str]:
    """Return one table per group of models."""
    found: list[str] = []
    for group, members in groupby(outcomes, key=lambda outcome: outcome.kind.group):
        found += [f"## {group.capitalize()}", "", "| model | verdict | largest difference, or reason |"]
        found += ["|---|---|---|", *(_row(outcome) for outcome in members), ""]
    return found


def _row(outcome: Outcome) -> str:
    if outcome.refused:
        return f"| {outcome.kind.name} | refused | {_cell(outcome.refused)} |"
    return f"| {outcome.kind.name} | accepted | {outcome.difference:.1e} on {outcome.rows:,} rows |"


def _cell(reason: str) -> str:
    """Return the first and the last line of a refusal: what is wrong, and the way out."""
    texts = [line.strip().replace("|", "/") for line in reason.splitlines() if line.strip()]
    first = texts[0] if len(texts[0]) <= _LONGEST else f"{texts[0][:_LONGEST]}..."
    return first if len(texts) == 1 else f"{first} {texts[-1]}"


def written(text: str, outcomes: Sequence[Outcome]) -> str:
    """Return the document with the tables of `outcomes`."""
    before, _, rest = text.partition(_START)
    after = rest.partition(_END)[2]
    return f"{before}{_START}\n" + "\n".join(lines(outcomes)) + _END + after


def verdicts(text: str) -> dict[tuple[str, str], str]:
    """Return the documented verdict of each model by group and name."""
    found, group = {}, ""
    for line in text.partition(_START)[2].partition(_END)[0].splitlines():
        if line.startswith("## "):
            group = line.removeprefix("## ").lower()
        elif match := re.match(r"\| (.+?) \| (accepted|refused) \|", line):
            found[group, match[1]] = match[2]
    return found
