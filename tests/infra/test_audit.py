from collections import Counter

from infra.audit import Audit, reconcile

A, B, C, D = [("s0", str(i)) for i in range(4)]


def test_every_record_is_somewhere() -> None:
    found = reconcile({A, B, C}, Counter({A: 1}), {B}, {C})
    assert found == Audit(received=3, scored=1, rejected=1, given_up=1, duplicated=0, missing=[])


def test_a_record_that_is_nowhere_is_named() -> None:
    found = reconcile({A, B}, Counter({A: 1}), set(), set())
    assert found.missing == [B]
    assert "missing: s0 1" in str(found)


def test_duplicates_are_counted_and_harmless() -> None:
    found = reconcile({A, B}, Counter({A: 3, B: 1}), set(), set())
    assert (found.scored, found.duplicated, found.missing) == (2, 1, [])


def test_what_arrived_outside_the_range_does_not_count() -> None:
    found = reconcile({A}, Counter({A: 1, D: 2}), {B}, {C})
    assert found == Audit(received=1, scored=1, rejected=0, given_up=0, duplicated=0, missing=[])


def test_given_up_and_scored_later_is_scored() -> None:
    found = reconcile({A}, Counter({A: 1}), set(), {A})
    assert (found.scored, found.given_up) == (1, 0)
