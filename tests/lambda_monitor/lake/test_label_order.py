"""Order of labels by arrival, labels that S3 refuses, and the window with enough labels."""

from datetime import UTC, datetime, timedelta

from lambda_monitor.check_config import CheckConfig
from lambda_monitor.hours import labelled
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.labels import Reader
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from tests.lambda_monitor.hours.test_store import _RefusesOnce
from tests.lambda_monitor.lake.test_labels import pairs, read
from tests.lambda_monitor.synthetic import (
    HOUR,
    LAKE,
    LAYOUT,
    NOON,
    Stack,
    contract,
    hours,
    limits,
    profiler,
    read_window,
    reference,
    synthetic_rides,
)


def test_a_label_streamed_after_a_dropped_file_replaces_its_label(stack: Stack) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    stack.s3.put_object(Bucket=LAKE, Key="ground_truth/first.csv", Body=b"ride_id,duration\na,9\nb,9\n")
    stack.label({"a": 1.0}, now + 2 * HOUR)

    assert pairs(read(stack, now - HOUR, now + 4 * HOUR)) == {"a": 1.0, "b": 9.0}


def test_labels_that_s3_refuses_are_read_by_the_next_run(stack: Stack) -> None:
    stack.label({"a": 1.0})
    key = stack.label({"b": 2.0})
    refused = _RefusesOnce(stack.s3, key)

    def once() -> labelled.Labels:
        return Reader(refused, LAKE, contract(), S3Cache(stack.s3, LAKE, "p/")).read(NOON, NOON + HOUR)

    first, second = once(), once()

    assert ([u.key for u in first.unreadable], pairs(first)) == ([key], {"a": 1.0})
    assert ([u.key for u in second.unreadable], pairs(second)) == ([], {"a": 1.0, "b": 2.0})


def newest(stack: Stack, share: float) -> Truth:
    """Label a share of an hour and all of the hour before, and return the ground truth chosen."""
    sides = [stack.events(synthetic_rides(100, seed=n), NOON - n * HOUR, prefix=f"{n}-") for n in (0, 1)]
    for n, lines in enumerate(sides):
        stack.put(lines, NOON - n * HOUR)
    updater = hours(stack)
    window = read_window(updater, NOON - HOUR, NOON + HOUR)
    ids = window.sample.column("@id").to_pylist()
    late = [i for i in ids if i.startswith("0-")]
    stack.label(dict.fromkeys([i for i in ids if i.startswith("1-")], 9.0), NOON)
    stack.label(dict.fromkeys(late[: int(share * len(late))], 9.0), NOON)
    model = Model(
        contract=contract(),
        reference=reference(),
        profile_spec=LAYOUT,
        baseline=profiler(reference()),
        thresholds=thresholds.load(limits(5000)),
        check_config=CheckConfig(),
    )
    reader = Reader(stack.s3, LAKE, contract(), S3Cache(stack.s3, LAKE, "p/"))
    found = read_window(updater)
    return labelled.newest(model, updater.store, reader, found, delay=timedelta(days=1), now=NOON + 2 * HOUR)


def test_the_newest_window_with_enough_labels_is_chosen(stack: Stack) -> None:
    few = newest(stack, 0.1)
    stack.empty()
    many = newest(stack, 0.6)

    assert (few.start, few.records, len(few.rows), few.coverage) == (NOON - HOUR, 100, 100, 1.0)
    assert (many.start, many.records, len(many.rows), many.coverage) == (NOON, 100, 60, 0.6)
