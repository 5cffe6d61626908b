"""The handler behind a model of its event source mapping."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lambda_predict import handler as handlers
from lambda_predict.publish import publish
from lambda_predict.score import Scorer
from local.event_source import EventSourceMapping, Failed, InvocationError, Record, Settings, event
from tests.lambda_predict import synthetic

_STREAM = "arn:aws:kinesis:eu-west-1:000000000000:stream/input"
VARIABLES = (Path(__file__).resolve().parents[2] / "infra/variables-scorer.tf").read_text()
_ROUNDS = 3_000
_IDLE = 5.0


def terraform_default(name: str) -> int:
    """Return the default of a Terraform variable."""
    found = re.search(rf'variable "{name}" {{[^}}]*?default\s+= (\d+)', VARIABLES)
    assert found is not None, name
    return int(found[1])


DEFAULTS = Settings(
    batch_size=terraform_default("batch_size"),
    batching_window=terraform_default("batching_window_seconds"),
    maximum_retries=terraform_default("maximum_retry_attempts"),
    maximum_age=terraform_default("maximum_record_age_seconds"),
    bisect=True,
    report_failures=True,
)
TERRAFORM = replace(DEFAULTS, batch_size=20, batching_window=0, maximum_age=10**9)


class Shard:
    """Shard whose records arrive `interval` seconds apart; sequence numbers from 1."""

    def __init__(
        self,
        shard_id: str,
        data: Sequence[bytes],
        parents: Sequence[str] = (),
        *,
        closed: bool = False,
        interval: float = 0.0,
    ) -> None:
        self.shard_id, self.parents, self.closed = shard_id, parents, closed
        self.now = synthetic.ARRIVED + interval * len(data)
        self.records = [
            Record(str(i + 1), "k", item, synthetic.ARRIVED + interval * i) for i, item in enumerate(data)
        ]

    def read(self, position: int, most: int) -> list[Record]:
        return [r for r in self.records[position : position + most] if r.arrived_at <= self.now]


class World:
    """The handler with its senders, driven by an event source mapping."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, model: synthetic.Model, output_record_kb: int = 0
    ) -> None:
        self._patch = monkeypatch
        self.settings = msgspec.structs.replace(synthetic.SETTINGS, output_record_kb=output_record_kb)
        self.scorer = Scorer(model)
        self.output, self.rejected = synthetic.Sink(), synthetic.Sink()
        self.given_up: list[tuple[str, str]] = []
        self.seconds = 60.0
        self.context = synthetic.Context(self.seconds)
        self.now = synthetic.ARRIVED
        self.before: Callable[[], None] = lambda: None

    def invoke(self, shard_id: str, records: list[Record]) -> Any:
        context = self.context = synthetic.Context(self.seconds)
        start = lambda: (self.settings, self.scorer, self.output, self.rejected)  # noqa: E731
        self._patch.setattr(handlers, "start", start)
        self._patch.setattr(handlers, "publish", partial(publish, pause=context.clock.pause))
        given = event(records, shard_id, _STREAM, "eu-west-1", lambda data: base64.b64encode(data).decode())
        try:
            self.before()
            return handlers.handler(given, context)
        except Exception as error:
            raise InvocationError(repr(error)) from error
        finally:
            self.now += self.seconds - context.clock.left

    def _mapping(self, settings: Settings) -> EventSourceMapping:
        def give_up(failed: Failed) -> None:
            self.given_up += [(failed.shard_id, r.sequence_number) for r in failed.records]

        return EventSourceMapping(settings, self.invoke, give_up)

    def run(self, *shards: Shard, mapping: Settings = TERRAFORM) -> None:
        """Poll once per minute, longer than any backoff, to the end."""
        reader = self._mapping(mapping)
        for step in range(_ROUNDS):
            reader.poll(shards, synthetic.ARRIVED + 60 * step)
            if all(reader.drained(_Closed(s)) for s in shards):
                return
        raise AssertionError(f"the shards were not read to their end in {_ROUNDS} polls")

    def run_in_time(self, shard: Shard, mapping: Settings, seconds: float) -> None:
        """Poll as records arrive and backoffs end, for `seconds` at most."""
        reader = self._mapping(mapping)
        end, last = self.now + seconds, shard.records[-1].arrived_at
        while self.now < end:
            shard.now = started = self.now
            reader.poll([shard], self.now)
            if self.now > last and reader.drained(_Closed(shard)):
                return
            self.now = max(self.now, started + _IDLE)
        raise AssertionError(f"the shard was not read to its end in {seconds} seconds")

    def check(self, *shards: Shard, poison: int = 0) -> None:
        """Assert that each record is either scored, rejected or given up."""
        everything = {(s.shard_id, r.sequence_number) for s in shards for r in s.records}
        scored, rejected = set(self.output.references()), set(self.rejected.references())
        assert scored | rejected | set(self.given_up) == everything
        assert not scored & rejected
        assert len(rejected) == poison
        by_reference = {}
        for line in self.output.lines:
            found = json.loads(line)
            reference = (found["record"]["shard"], found["record"]["sequence_number"])
            assert by_reference.setdefault(reference, found["ride_id"]) == found["ride_id"]


class _Closed:
    """View of a shard as closed: `drained` means read to its end."""

    def __init__(self, shard: Shard) -> None:
        self.shard_id, self.parents, self.closed, self.read = shard.shard_id, shard.parents, True, shard.read


def rides(count: int, poison: Sequence[int] = ()) -> list[bytes]:
    wrong = set(poison)
    return [b"{poison" if i in wrong else synthetic.ride(f"r{i}") for i in range(count)]
