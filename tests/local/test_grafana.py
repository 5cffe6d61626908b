"""The Grafana dashboard: Grafana's published schema, its queries, and its layout."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from prometheus_client.core import CounterMetricFamily

from lambda_predict import metrics
from local.cloudwatch_counters import CloudWatchCounters
from local.exporter import checks, totals, windows
from tests.lambda_predict import synthetic

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "local/prometheus/grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [target for panel in PANELS for target in panel["targets"]]
PROMETHEUS, CLOUDWATCH = (
    [t for t in TARGETS if t["datasource"]["type"] == kind] for kind in ("prometheus", "cloudwatch")
)
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}

# TypeScript types of Grafana's own npm package, and the program that makes JSON schemas of them.
PACKAGES = ("@grafana/schema@13.2.3", "typescript@5.9", "ts-json-schema-generator@2.4.0")
WORK = ROOT / ".scorewatch/cache/grafana-schema"
TYPES = {
    "dashboard": ("dashboard", "Dashboard"),
    "cloudwatch": ("composable/cloudwatch/dataquery", "MetricStat"),
    "stat": ("composable/stat/panelcfg", "Options"),
    "state-timeline": ("composable/statetimeline/panelcfg", "Options"),
    "table": ("composable/table/panelcfg", "Options"),
    "timeseries": ("composable/timeseries/panelcfg", "Options"),
    "line": ("composable/timeseries/panelcfg", "FieldConfig"),
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Return the JSON schemas of TYPES; skip where npm can't install the packages."""
    missing = [name for name in TYPES if not (WORK / f"{name}.json").is_file()]
    if missing and shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    if missing:
        install = ("npm", "install", "--no-save", "--ignore-scripts", "--prefix", WORK, *PACKAGES)
        WORK.mkdir(parents=True, exist_ok=True)
        if subprocess.run(install, capture_output=True, check=False, timeout=200).returncode:
            pytest.skip(f"npm can't install {', '.join(PACKAGES)}")
    for name in missing:
        folder, kind = TYPES[name]
        source = WORK / f"node_modules/@grafana/schema/dist/types/raw/{folder}/x/types.gen.d.ts"
        program = WORK / "node_modules/.bin/ts-json-schema-generator"
        made = subprocess.run(
            [program, "--path", source, "--type", kind, "--no-type-check"], capture_output=True, check=True
        )
        (WORK / f"{name}.json").write_bytes(made.stdout)
    return {name: json.loads((WORK / f"{name}.json").read_text()) for name in TYPES}


def problems(schema: Any, value: Any) -> list[str]:
    return [
        f"{list(error.absolute_path)}: {error.message}"
        for error in Draft7Validator(schema).iter_errors(value)
    ]


def test_the_dashboard_matches_grafanas_schema(schemas: dict[str, Any]) -> None:
    assert problems(schemas["dashboard"], DASHBOARD) == []
    for panel in PANELS:
        assert problems(schemas[panel["type"]], panel["options"]) == [], panel["title"]
        if panel["type"] == "timeseries":
            custom = panel["fieldConfig"]["defaults"].get("custom", {})
            assert problems(schemas["line"], custom) == [], panel["title"]
    stat = schemas["cloudwatch"]["definitions"]["MetricStat"]["properties"].keys()
    for target in CLOUDWATCH:
        assert problems(schemas["cloudwatch"], {k: v for k, v in target.items() if k in stat}) == []


def test_the_schema_refuses_a_wrong_field(schemas: dict[str, Any]) -> None:
    assert problems(schemas["dashboard"], DASHBOARD | {"panel": []})
    assert problems(schemas["timeseries"], PANELS[6]["options"] | {"legend": "bottom"})


def test_panels_have_their_own_place() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(p["x"] >= 0 and p["x"] + p["w"] <= 24 for p in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Service", "Data quality", "Drift", "Performance", "Alerts"]


def test_both_data_sources_are_variables() -> None:
    sources = {(t["datasource"]["type"], t["datasource"]["uid"]) for t in TARGETS}
    assert sources == {("prometheus", "${prometheus}"), ("cloudwatch", "${cloudwatch}")}
    assert all(VARIABLES[kind]["query"] == kind for kind in ("prometheus", "cloudwatch"))
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"])))
    assert used <= VARIABLES.keys()


def test_queries_name_metrics_that_exist() -> None:
    counters = CloudWatchCounters.__new__(CloudWatchCounters)
    counters.totals = {}
    families = [*windows("u", []), *checks("u", []), *totals("u", counters)]
    names = {f.name + ("_total" if isinstance(f, CounterMetricFamily) else "") for f in families}
    names.add("scorewatch_exporter_source_up")
    queries = [target["expr"] for target in PROMETHEUS]
    queries += [v["query"]["query"] for v in VARIABLES.values() if v["type"] == "query"]
    used = {name for query in queries for name in re.findall(r"\bscorewatch_\w+", query)}
    assert used
    assert used <= names
    assert {"OnTime", "Late"} == set(metrics.timeliness([], None, 60, synthetic.NOW))
    own = {t["metricName"] for t in CLOUDWATCH if t["namespace"] == metrics.NAMESPACE}
    assert own == {"OnTime", "Late"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_queries_are_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"q{number}", "expr": re.sub(r"\$(\w+)", r"\1", target["expr"])}
        for number, target in enumerate(PROMETHEUS)
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "q", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
