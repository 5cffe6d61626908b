"""Estimated cost of a stack, from the table in docs/cost.md."""

import math
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs/cost.md"
HOURS_PER_MONTH = 730
_TOTAL = re.compile(r"^\| \*\*total\*\* \|(?: *\|)+ \*\*(\d+)\*\* \|", re.MULTILINE)


class CostError(RuntimeError):
    """The page of costs has no total."""


def monthly(page: Path = PAGE) -> int:
    """Return the cost in dollars of a stack at 1,000,000 records per day for a month. Raises CostError."""
    found = _TOTAL.search(page.read_text())
    if found is None:
        raise CostError(f"{page} has no row '**total**'")
    return int(found.group(1))


def for_hours(hours: int, page: Path = PAGE) -> float:
    """Return the cost in dollars of `hours` of that stack, rounded up to a cent. Raises CostError."""
    return math.ceil(monthly(page) / HOURS_PER_MONTH * hours * 100) / 100
