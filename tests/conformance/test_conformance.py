from pathlib import Path
from typing import Any

import pytest

from tests.conformance import __main__ as command
from tests.conformance import explained, recordings, table
from tests.conformance.distill import STREAMS
from tests.conformance.streams import SCENARIOS


@pytest.fixture(scope="module")
def rows() -> list[table.Row]:
    return table.compare(table.known())


@pytest.fixture
def source() -> Path:
    found = recordings.folder()
    if found is None:
        pytest.skip("no recordings at hand: set AWS_RECORDINGS to their folder")
    return found


def test_our_models_differ_from_aws_only_where_explained(rows: list[table.Row]) -> None:
    assert [row for row in rows if row.verdict == table.DIFFERENT] == []


def test_every_explanation_is_of_a_difference_that_exists(rows: list[table.Row]) -> None:
    if not any(row.recording.startswith("test_scheduler::") for row in rows):
        pytest.skip("schedules are compared by Terraform, which is not installed")
    assert {(r.recording, r.fact) for r in rows if r.verdict == table.MEANT} == explained.MEANT.keys()


def test_each_scenario_has_a_recording() -> None:
    assert {f"{STREAMS}{name}" for name in SCENARIOS} == {n for n in table.known() if n.startswith(STREAMS)}


def test_every_recording_is_compared_or_has_a_reason_not_to_be(source: Path) -> None:
    names = recordings.read(source).keys()
    assert {name for name in names if explained.reason(name) is None} <= table.known().keys()
    assert sum(name.startswith(STREAMS) for name in names) == 28


def test_the_distilled_facts_are_those_of_the_recordings(source: Path) -> None:
    distilled = table.distilled(source)
    assert {name: table.known()[name] for name in distilled} == distilled


@pytest.mark.parametrize(
    ("fact", "wrong"),
    [
        ("failure condition", "MaxRecordAgeExceeded"),
        ("failure invocations", 0),
        ("failure times", ["0000-00-00T00:00:00Z"]),
    ],
)
def test_a_difference_is_printed_and_fails_the_command(
    fact: str, wrong: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{STREAMS}test_kinesis_maximum_record_age_exceeded[expire-before-ingestion]"
    changed = {name: {**table.known()[name], fact: wrong}}
    monkeypatch.setattr(table, "known", lambda: changed)
    monkeypatch.setattr(recordings, "folder", lambda: None)
    monkeypatch.setattr(command.sys, "argv", ["conformance"])
    assert command.main() == 1
    printed = capsys.readouterr().out
    assert f"{name}, {fact}" in printed
    assert "1 unexplained" in printed


def test_a_fact_that_its_recording_does_not_give_fails_the_command(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = table.known()
    name = f"{STREAMS}test_create_kinesis_event_source_mapping"
    known[name]["batches"] = [3, 7]
    monkeypatch.setattr(table, "known", lambda: known)
    monkeypatch.setattr(recordings, "folder", lambda: source)
    monkeypatch.setattr(command.sys, "argv", ["conformance"])
    assert command.main() == 1
    assert f"facts.json differs from the recording {name}" in capsys.readouterr().out
