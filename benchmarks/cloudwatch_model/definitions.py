"""Alarms as planned by Terraform."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.terraform import ROOT, Terraform

MODULE = ROOT / "modules/alerts"
# Values of the module's variables that are names: any will do.
NAMES: dict[str, Any] = {
    "prefix": "stack",
    "notifier_prefix": "stack-notify-",
    "topic": "stack-alerts",
    "emails": ["team@example.com"],
    "kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    "partition": "aws",
    "region": "eu-west-1",
    "account_id": "123456789012",
    "input_stream": "input",
    "output_stream": "output",
    "delivery_names": {"predictions": "predictions", "rejected": "rejected", "ground_truth": "ground-truth"},
    "predict_function": "predict",
    "event_source_mapping_id": "00000000-0000-0000-0000-000000000000",
    "monitor_function": "monitor",
    "guard_function": "guard",
    "monitor_failed_queue": "failed",
    "metrics_namespace": "Scorewatch",
    "use_case": "green_taxi",
}
# Alarms of a chat channel, without the rest of their module.
CHANNEL_ALARMS = ROOT / "modules/notifier/alarms.tf"
CHANNEL = {
    "name": "stack-notify-team",
    "channel": "team",
    "failed_queue": "stack-notify-team-failed",
    "topic_arn": "arn:aws:sns:eu-west-1:123456789012:stack-alerts",
}
# Variables of the root that the module takes unchanged.
SETTINGS = (
    "delivery_interval_seconds",
    "lake_objective_seconds",
    "lake_target_percent",
    "monitor_silence_hours",
    "objective_min_records",
    "rejected_alarm_percent",
    "scoring_objective_seconds",
    "scoring_target_percent",
)
_MAIN = """
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
"""


@dataclass(frozen=True)
class Metric:
    """Metric of an alarm; `period` is in minutes, `key` is namespace and name."""

    key: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period: int


@dataclass(frozen=True)
class MetricAlarm:
    """Metric alarm: `enough` of `periods` data points breach the threshold."""

    name: str
    metrics: Mapping[str, Metric]
    expression: str
    comparison: str
    threshold: float
    periods: int
    enough: int
    missing: str
    actions: frozenset[str]

    @property
    def period(self) -> int:
        """Period in minutes, the same for all metrics."""
        (period,) = {metric.period for metric in self.metrics.values()}
        return period


@dataclass(frozen=True)
class CompositeAlarm:
    """Composite alarm; the periods of its suppressor are in minutes."""

    name: str
    rule: str
    actions: frozenset[str]
    suppressor: str | None = None
    wait: int = 0
    extension: int = 0


@dataclass(frozen=True)
class Stack:
    """All alarms of a stack by name, and the pattern of the rule that reports their ends."""

    metric: dict[str, MetricAlarm]
    composite: dict[str, CompositeAlarm]
    resolved_pattern: dict[str, Any]

    def notifying(self) -> set[str]:
        """Return the names of the alarms that send a message when they start."""
        return {alarm.name for alarm in self.alarms() if "alarm" in alarm.actions}

    def alarms(self) -> list[MetricAlarm | CompositeAlarm]:
        """Return all alarms."""
        return [*self.metric.values(), *self.composite.values()]

    def only(self, *parts: str) -> "Stack":
        """Return the stack's alarms whose name contains one of `parts`."""
        return Stack(
            {name: alarm for name, alarm in self.metric.items() if any(part in name for part in parts)},
            {name: alarm for name, alarm in self.composite.items() if any(part in name for part in parts)},
            self.resolved_pattern,
        )


