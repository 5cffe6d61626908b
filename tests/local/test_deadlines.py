from local.deadlines import Deadlines

OUTPUTS = {"delivery_interval_seconds": 1, "batching_window_seconds": 1, "predict_timeout_seconds": 60}


def test_deadlines_follow_the_stacks_variables() -> None:
    fast = Deadlines.of(OUTPUTS)
    assert fast.scored < fast.landed
    slow = Deadlines.of(OUTPUTS | {"delivery_interval_seconds": 900})
    assert (slow.landed - fast.landed, slow.label - fast.label) == (899, 899)
    assert (slow.scored, slow.notified) == (fast.scored, fast.notified)
    patient = Deadlines.of(OUTPUTS | {"batching_window_seconds": 300, "predict_timeout_seconds": 900})
    assert patient.scored - fast.scored == patient.landed - fast.landed == 299 + 840
