"""Releases under traffic: bad ones are returned, also without their command; no record is lost."""

import base64
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contract import layout
from local import traffic
from ops import bundles, deploy, embedded, versions
from ops.audit import audit
from ops.canary import Metrics, Plan
from tests import releases
from tests.releases import Shell, build_image, write_model

# Half of the batches, so that seconds are enough.
PLAN = Plan(percent=50, minutes=0.5)
PAUSE_SECONDS = 0.3
# The watch of such a canary, a minute until the guard's next look, and a slow machine.
_RETURN_SECONDS = 180
ROWS = 20
# Ids differ by seed.
_SEEDS = itertools.count(1_000, 100)


class Producer:
    """A thread that puts records until it is stopped."""

    def __init__(self, deployed: Any) -> None:
        self._deployed, self._stop = deployed, threading.Event()
        self.start, self.ids = traffic.now(), set[str]()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        id_field = self._deployed.contract.id_field
        for seed in itertools.count(next(_SEEDS)):
            frame, lines = self._deployed.records("normal", 100 * ROWS, seed=seed)
            ids = frame[id_field].astype(str).tolist()
            for first in range(0, len(lines), ROWS):
                if self._stop.wait(PAUSE_SECONDS):
                    return
                self._deployed.put(lines[first : first + ROWS])
                self.ids |= set(ids[first : first + ROWS])

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


@pytest.fixture
def stack(own_stack: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a stack that the commands of ops find."""
    if own_stack.work is None:
        pytest.skip("only the embedded AWS runs an image made here")
    monkeypatch.setattr(embedded, "FOLDERS", (own_stack.work / "local",))
    monkeypatch.setattr(bundles, "WORK", own_stack.work)
    return own_stack


def live(stack: Any) -> tuple[str, str]:
    """Return the model and the image that every record meets."""
    alias = versions.alias_of(stack.outputs, "green_taxi")
    state = alias.read()
    assert state.candidate is None
    content = alias.content(state.version)
    return content.model_version, content.image.rpartition("/")[2]


@contextmanager
def watched(stack: Any) -> Iterator[Producer]:
    """Put records during the block; then check that each is scored or rejected exactly once."""
    producer = Producer(stack)
    with producer.running():
        yield producer
    limit = stack.deadlines.landed

    def reconciled() -> Any:
        kinesis, s3, names = stack.client("kinesis"), stack.client("s3"), stack.outputs
        found = audit(kinesis, s3, names["input_stream"], names["lake_bucket"], producer.start, traffic.now())
        return None if found.missing else found

    found = traffic.wait_for("every record", reconciled, seconds=limit)
    assert (found.received, found.given_up, found.duplicated) == (len(producer.ids), 0, 0)
    assert found.scored + found.rejected == found.received


def scored(stack: Any, producer: Producer) -> set[str]:
    """Wait until the producer's records are scored; return their ids, each with one prediction."""
    reader, limit = stack.lake(layout.PREDICTIONS), stack.deadlines.landed
    found = traffic.wait_landed(reader, stack.contract.id_field, producer.ids, producer.start, seconds=limit)
    return set(found)


@pytest.fixture
def shell(stack: Any, tmp_path: Path) -> Shell:
    """Return a shell in a copy of the repository whose local stack is this one."""
    return releases.shell(stack, tmp_path / "copy", PERCENT=str(PLAN.percent), MINUTES=str(PLAN.minutes))


@contextmanager
def subscriber(stack: Any) -> Iterator[traffic.Subscriber]:
    """Subscribe a queue to the alert topic during the block."""
    topic = stack.outputs["alert_topic_arn"]
    found = traffic.Subscriber(stack.client("sqs"), stack.client("sns"), topic, "release-messages")
    try:
        yield found
    finally:
        found.close()


def returned_without_its_command(stack: Any, shell: Shell, image: str) -> None:
    """Kill the release of a broken image in its canary; check that AWS returns it and loses no record."""
    alias = versions.alias_of(stack.outputs, "green_taxi")
    live_before = live(stack)
    with subscriber(stack) as topic:
        # Records come after the kill: the command can not have seen what the version does with them.
        shell.kill(f"make release IMAGE={image}", lambda: alias.read().candidate)
        candidate = alias.read().candidate
        assert candidate, "the candidate keeps its share"
        with watched(stack) as producer:
            done = lambda: None if alias.read().candidate else True  # noqa: E731
            traffic.wait_for("the return by the guard", done, seconds=_RETURN_SECONDS)
        assert scored(stack, producer) == producer.ids, "each failed batch was scored by the live version"
        metrics = Metrics(stack.client("cloudwatch"), stack.outputs["release"])
        end = traffic.now() + timedelta(minutes=1)
        assert metrics.of_version(candidate, producer.start, end).errors, "the candidate received batches"
        [message] = traffic.wait_for("the message", lambda: topic.messages() or None, seconds=60)
    assert f"version {candidate} was returned" in message["Subject"]
    assert f"AWS returned version {candidate}" in shell("make status")
    assert live(stack) == live_before


@pytest.mark.timeout(1800)
def test_bad_releases_return_and_good_ones_go_live_without_loss(stack: Any, shell: Shell) -> None:
    use_case, first = "green_taxi", live(stack)

    unstartable = build_image(stack, "unstartable", "import boto3\n", "import boto4\n")
    returned = partial(pytest.raises, versions.ReturnedError)
    with watched(stack) as producer, returned(match=r"does not start: Runtime\.ImportModuleError"):
        deploy.release(use_case, None, unstartable, PLAN)
    assert scored(stack, producer) == producer.ids
    assert live(stack) == first

    line = "    now, left_seconds = "
    broken = build_image(stack, "broken", line, f'    raise RuntimeError("broken")\n{line}')
    with watched(stack) as producer, returned(match="batches failed"):
        deploy.release(use_case, None, broken, PLAN)
    assert scored(stack, producer) == producer.ids, "each failed batch was scored by the live version"
    assert live(stack) == first
    assert stack.plan_is_empty()

    returned_without_its_command(stack, shell, broken)

    write_model(stack, "2", id_field="trip_id")
    with watched(stack) as producer, returned(match=r"it rejects 100\.0% of its records"):
        deploy.release(use_case, "2", None, PLAN)
    assert live(stack) == first
    again = [base64.b64decode(line["data"]) for line in rejected(stack, producer)]
    assert again, "the candidate received records"
    stack.put(again)
    assert scored(stack, producer) == producer.ids

    write_model(stack, "4")
    assert "is live already" in shell("make release")
    with watched(stack) as producer:
        assert "  passed: " in shell("make release VERSION=4")
    assert scored(stack, producer) == producer.ids
    assert live(stack) == ("4", first[1])
    assert "model 4, image" in shell("make status")
    assert f"{stack.contract.model.name} {first[0]} is champion" in shell("make rollback")
    assert live(stack) == first
    assert stack.plan_is_empty()


def rejected(stack: Any, producer: Producer) -> list[dict[str, Any]]:
    """Return the lines of the rejected records that the producer has put."""
    found = stack.lake(layout.REJECTED).new_lines(producer.start, traffic.now())
    return [json.loads(line) for line in found]