def planned(work: Path, module: Path = MODULE, **settings: float) -> Stack:
    """Return the alarms that Terraform plans with the root's defaults and `settings`.

    Terraform works in folder `work`, without AWS. Raises TerraformError.
    """
    work.mkdir(parents=True, exist_ok=True)
    channel = work / "channel"
    channel.mkdir(exist_ok=True)
    shutil.copy(CHANNEL_ALARMS, channel)
    (channel / "variables.tf").write_text("".join(f'variable "{name}" {{}}\n' for name in CHANNEL))
    values = NAMES | {name: settings.get(name, default) for name, default in defaults().items()}
    modules = _module("alerts", module, values) + _module("channel", channel, CHANNEL)
    (work / "main.tf").write_text(_MAIN + modules)
    terraform = Terraform(work, state_dir=work / "state", env=os.environ)
    terraform.init(backend=False)
    return parse(terraform.plan({}))


def _module(name: str, source: Path, values: Mapping[str, Any]) -> str:
    """Return a module block."""
    lines = [
        f"  {key} = {json.dumps(value)}" for key, value in {"source": str(source.resolve()), **values}.items()
    ]
    return "\n".join([f'module "{name}" {{', *lines, "}", ""])


def defaults() -> dict[str, Any]:
    """Return the root's defaults of SETTINGS: numbers that Terraform itself parses."""
    text = "".join(path.read_text() for path in sorted(ROOT.glob("variables*.tf")))
    found = {}
    for name in SETTINGS:
        block = text.split(f'variable "{name}" {{')[1].split("\n}\n")[0]
        found[name] = json.loads(block.split("default     = ")[1].split("\n")[0])
    return found


def parse(plan: Mapping[str, Any]) -> Stack:
    """Return the alarms of a plan in Terraform's JSON format."""
    metric, composite, pattern = {}, {}, {}
    for change in plan["resource_changes"]:
        values, unknown = change["change"]["after"], change["change"]["after_unknown"]
        names = (("alarm", "alarm_actions"), ("ok", "ok_actions"), ("none", "insufficient_data_actions"))
        actions = frozenset(short for short, name in names if values.get(name) or unknown.get(name))
        if change["type"] == "aws_cloudwatch_metric_alarm":
            metric[values["alarm_name"]] = _metric_alarm(values, actions)
        elif change["type"] == "aws_cloudwatch_composite_alarm":
            composite[values["alarm_name"]] = _composite_alarm(values, actions)
        elif change["type"] == "aws_cloudwatch_event_rule":
            pattern = json.loads(values["event_pattern"])
    return Stack(metric, composite, pattern)


def _metric_alarm(values: Mapping[str, Any], actions: frozenset[str]) -> MetricAlarm:
    queries = values.get("metric_query") or []
    if queries:
        metrics = {q["id"]: _metric(q["metric"][0]) for q in queries if q["metric"]}
        (expression,) = (q["expression"] for q in queries if q["return_data"])
    else:
        metrics, expression = {"value": _metric(values)}, "value"
    return MetricAlarm(
        name=values["alarm_name"],
        metrics=metrics,
        expression=expression,
        comparison=values["comparison_operator"],
        threshold=values["threshold"],
        periods=values["evaluation_periods"],
        enough=values.get("datapoints_to_alarm") or values["evaluation_periods"],
        missing=values["treat_missing_data"],
        actions=actions,
    )


def _metric(values: Mapping[str, Any]) -> Metric:
    return Metric(
        key=f"{values['namespace']} {values['metric_name']}",
        dimensions=tuple(sorted(values["dimensions"].items())),
        stat=values.get("stat") or values["statistic"],
        period=values["period"] // 60,
    )


def _composite_alarm(values: Mapping[str, Any], actions: frozenset[str]) -> CompositeAlarm:
    alarm = CompositeAlarm(values["alarm_name"], values["alarm_rule"], actions)
    for suppressor in values.get("actions_suppressor") or []:
        wait, extension = suppressor["wait_period"] // 60, suppressor["extension_period"] // 60
        return CompositeAlarm(
            alarm.name, alarm.rule, actions, suppressor=suppressor["alarm"], wait=wait, extension=extension
        )
    return alarm
