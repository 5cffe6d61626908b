"""Drawing of the Grafana dashboard: `python -m tests.pictures.grafana` writes docs/grafana.png.

No Grafana draws it: matplotlib does, from the dashboard's own panels and queries, answered by a real
Prometheus that scraped the exporter through an ordinary, a drifted and again an ordinary report.
"""

import json
import os
import re
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import requests
from matplotlib import pyplot as plt
from moto.server import ThreadedMotoServer

from tests.local import reports
from tests.local.reports import BUCKET, DRIFTED, ORDINARY, ROOT, put
from tests.local.servers import client, prometheus

PICTURE = ROOT / "docs/grafana.png"
DASHBOARD = json.loads((ROOT / "local/prometheus/grafana-dashboard.json").read_text())
VARIABLES = {"use_case": "green_taxi", "model": DRIFTED["model"]["name"], "stack": "scorewatch-green-taxi"}
# Seconds for which each report is the newest one.
PHASES = ((ORDINARY, 25), (DRIFTED, 25), (ORDINARY, 15))
NOTE = (
    "Drawn by tests/pictures/grafana.py from the dashboard's panels and queries, not by Grafana. "
    "Prometheus scraped an ordinary, a drifted and again an ordinary report, 25 s each."
)
_COLUMNS, _UNIT = 24, 0.3
_GREY, _RED = "#9aa0a6", "#d62728"


def main() -> None:
    """Run the reports through Prometheus and draw the dashboard."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    s3 = client(endpoint)
    s3.create_bucket(Bucket=BUCKET)
    with (
        tempfile.TemporaryDirectory() as folder,
        reports.exporter(endpoint, "--seconds", "1") as metrics,
        prometheus(Path(folder), metrics, "127.0.0.1:9") as url,
    ):
        start = time.time()
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=len(PHASES))
        for report, seconds in PHASES:
            moments = (hour, hour + timedelta(hours=1), datetime.now(UTC))
            began, ended, ran_at = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments)
            put(s3, report, began, ended, ran_at=ran_at)
            threading.Event().wait(seconds)
            hour += timedelta(hours=1)
        draw(url, start, time.time())
    moto.stop()
    print(f"Written to {PICTURE.relative_to(ROOT)}.")  # noqa: T201  a command


def series(url: str, query: str, start: float, end: float) -> list[dict[str, Any]]:
    """Return the series of a query, with the dashboard's variables filled in."""
    filled = re.sub(r"\$(\w+)", lambda match: VARIABLES[match[1]], query)
    given: dict[str, Any] = {"query": filled, "start": start, "end": end, "step": 1}
    answer = requests.get(f"{url}/api/v1/query_range", params=given, timeout=10)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def legend(text: str, labels: dict[str, str]) -> str:
    """Return a legend's text with the labels filled in."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), text)


def draw(url: str, start: float, end: float) -> None:
    """Draw every panel at its place."""
    mpl.rcParams.update({"font.size": 7, "axes.titlesize": 8, "axes.titleweight": "bold"})
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    height = max(place["y"] + place["h"] for place in places)
    figure = plt.figure(figsize=(15, height * _UNIT), facecolor="white")
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        left, width = place["x"] / _COLUMNS + 0.03, place["w"] / _COLUMNS - 0.05
        bottom, tall = 1 - (place["y"] + place["h"]) / height, place["h"] / height
        if panel["type"] == "row":
            figure.text(0.01, bottom + tall / 3, panel["title"], fontsize=11, fontweight="bold")
            continue
        axes = figure.add_axes((left, bottom + 0.35 * tall / place["h"] + 0.01, width, tall * 0.7))
        axes.set_title(panel["title"], loc="left")
        _panel(axes, panel, url, (start, end))
    figure.text(0.01, 0.002, NOTE, color=_GREY)
    figure.savefig(PICTURE, dpi=80)


def _panel(axes: Any, panel: dict[str, Any], url: str, span: tuple[float, float]) -> None:
    if panel["datasource"]["type"] != "prometheus":
        axes.text(0.5, 0.5, "from CloudWatch: not in this picture", ha="center", color=_GREY)
        axes.set_axis_off()
        return
    found = [
        (legend(target["legendFormat"], result["metric"]), result)
        for target in panel["targets"]
        for result in series(url, target["expr"], *span)
    ]
    if panel["type"] in ("stat", "table"):
        _text(axes, panel["type"], found, span[1])
    elif panel["type"] == "state-timeline":
        _timeline(axes, found, span)
    else:
        _lines(axes, panel, found, span)


def _text(axes: Any, kind: str, found: list[tuple[str, Any]], end: float) -> None:
    axes.set_axis_off()
    # The table shows the drifted report: the newest one at two thirds of the time.
    moment = end - PHASES[-1][1] - 5 if kind == "table" else end
    shown = []
    for name, result in found:
        at = [value for stamp, value in result["values"] if abs(stamp - moment) < 1.5]
        labels = result["metric"]
        title = (
            f"{labels.get('check', '')} {labels.get('columns', '')}: {name} "
            if kind == "table"
            else f"{name} "
        )
        shown += [f"{title}{float(at[0]):.4g}"] if at else []
    axes.text(0, 0.95, "\n".join(shown), va="top", fontsize=7 if kind == "table" else 9)


def _timeline(axes: Any, found: list[tuple[str, Any]], span: tuple[float, float]) -> None:
    for row, (name, result) in enumerate(found):
        for stamp, _ in result["values"]:
            axes.barh(row, 1, left=stamp - span[0], color=_RED)
        axes.text(0.5, row, name, va="center")
    axes.set_yticks([])
    axes.set_xlim(0, span[1] - span[0])


def _lines(axes: Any, panel: dict[str, Any], found: list[tuple[str, Any]], span: tuple[float, float]) -> None:
    for name, result in found:
        points = [(stamp - span[0], float(value)) for stamp, value in result["values"]]
        axes.step(*zip(*points, strict=True), where="post", label=name)
    if "thresholds" in panel["fieldConfig"]["defaults"]:
        axes.axhline(1, color=_RED, linewidth=0.8)
    axes.set_xlim(0, span[1] - span[0])
    axes.set_ylim(bottom=0)
    if found:
        axes.legend(loc="center left", fontsize=5, ncols=2)
    else:
        axes.text(0.5, 0.5, "counters need CloudWatch", ha="center", color=_GREY, transform=axes.transAxes)


if __name__ == "__main__":
    main()
