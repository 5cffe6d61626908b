"""Lambda, CloudWatch, Terraform and time of a release, from AWS's documented behaviour.

- Aliases: UpdateAlias of the API reference and "Implement Lambda canary deployments using a weighted
  alias": a second, published version with a weight of 0 to 1; what a request leaves out stays as it is;
  RevisionId must be the current one, else PreconditionFailedException; the answer is the alias as it is
  then; a description has 256 characters at most. Every answer has HTTP's Date.
- Versions: "Lambda doesn't publish a version if the function's configuration and code haven't changed".
- Metrics of an alias have the dimensions FunctionName, Resource and ExecutedVersion.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

FUNCTION, ALIAS, USE_CASE = "f", "live", "green_taxi"
ALARMS = ["f-errors", "records-rejected"]
START = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
# Age at which CloudWatch returns a metric.
DELAY = timedelta(minutes=2)
DESCRIPTION_LIMIT = 256
LAMBDA = {"Invocations", "Errors"}
Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """What a version does with the batches it receives: shares of failed batches and of its records."""

    fails: float = 0.0
    rejects: float = 0.0
    late: float = 0.0
    # Share of the other version's records that it delays.
    delays: float = 0.0
    starts: bool = True


class Killed(BaseException):
    """The process of the release is gone: no call of it reaches AWS any more."""


@dataclass
class World:
    """State of the account; `behaviours` by model version."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    batches_per_minute: float = 60.0
    now: datetime = START
    calls: list[tuple[str, Any]] = field(default_factory=list)
    # Number of the call at which the process is killed or an error raised, once.
    kill_at: int | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    alias: dict[str, Any] = field(default_factory=dict)
    points: list[tuple[datetime, str, tuple[tuple[str, str], ...], float]] = field(default_factory=list)
    ringing: set[str] = field(default_factory=set)
    rings_at: dict[str, datetime] = field(default_factory=dict)
    applied: dict[str, Any] = field(default_factory=dict)
    revision: int = 0

    def call(self, name: str, detail: Any = None) -> None:
        """Log one call; raise what it is to raise."""
        if self.kill_at is not None and len(self.calls) >= self.kill_at:
            raise Killed
        self.calls.append((name, detail))
        if self.errors and self.errors[0][0] == name:
            raise ClientError({"Error": {"Code": self.errors.pop(0)[1], "Message": ""}}, name)

    def revive(self) -> None:
        """Let a new process do its calls."""
        self.kill_at = None

    def client(self, service: str, **_: Any) -> Any:
        return {"lambda": Lambda(self), "cloudwatch": CloudWatch(self)}[service]

    def wait(self, seconds: float) -> None:
        """Let time pass with traffic."""
        self.call("wait")
        weights = self.alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        shares = {self.alias["FunctionVersion"]: 1 - sum(weights.values()), **weights}
        self.now += timedelta(seconds=seconds)
        self._traffic({v: share * self.batches_per_minute * seconds / 60 for v, share in shares.items()})
        self.ringing |= {name for name, moment in self.rings_at.items() if self.now >= moment}

    def _traffic(self, batches: Mapping[str, float]) -> None:
        acts = {v: self.behaviours.get(self.versions[v]["model"], Behaviour()) for v in batches}
        for version, count in batches.items():
            others = [act.delays for v, act in acts.items() if v != version and batches[v]]
            delay = max(others, default=0.0)
            act, good = acts[version], count * (1 - acts[version].fails) * 100
            dimensions = {"FunctionName": FUNCTION, "Resource": f"{FUNCTION}:{ALIAS}"}
            for name, value in (("Invocations", count), ("Errors", count * act.fails)):
                self._point(name, {**dimensions, "ExecutedVersion": version}, value)
            own = {"Records": good, "Rejected": good * act.rejects, "Late": good * max(act.late, delay)}
            for name, value in own.items():
                self._point(name, {"UseCase": USE_CASE}, value)
                self._point(name, {"UseCase": USE_CASE, "ExecutedVersion": version}, value)

    def _point(self, name: str, dimensions: Mapping[str, str], value: float) -> None:
        if value:
            self.points.append((self.now, name, tuple(sorted(dimensions.items())), value))

    @property
    def outputs(self) -> dict[str, Any]:
        """Return Terraform's outputs of the last apply."""
        release = {
            "function": FUNCTION,
            "alias": ALIAS,
            "use_case": USE_CASE,
            "alarms": ALARMS,
            "namespace": "N",
        }
        release |= {"rejected_percent": 5, "late_percent": 1.44, "min_records": 5}
        return {**self.applied, "release": release, "region": "eu-west-1"}

    def apply(self, variables: Variables) -> None:
        """Apply as Terraform does: the whole change, or in a killed process none of it."""
        self.call("apply", dict(variables))
        self.applied = dict(variables)
        made = {
            "image": variables.get("candidate_image") or variables["predict_image"],
            "model": variables.get("candidate_model_version") or variables["model_version"],
            "memory": variables.get("memory", 1024),
        }
        if not self.versions or self.versions[max(self.versions, key=int)] != made:
            self.versions[str(len(self.versions) + 1)] = made
        self.alias = self.alias or {"FunctionVersion": "1", "Description": "", "RevisionId": "0"}


