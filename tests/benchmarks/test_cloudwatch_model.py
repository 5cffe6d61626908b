"""The model of CloudWatch's alarms against the tables and sentences of CloudWatch's user guide."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.cloudwatch_model import composite, expressions, messages, metric
from benchmarks.cloudwatch_model.definitions import CompositeAlarm, Metric, MetricAlarm, Stack
from benchmarks.cloudwatch_model.metric import ALARM, INSUFFICIENT, OK

KEY = "Space Name"
_VALUES = {"0": 0.0, "X": 1.0, "-": np.nan}
# A state that no evaluation returns by itself, to see that it is kept.
_KEEP = "keep"

# "Configuring how CloudWatch alarms treat missing data": points, then the states for missing, ignore,
# breaching, notBreaching. The newest point is on the right.
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (INSUFFICIENT, _KEEP, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - X - -": (ALARM, _KEEP, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - X -": (ALARM, _KEEP, ALARM, OK),
}
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
ROWS = [
    (points, enough, treatment, state)
    for enough, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table.items()
    for treatment, state in zip(_TREATMENTS, states, strict=True)
]


def alarm(**changes: object) -> MetricAlarm:
    fields: dict[str, object] = {
        "name": "a",
        "metrics": {"value": Metric(KEY, (), "Sum", 1)},
        "expression": "value",
        "comparison": "GreaterThanOrEqualToThreshold",
        "threshold": 1,
        "periods": 1,
        "enough": 1,
        "missing": "notBreaching",
        "actions": frozenset({"alarm"}),
    }
    return MetricAlarm(**(fields | changes))  # type: ignore[arg-type]  # a test's short form


@pytest.mark.parametrize(("points", "enough", "treatment", "expected"), ROWS)
@pytest.mark.parametrize("before", [OK, ALARM])
def test_the_tables_of_the_user_guide(
    points: str, enough: int, treatment: str, expected: object, before: int
) -> None:
    values = [_VALUES[point] for point in points.split()]
    # Minutes in which the alarm is in the state before: three equal data points, then a gap.
    lead = [float(before == ALARM)] * 3 + [np.nan] * 5
    data = {KEY: np.array([*lead, *values])}
    if treatment == "missing" and expected is not INSUFFICIENT:
        data = {KEY: np.array(values)}
    found = metric.states(
        alarm(periods=3, enough=enough, missing=treatment), data, len(next(iter(data.values())))
    )
    assert found[-1] == (before if expected == _KEEP else expected)


def test_a_window_slides_and_a_longer_one_than_a_day_is_evaluated_once_per_hour() -> None:
    values = np.zeros(3 * 1440)
    values[100:105] = 1
    five = alarm(metrics={"value": Metric(KEY, (), "Sum", 5)}, threshold=3)
    states = metric.states(five, {KEY: values}, len(values))
    assert np.flatnonzero(states == ALARM).tolist() == list(range(102, 107))

    days = alarm(metrics={"value": Metric(KEY, (), "Sum", 1440)}, periods=2, enough=1, threshold=3)
    states = metric.states(days, {KEY: values}, len(values))
    assert np.flatnonzero(states == ALARM).tolist() == list(range(119, 119 + 2 * 1440))


def test_values_that_are_not_visible_yet_are_not_counted() -> None:
    values = np.zeros(60)
    values[30] = 1
    one = alarm(metrics={"value": Metric(KEY, (), "Sum", 1)}, periods=5, enough=1)
    # For the two newest, which are missing, it evaluates two from further back.
    assert np.flatnonzero(metric.states(one, {KEY: values}, 60, delay=2) == ALARM).tolist() == [
        *range(32, 37)
    ]
    five = alarm(metrics={"value": Metric(KEY, (), "Sum", 5)})
    assert np.flatnonzero(metric.states(five, {KEY: values}, 60, delay=2) == ALARM).tolist() == [32, 33, 34]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100 * a / (a + b)", [50, np.nan, np.nan]),
        ("FILL(a, 0) + FILL(b, 0)", [2, 1, 0]),
        ("IF(FILL(a, 0) > 0 AND FILL(b, 0) == 0, 1, 0)", [0, 1, 0]),
        ("IF(a >= 1, a, 0)", [1, 1, np.nan]),
    ],
)
def test_metric_math_with_missing_values(text: str, expected: list[float]) -> None:
    series = {"a": np.array([1, 1, np.nan]), "b": np.array([1, np.nan, np.nan])}
    np.testing.assert_array_equal(expressions.evaluate(text, series), np.array(expected, dtype=float))


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="ANOMALY"):
        expressions.evaluate("ANOMALY_DETECTION_BAND(a, 2)", {"a": np.array([1.0])})


@pytest.fixture
def suppressed() -> Callable[..., list[int]]:
    rule = CompositeAlarm("main", "", frozenset({"alarm"}), suppressor="other", wait=3, extension=4)

    def run(own: str, other: str) -> list[int]:
        states = [np.array([ALARM if c == "X" else OK for c in text], dtype=np.int8) for text in (own, other)]
        return np.flatnonzero(composite.suppressed(rule, *states) == ALARM).tolist()

    return run


def test_a_suppressor_holds_actions_back(suppressed: Callable[..., list[int]]) -> None:
    # Without the suppressor actions wait for it, then are taken.
    assert suppressed("..XXXXX..", ".........") == [5, 6]
    # The suppressor starts within the wait: nothing is taken, also not while it has just ended.
    assert suppressed("..XXXXXXX..", "...XX......") == []
    # Still in ALARM after the extension: now they are taken.
    assert suppressed("..XXXXXXXXXX", "...XX.......") == [9, 10, 11]
    # Starts while the suppressor's extension lasts.
    assert suppressed(".....XXX....", ".XXX........") == []


def test_a_rule_combines_states() -> None:
    known = {"a": np.array([OK, ALARM, ALARM]), "b": np.array([ALARM, INSUFFICIENT, ALARM])}
    rule = CompositeAlarm("c", '(ALARM("a") AND ALARM("b")) OR INSUFFICIENT_DATA("b")', frozenset())
    assert composite.states(rule, known).tolist() == [OK, ALARM, ALARM]
    with pytest.raises(ValueError, match="can't read"):
        composite.states(CompositeAlarm("c", 'AT_LEAST(1, ALARM, ("a"))', frozenset()), known)


def test_actions_follow_each_change_of_state_from_insufficient_data_on() -> None:
    both = alarm(actions=frozenset({"alarm", "ok"}))
    values = np.array([np.nan, 1, np.nan, np.nan, np.nan])
    pattern = {
        "detail": {
            "alarmName": ["a"],
            "state": {"value": ["OK"]},
            "previousState": {"value": ["ALARM"]},
        }
    }
    found = messages.sent(Stack({"a": both}, {}, {}), {KEY: values}, 5)
    assert [(m.minute, m.state) for m in found] == [(0, "OK"), (1, "ALARM"), (4, "OK")]
    quiet = alarm(actions=frozenset({"alarm"}))
    found = messages.sent(Stack({"a": quiet}, {}, pattern), {KEY: values}, 5)
    assert [(m.minute, m.state) for m in found] == [(1, "ALARM"), (4, "OK")]
