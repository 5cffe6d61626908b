"""Least rows of each check: the documented table, and windows of few records."""

import re
from pathlib import Path

from lambda_monitor.check_config import CHECKS
from lambda_monitor.checks import columns
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.profiles.profile import Profile
from tests.lambda_monitor.checks.test_columns import model, rows

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/monitoring.md"


def test_the_documented_numbers_are_those_of_the_checks() -> None:
    table = DOCUMENT.read_text().partition("| check | made from |")[2].partition("\n\n")[0]
    documented = {
        name: int(number)
        for names, number in re.findall(r"^\| (`.*) \| (\d+)", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert documented == LEAST
    assert set(LEAST) <= set(CHECKS)


def test_checks_on_two_records_are_skipped() -> None:
    watched = model({})

    found = columns.check_columns(watched, Profile.of(rows(2, other=2), watched.profile_spec))

    assert {result.status for result in found} == {"skipped"}
    assert {"performance.estimate", "quality.missing", "quality.constant", "drift.feature"} <= {
        result.name for result in found
    }