@dataclass
class Lambda:
    """The client's methods that a release uses."""

    world: World

    def get_alias(self, **_: str) -> dict[str, Any]:
        self.world.call("get_alias")
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        headers = {"date": format_datetime(self.world.now, usegmt=True)}
        return {**self.world.alias, "ResponseMetadata": {"HTTPHeaders": headers}}

    def update_alias(
        self,
        *,
        FunctionName: str,  # noqa: N803
        Name: str,  # noqa: N803
        RevisionId: str,  # noqa: N803
        **changes: Any,
    ) -> dict[str, Any]:
        world = self.world
        world.call("update_alias", changes)
        assert (FunctionName, Name) == (FUNCTION, ALIAS)
        if RevisionId != world.alias["RevisionId"]:
            raise ClientError({"Error": {"Code": "PreconditionFailedException"}}, "UpdateAlias")
        found = {**world.alias, **changes}
        weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        assert len(weights) <= 1
        assert all(0 <= weight <= 1 for weight in weights.values())
        assert {found["FunctionVersion"], *weights} <= world.versions.keys()
        assert len(found.get("Description", "")) <= DESCRIPTION_LIMIT
        if not weights:
            found.pop("RoutingConfig", None)
        world.revision += 1
        world.alias = found | {"RevisionId": str(world.revision)}
        return self._answer()

    def get_function(self, *, Qualifier: str, **_: str) -> dict[str, Any]:  # noqa: N803
        self.world.call("get_function")
        made = self.world.versions[Qualifier]
        return {
            "Code": {"ImageUri": made["image"]},
            "Configuration": {
                "Version": Qualifier,
                "RevisionId": f"of {Qualifier}",
                "MemorySize": made["memory"],
                "CodeSha256": f"hash of {made['image']}",
                "Environment": {"Variables": {"MODEL_VERSION": made["model"]}},
            },
        }

    def invoke(self, *, Qualifier: str, Payload: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        self.world.call("invoke")
        assert json.loads(Payload) == {"Records": []}
        if self.world.behaviours.get(self.world.versions[Qualifier]["model"], Behaviour()).starts:
            return {"Payload": io.BytesIO(b'{"batchItemFailures": []}')}
        error = {"errorType": "BundleError", "errorMessage": "model.onnx is missing"}
        return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}

    def get_waiter(self, name: str) -> Any:
        assert name == "published_version_active"
        return SimpleNamespace(wait=lambda **_: self.world.call("waiter"))

    def get_paginator(self, name: str) -> Any:
        assert name == "list_versions_by_function"

        def paginate(**_: str) -> list[Any]:
            self.world.call(name)
            numbers = ["$LATEST", *self.world.versions]
            return [{"Versions": [{"Version": number}]} for number in numbers]

        return SimpleNamespace(paginate=paginate)


@dataclass
class CloudWatch:
    """GetMetricData with CloudWatch's delay, and DescribeAlarms."""

    world: World

    def get_paginator(self, name: str) -> Any:
        assert name == "get_metric_data"
        return SimpleNamespace(paginate=self._metric_data)

    def _metric_data(self, *, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime) -> Any:  # noqa: N803
        self.world.call("get_metric_data")
        for query in MetricDataQueries:
            metric = query["MetricStat"]["Metric"]
            wanted = tuple(sorted((d["Name"], d["Value"]) for d in metric["Dimensions"]))
            values = [
                value
                for moment, name, dimensions, value in self.world.points
                if (name, dimensions) == (metric["MetricName"], wanted)
                and metric["Namespace"] == ("AWS/Lambda" if name in LAMBDA else "N")
                and StartTime <= moment.replace(second=0) < EndTime
                and moment + DELAY <= self.world.now
            ]
            yield {"MetricDataResults": [{"Id": query["Id"], "Values": values}]}

    def describe_alarms(self, *, AlarmNames: list[str], StateValue: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.world.call("describe_alarms")
        assert StateValue == "ALARM"
        return {"MetricAlarms": [{"AlarmName": n} for n in AlarmNames if n in self.world.ringing]}
