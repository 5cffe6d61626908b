import re
from pathlib import Path

import pytest

from ops import cost


def test_cost_is_that_of_the_page() -> None:
    text, _, _ = cost.PAGE.read_text().partition("**total**")
    rows = re.findall(r"^\| [^|*]+\|[^|]+\|[^|]+\| ([\d.]+) \|", text, re.MULTILINE)
    assert len(rows) > 10
    assert cost.monthly() == round(sum(map(float, rows)))


def test_hours_are_rounded_up_to_a_cent(tmp_path: Path) -> None:
    page = tmp_path / "cost.md"
    page.write_text("| service | quantity | price | $ | page |\n| **total** | | | **73** | |\n")
    assert cost.for_hours(1, page) == 0.1
    page.write_text("| **total** | | | **52** | |\n")
    assert cost.for_hours(2, page) == 0.15
    page.write_text("no table\n")
    with pytest.raises(cost.CostError, match="has no row"):
        cost.monthly(page)
