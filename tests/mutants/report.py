"""Markdown report of mutation runs, one section per table."""

import re
from collections.abc import Sequence

from tests.mutants.runner import Outcome

_HEAD = """# Mutations

Deliberate faults in the source, and the first test that fails for each. `make mutants` writes this file.
"""
_SECTION = re.compile(r"^## (\w+)\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def row(outcome: Outcome) -> str:
    """Return the table row of one mutation."""
    survived = "**SURVIVED**" + (f": {outcome.mutation.survives}" if outcome.mutation.survives else "")
    caught = f"`{outcome.caught_by.replace('|', '/')}`" if outcome.caught_by else survived
    return f"| {outcome.mutation.name} | `{outcome.mutation.file}` | {caught} |"


def section(name: str, outcomes: Sequence[Outcome]) -> str:
    """Return the section of table `name`."""
    caught = sum(bool(outcome.caught_by) for outcome in outcomes)
    lines = [f"## {name}", "", f"{caught} of {len(outcomes)} mutations caught.", ""]
    lines += ["| mutation | file | caught by |", "|---|---|---|", *map(row, outcomes)]
    return "\n".join(lines) + "\n"


def replace_section(report: str, name: str, text: str) -> str:
    """Return `report` with one section replaced or added, sections sorted."""
    sections = {found[1]: found[0].strip() + "\n" for found in _SECTION.finditer(report)}
    sections[name] = text
    return "\n".join([_HEAD, *(sections[key] for key in sorted(sections))])
