"""The documented verdict of every kind of model is that of a trial."""

import pytest

from benchmarks.model_kinds import estimators, table, trial
from benchmarks.model_kinds.trial import Kind, Outcome

KINDS = list(estimators.kinds())
DOCUMENTED = table.verdicts(table.DOCUMENT.read_text())
# Probabilities in events have six digits.
LARGEST = 5e-6


def test_the_document_lists_every_kind_once() -> None:
    assert [(kind.group, kind.name) for kind in KINDS] == list(DOCUMENTED)
    assert sum(verdict == "accepted" for verdict in DOCUMENTED.values()) >= 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.group}: {kind.name}")
def test_the_documented_verdict_is_true(kind: Kind) -> None:
    outcome = trial.run(kind)
    assert outcome.verdict == DOCUMENTED[kind.group, kind.name], outcome.refused
    assert outcome.difference < LARGEST


def test_a_changed_verdict_changes_the_document() -> None:
    kind = KINDS[0]
    text = table.DOCUMENT.read_text()
    outcomes = [Outcome(kind, refused="it can't\nTake | another."), Outcome(KINDS[1], 10, 1e-7)]

    written = table.written(text, outcomes)

    assert list(table.verdicts(written).items()) == [
        ((kind.group, kind.name), "refused"),
        ((KINDS[1].group, KINDS[1].name), "accepted"),
    ]
    assert f"| {kind.name} | refused | it can't Take / another. |" in written
    assert f"| {KINDS[1].name} | accepted | 1.0e-07 on 10 rows |" in written
    assert written.startswith(text.partition("<!--")[0])
    assert table.written(written, outcomes) == written
