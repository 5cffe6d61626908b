"""Canary of a release: what a new version does with its share of the batches, compared with the live one."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_PERIOD = 60
_LONGEST_PAUSE = 15.0
# Share of a canary's length between two looks, for short ones.
_LOOKS = 20
# Batches of the new version below which a canary goes on, and how many times its length at most.
_ENOUGH_BATCHES, _LONGEST = 3, 3
# Time before the canary that lateness is compared with.
_BEFORE = timedelta(hours=1)
# A version is worse if its share is above the limit and above so many times the live one's.
_WORSE = 2
# Longest time for which nobody watches a canary before AWS returns it; a short canary's is its own length.
_UNWATCHED = timedelta(minutes=3)


@dataclass(frozen=True)
class Plan:
    """Percentage of batches that a new version receives, and for how many minutes; 0: none."""

    percent: float = 10.0
    minutes: float = 10.0

    @property
    def unwatched(self) -> timedelta:
        """Time after the last look from which the guard returns the new version."""
        return min(_UNWATCHED, timedelta(minutes=self.minutes))


@dataclass(frozen=True)
class Limits:
    """Percentages at which the stack's alarms start; fewer bad records than `min_records` are ignored."""

    rejected_percent: float
    late_percent: float
    min_records: int


@dataclass(frozen=True)
class Counts:
    """Counts of one version, or of both together, since the canary started."""

    invocations: float = 0
    errors: float = 0
    records: float = 0
    rejected: float = 0
    late: float = 0


# Field of Counts by namespace and metric of one version.
_LAMBDA = {"invocations": "Invocations", "errors": "Errors"}
_OWN = {"records": "Records", "rejected": "Rejected", "late": "Late"}


class Metrics:
    """Metrics of a release's function by version, and its alarms, from CloudWatch."""

    def __init__(self, client: "CloudWatchClient", release: Mapping[str, Any]) -> None:
        self._client, self._release = client, release

    def of_version(self, version: str, start: datetime, end: datetime) -> Counts:
        """Return the counts of one version."""
        function, use_case = self._release["function"], self._release["use_case"]
        resource = f"{function}:{self._release['alias']}"
        of_lambda = {"FunctionName": function, "Resource": resource, "ExecutedVersion": version}
        own = {"UseCase": use_case, "ExecutedVersion": version}
        queries = [_query(field, "AWS/Lambda", name, of_lambda) for field, name in _LAMBDA.items()]
        queries += [_query(field, self._release["namespace"], name, own) for field, name in _OWN.items()]
        return Counts(**self._sums(queries, start, end))

    def of_stack(self, start: datetime, end: datetime) -> Counts:
        """Return the late records and all records of both versions together."""
        own = {"UseCase": self._release["use_case"]}
        queries = [
            _query(field, self._release["namespace"], _OWN[field], own) for field in ("records", "late")
        ]
        return Counts(**self._sums(queries, start, end))

    def alarms(self) -> frozenset[str]:
        """Return the names of the release's alarms that are in state ALARM."""
        found = self._client.describe_alarms(
            AlarmNames=list(self._release["alarms"]),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            StateValue="ALARM",
        )
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        return frozenset(alarm["AlarmName"] for alarm in alarms)

    def _sums(self, queries: list[Any], start: datetime, end: datetime) -> dict[str, float]:
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start.replace(second=0, microsecond=0), EndTime=end
        )
        sums: dict[str, float] = {query["Id"]: 0.0 for query in queries}
        for page in pages:
            for result in page["MetricDataResults"]:
                sums[result["Id"]] += sum(result["Values"])
        return sums


def _query(field: str, namespace: str, name: str, dimensions: Mapping[str, str]) -> Any:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": listed}
    return {"Id": field, "MetricStat": {"Metric": metric, "Period": _PERIOD, "Stat": "Sum"}}


@dataclass(frozen=True)
class Outcome:
    """Result of a canary: why the new version must be returned, None if it passed, and its counts."""

    failure: str | None
    candidate: Counts


# Why a candidate that receives no records any more, or was not watched, does not go live.
LOST = "another process returned it, or AWS did, since this command did not watch it for too long"


@dataclass(frozen=True)
class Clock:
    """Time that a canary lasts; replaced in tests."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    wait: Callable[[float], None] = time.sleep


def watch(
    metrics: Metrics, limits: Limits, live: str, candidate: str, plan: Plan, keep: Callable[[], bool]
) -> Outcome:
    """Compare both versions until the candidate fails or the canary's time is over.

    With too few batches it goes on, up to three times as long, unless no record arrives at all. `keep`
    extends the watch at each look and returns whether the candidate still receives records.
    """
    clock = Clock()
    start = clock.now()
    length = timedelta(minutes=plan.minutes)
    before, ringing = metrics.of_stack(start - _BEFORE, start), metrics.alarms()
    while True:
        if not keep():
            return Outcome(LOST, Counts())
        now = clock.now()
        # An end in the future: CloudWatch leaves out the period that has not ended otherwise.
        end = now + timedelta(seconds=_PERIOD)
        new, old = (metrics.of_version(version, start, end) for version in (candidate, live))
        stack = metrics.of_stack(start, end)
        failure = judge(new, old, limits) or judge_lateness(new, stack, before, limits)
        failure = failure or _alarm(metrics.alarms() - ringing)
        enough = new.invocations >= _ENOUGH_BATCHES or not (new.invocations or old.invocations)
        if failure or now >= start + length * (1 if enough else _LONGEST):
            return Outcome(failure, new)
        clock.wait(min(_LONGEST_PAUSE, length.total_seconds() / _LOOKS))


def judge(new: Counts, live: Counts, limits: Limits) -> str | None:
    """Return why a version fails or rejects more than the live one, None if it does not."""
    errors, usual = _percent(new.errors, new.invocations), _percent(live.errors, live.invocations)
    if errors > _WORSE * usual:
        counts = f"{new.errors:.0f} of its {new.invocations:.0f} batches failed"
        return f"{counts}; of the live version's {live.errors:.0f} of {live.invocations:.0f}"
    rejected, usual = _percent(new.rejected, new.records), _percent(live.rejected, live.records)
    if new.rejected >= limits.min_records and rejected > max(limits.rejected_percent, _WORSE * usual):
        return f"it rejects {rejected:.1f}% of its records; the live version {usual:.1f}%"
    return None


def judge_lateness(new: Counts, stack: Counts, before: Counts, limits: Limits) -> str | None:
    """Return why records are later than before the canary, None if they are not.

    A slow version delays its whole shard, so the live version's records count, too.
    """
    usual = _percent(before.late, before.records)
    for counts, of in ((new, "its records"), (stack, "all records")):
        late = _percent(counts.late, counts.records)
        if counts.late >= limits.min_records and late > max(limits.late_percent, _WORSE * usual):
            return f"{late:.1f}% of {of} are scored late; before the canary {usual:.1f}%"
    return None


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _alarm(started: frozenset[str]) -> str | None:
    return f"alarm {', '.join(sorted(started))} started" if started else None
