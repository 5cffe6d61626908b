import ast
import importlib
import subprocess
from pathlib import Path

import pytest

from tests.mutants import report
from tests.mutants.__main__ import ROOT, TABLES
from tests.mutants.mutation import Mutation, Table
from tests.mutants.runner import BaselineError, Outcome, first_failure, mutated, run

LIMIT = Mutation("limit off by one", "limits.py", "n <= 3", "n < 3")
UNIT = Mutation("another unit", "limits.py", "UNIT = 1", "UNIT = 2", survives="no code uses it")
ENDLESS = Mutation("endless loop", "limits.py", "return n", "while True: pass\n    return n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "limits.py").write_text("UNIT = 1\n\n\ndef small(n):\n    return n <= 3\n")
    test = "import limits\n\n\ndef test_three_is_small():\n    assert limits.small(3)\n"
    (root / "test_limits.py").write_text(test)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def outcomes(root: Path, folder: Path, *mutations: Mutation) -> dict[str, str]:
    table = Table(list(mutations), ["test_limits.py"], seconds=100)
    return {outcome.mutation.name: outcome.caught_by for outcome in run(root, folder, table, 2)}


def test_a_mutation_is_caught_by_its_first_failing_test_or_survives(repository: Path, tmp_path: Path) -> None:
    assert outcomes(repository, tmp_path / "copies", LIMIT, UNIT) == {
        "limit off by one": "test_limits.py::test_three_is_small",
        "another unit": "",
    }


def test_a_mutation_that_hangs_is_caught_by_the_time_out(repository: Path) -> None:
    with mutated(repository, ENDLESS):
        assert first_failure(repository, ["test_limits.py"], seconds=1) == "time-out after 1 s"


def test_tests_that_fail_without_a_mutation_are_an_error(repository: Path, tmp_path: Path) -> None:
    (repository / "limits.py").write_text("UNIT = 1\n")
    with pytest.raises(BaselineError, match="test_three_is_small"):
        outcomes(repository, tmp_path / "copies", UNIT)


def test_a_mutation_whose_text_is_gone_is_an_error(repository: Path) -> None:
    gone = Mutation("gone", "limits.py", "n <= 4", "n < 4")
    with pytest.raises(ValueError, match="occurs 0 times"), mutated(repository, gone):
        pass


@pytest.mark.parametrize("name", TABLES)
def test_each_mutation_applies_once_to_the_source_and_parses(name: str) -> None:
    table: Table = importlib.import_module(f"tests.mutants.{name}").TABLE
    assert len({mutation.name for mutation in table.mutations}) == len(table.mutations)
    assert sum(bool(mutation.survives) for mutation in table.mutations) <= table.allowed
    for mutation in table.mutations:
        text = (ROOT / mutation.file).read_text()
        assert text.count(mutation.old) == 1, f"{mutation.name}: {mutation.old!r}"
        changed = text.replace(mutation.old, mutation.new)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text)), mutation.name


def test_the_report_keeps_the_sections_of_other_tables() -> None:
    first = report.replace_section(
        "", "predict", report.section("predict", [Outcome(LIMIT, "a.py::test[x|y]")])
    )
    both = report.replace_section(first, "monitor", report.section("monitor", [Outcome(UNIT, "")]))
    again = report.replace_section(both, "predict", report.section("predict", [Outcome(LIMIT, "b.py::test")]))
    assert [line for line in again.splitlines() if line.startswith("## ")] == ["## monitor", "## predict"]
    assert "| another unit | `limits.py` | **SURVIVED**: no code uses it |" in again
    assert "a.py::test[x/y]" in both
    assert "a.py" not in again
    assert "1 of 1 mutations caught." in again
