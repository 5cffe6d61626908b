"""Definition of the CloudWatch dashboard, as Terraform renders it, and the metrics it shows."""

import json
import re
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra/modules/dashboard/dashboard.json.tftpl"
_SEARCH = re.compile(
    r"SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>\w+)\" UseCase=\"(?P<case>\w+)\" "
    r"Check=(?P<check>\w+)', '(?P<stat>\w+)', (?P<period>\d+)\)"
)

NAMES = {
    "region": "eu-west-1",
    "namespace": "Scorewatch",
    "use_case": "green_taxi",
    "predict_function": "scorewatch-green-taxi-predict",
    "monitor_function": "scorewatch-green-taxi-monitor",
    "monitor_log_group": "/aws/lambda/scorewatch-green-taxi-monitor",
    "predictions_delivery": "scorewatch-green-taxi-predictions",
    "rejected_delivery": "scorewatch-green-taxi-rejected",
    "alarm_arns": json.dumps(["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:scorewatch-green-taxi-x"]),
}


class Shown(NamedTuple):
    """One entry of a metric widget: a metric, or a search for series of one check's name or its start."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    stat: str
    label: str
    search: bool = False


def definition(**names: str) -> dict[str, Any]:
    """Return the dashboard's body. Raises KeyError for an unknown name in the template."""
    body: dict[str, Any] = json.loads(Template(TEMPLATE.read_text()).substitute({**NAMES, **names}))
    return body


def shown(widget: dict[str, Any]) -> list[Shown]:
    """Return the entries of a metric widget. Raises ValueError for a search of another form."""
    properties = widget["properties"]
    return [_shown(entry, properties["stat"]) for entry in properties["metrics"]]


def _shown(entry: list[Any], stat: str) -> Shown:
    options = entry[-1] if isinstance(entry[-1], dict) else {}
    if "expression" in options:
        found = _SEARCH.fullmatch(options["expression"])
        if found is None:
            raise ValueError(f"unknown expression: {options['expression']}")
        namespace, *dimensions = found["schema"].split(",")
        known = {"UseCase": found["case"], "Check": found["check"]}
        values = {name: known.get(name, "") for name in dimensions}
        return Shown(namespace, found["name"], values, found["stat"], options["label"], search=True)
    namespace, name, *pairs = entry[: -1 if options else None]
    dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return Shown(namespace, name, dimensions, options.get("stat", stat), options.get("label", name))
