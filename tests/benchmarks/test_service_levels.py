"""The planned alarms: each one fires and ends, none on the first deployment, and the replay of outages."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from benchmarks import outages as synthetic
from benchmarks import service_levels
from benchmarks.cloudwatch_model import definitions, messages
from benchmarks.cloudwatch_model.definitions import Stack
from benchmarks.cloudwatch_model.expressions import Series
from benchmarks.outages import DAY, Outage

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 4 * DAY
START, END = 2 * DAY, 2 * DAY + 30
PREFIX = f"{definitions.NAMES['prefix']}-"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return definitions.planned(tmp_path_factory.mktemp("plan"))


def always(value: float) -> Series:
    return np.full(MINUTES, float(value))


def fault(value: float, usual: float = np.nan, end: int = END) -> Series:
    """Return `usual`, and `value` during the fault."""
    values = always(usual)
    values[START:end] = value
    return values


def hourly(stops: int = MINUTES, resumes: int = MINUTES, first: int = 20) -> Series:
    """Return one run per hour, none from `stops` to `resumes`."""
    values = always(np.nan)
    values[first::60] = 1
    values[stops:resumes] = np.nan
    return values


def shares(late: float, end: int = END) -> dict[str, Series]:
    """Return 700 records per minute, a share of them late during the fault."""
    return {synthetic.LATE: fault(700 * late, 0, end), synthetic.ON_TIME: fault(700 * (1 - late), 700, end)}


# Metrics of a fault by alarm. Units are CloudWatch's: milliseconds, seconds, counts per minute.
FAULTS: dict[str, Mapping[str, Series]] = {
    "batches-given-up": {"AWS/Lambda OnFailureDestinationDeliveredEventCount": fault(3)},
    "delivery-ground-truth-late": {synthetic.WAITING: fault(1_000, 200)},
    "delivery-rejected-late": {synthetic.WAITING: fault(1_000, 200)},
    "guard-errors": {"AWS/Lambda Errors": fault(1, 0)},
    "input-throttled": {"AWS/Kinesis WriteProvisionedThroughputExceeded": fault(5, 0)},
    "lake-budget-fast": {synthetic.WAITING: fault(250, 250), synthetic.BEHIND: fault(700_000, 0)},
    "monitor-destination-failed": {"AWS/Lambda DestinationDeliveryFailures": fault(1)},
    "monitor-errors": {"AWS/Lambda Errors": fault(1, 0)},
    "monitor-failed": {"AWS/SQS ApproximateNumberOfMessagesVisible": fault(1, 0)},
    "monitor-silent": {"AWS/Lambda Invocations": hourly(START, START + 600)},
    "monitor-throttles": {"AWS/Lambda Throttles": fault(1, 0)},
    "notify-team-errors": {"AWS/Lambda Errors": fault(1, 0)},
    "notify-team-failed": {"AWS/SQS ApproximateNumberOfMessagesVisible": fault(1, 0)},
    "output-throttled": {"AWS/Kinesis WriteProvisionedThroughputExceeded": fault(5, 0)},
    "predict-destination-failed": {"AWS/Lambda DestinationDeliveryFailures": fault(1)},
    "predict-errors": {"AWS/Lambda Errors": fault(1, 0)},
    "predict-throttles": {"AWS/Lambda Throttles": fault(1, 0)},
    "predictions-unread": {
        synthetic.ARRIVED: always(700),
        "AWS/Firehose DataReadFromKinesisStream.Records": fault(np.nan, 700),
    },
    "records-dropped": {"AWS/Lambda DroppedEventCount": fault(2)},
    "records-rejected": {"Scorewatch Records": always(700), "Scorewatch Rejected": fault(70, 0)},
    "scoring-budget-fast": shares(0.1),
    "scoring-budget-slow": shares(0.002, START + DAY),
    "scoring-stopped": {
        synthetic.ARRIVED: always(700),
        synthetic.ON_TIME: fault(np.nan, 700),
        synthetic.LATE: fault(np.nan, 0),
    },
}


def test_each_alarm_has_a_fault_here(stack: Stack) -> None:
    assert {name.removeprefix(PREFIX) for name in stack.notifying()} == set(FAULTS)


@pytest.mark.parametrize("alarm", FAULTS)
def test_an_alarm_starts_with_its_fault_and_ends_after_it(stack: Stack, alarm: str) -> None:
    sent = messages.sent(stack, FAULTS[alarm], MINUTES, delay=2)
    own = [message for message in sent if message.alarm == PREFIX + alarm]
    assert [message.state for message in own] == ["ALARM", "OK"]
    assert START <= own[0].minute < own[1].minute


@pytest.mark.parametrize("alarm", FAULTS)
def test_other_alarms_stay_silent(stack: Stack, alarm: str) -> None:
    fired = {m.alarm.removeprefix(PREFIX) for m in messages.sent(stack, FAULTS[alarm], MINUTES, delay=2)}
    # The model does not tell functions and streams apart: those alarms share a metric.
    shared = {
        other
        for other, metrics in FAULTS.items()
        if metrics.keys() & FAULTS[alarm].keys() - {synthetic.ARRIVED, synthetic.LATE, synthetic.ON_TIME}
    }
    assert fired - shared - {"predictions-unread", "scoring-stopped"} == {alarm} - shared - {
        "predictions-unread",
        "scoring-stopped",
    }


def test_a_slow_alarm_of_the_lake_exists_where_it_can_be_first(tmp_path: Path) -> None:
    stack = definitions.planned(tmp_path, lake_target_percent=99)
    name = f"{PREFIX}lake-budget-slow"
    assert name in stack.notifying()
    # One bad minute per 40: below 9 per hour and 22 per 6 hours, above 22 per day.
    waiting = always(200)
    waiting[START : START + DAY : 40] = 1_000
    sent = messages.sent(stack, {synthetic.WAITING: waiting}, MINUTES, delay=2)
    assert [m.state for m in sent if m.alarm == name] == ["ALARM", "OK"]
    assert f"{PREFIX}lake-budget-fast" not in {m.alarm for m in sent}


FIRST_DAYS = {
    "no records": {},
    "runs of the monitor": {"AWS/Lambda Invocations": hourly(first=50)},
    "records and runs": {
        "AWS/Lambda Invocations": hourly(first=50),
        synthetic.ARRIVED: always(20),
        synthetic.ON_TIME: always(20),
        synthetic.LATE: always(0),
        synthetic.WAITING: always(300),
        synthetic.BEHIND: always(0),
        "AWS/Firehose DataReadFromKinesisStream.Records": always(20),
        "AWS/Lambda Errors": always(0),
        "AWS/Lambda Throttles": always(0),
        "AWS/SQS ApproximateNumberOfMessagesVisible": always(0),
    },
}


@pytest.mark.parametrize("case", FIRST_DAYS)
@pytest.mark.parametrize("delay", [0, 2, 5])
def test_the_first_deployment_sends_nothing(stack: Stack, case: str, delay: int) -> None:
    assert messages.sent(stack, FIRST_DAYS[case], MINUTES, delay) == []


def test_a_monitor_that_stops_after_its_first_runs_is_reported(stack: Stack) -> None:
    data = {"AWS/Lambda Invocations": hourly(stops=5 * 60)}
    (message,) = messages.sent(stack, data, MINUTES, delay=2)
    assert (message.alarm, message.state) == (f"{PREFIX}monitor-silent", "ALARM")
    assert message.minute <= 4 * 60 + 20 + definitions.defaults()["monitor_silence_hours"] * 60 + 62


def test_an_outage_is_reported_once_and_its_end_once(stack: Stack) -> None:
    outage = Outage("scoring", "throttle", DAY + 600, 60, 0.99)
    result = service_levels.replay(stack, outage, definitions.defaults())
    assert result.cost > service_levels.MUST_ALARM
    assert (len(result.started), len(result.ended)) == (1, 1)


def test_no_outage_that_costs_much_is_missed_and_alarms_are_right(stack: Stack) -> None:
    settings = definitions.defaults()
    found = [
        service_levels.replay(stack, outage, settings) for outage in service_levels.draw(60, 20, settings)
    ]
    assert len([r for r in found if r.cost >= service_levels.MUST_ALARM]) > 40
    assert service_levels.missed(found) == []
    good, alarms = service_levels.right(found)
    assert good >= 0.95 * alarms


def test_single_thresholds_would_miss_outages() -> None:
    settings = definitions.defaults()
    drawn = service_levels.draw(20, 0, settings)
    found = [service_levels.replay(service_levels.SINGLE, outage, settings) for outage in drawn]
    assert service_levels.missed(found)


def test_a_quiet_month_raises_no_alarm(stack: Stack) -> None:
    assert service_levels.quiet_month(stack, definitions.defaults(), seed=1) == 0


def test_costs_count_waiting_records() -> None:
    load = synthetic.Traffic(np.full(DAY * synthetic.STEPS, 100.0), 100.0)
    stop = Outage("scoring", "stop", 600, 10, 1.0)
    effect = synthetic.scoring([stop], load, objective=60, target=99.9)
    # 600 records per minute: those of 9 minutes wait longer than a minute, and some while it catches up.
    assert 9 * 600 <= np.nansum(effect.metrics[synthetic.LATE]) <= 11 * 600
    late_minutes = np.flatnonzero(np.nan_to_num(effect.metrics[synthetic.LATE]))
    assert (late_minutes.min(), np.isnan(effect.metrics[synthetic.ON_TIME][600:610]).all()) == (610, True)
    held = Outage("lake", "stop", 600, 30, 1.0)
    waiting = synthetic.lake([held], load, objective=900, target=99.9).metrics[synthetic.WAITING]
    assert 1_800 <= waiting.max() <= 2_400
    assert synthetic.lake([], load, objective=900, target=99.9).cost == 0


def test_every_alarm_has_its_section_in_the_runbook(stack: Stack) -> None:
    text = (ROOT / "docs/operations.md").read_text()
    anchors = set(re.findall(r'<a id="alarm-([\w-]+)"></a>', text))
    named = {name.removeprefix(PREFIX) for name in stack.notifying()} | {"lake-budget-slow"}
    named = {name.replace("notify-team-", "notify-") for name in named}
    assert anchors == {"delivery-late" if name.startswith("delivery-") else name for name in named}
