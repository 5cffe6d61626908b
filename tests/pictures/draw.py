"""Draw a mail, and a dashboard's definition with the metrics of log lines, by matplotlib."""

import textwrap
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure

from tests.pictures.definition import Shown, definition, shown

mpl.rcParams.update({"font.size": 7, "axes.titlesize": 8, "axes.titleweight": "bold"})
_COLUMNS, _CELL = 24, (0.62, 0.42)
_WIDTH = 118

Points = list[tuple[datetime, float]]


def mail(subject: str, text: str, path: Path) -> None:
    """Write a picture of a mail."""
    lines = [part for line in text.rstrip().splitlines() for part in (_wrapped(line) or [""])]
    figure = Figure(figsize=(9.6, 0.128 * (len(lines) + 5)), facecolor="white")
    figure.text(0.02, 0.985, subject, va="top", size=10, weight="bold")
    figure.text(
        0.02, 0.985 - 2.4 / (len(lines) + 5), "\n".join(lines), va="top", family="monospace", size=7.4
    )
    figure.savefig(path, dpi=130)


def _wrapped(line: str) -> list[str]:
    indent = "      " if line.startswith(" ") else ""
    return textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def dashboard(lines: list[dict[str, Any]], path: Path) -> None:
    """Write a picture of the dashboard with the metrics of `lines`."""
    body = definition(use_case=lines[0]["UseCase"])
    rows = max(widget["y"] + widget["height"] for widget in body["widgets"])
    figure = Figure(figsize=(_COLUMNS * _CELL[0], rows * _CELL[1]), facecolor="#f4f5f7")
    points = _points(lines)
    for widget in body["widgets"]:
        axes = figure.add_axes(_place(widget, rows))
        _DRAW[widget["type"]](axes, widget, points, lines)
    figure.savefig(path, dpi=110)


def _place(widget: dict[str, Any], rows: int) -> tuple[float, float, float, float]:
    left, bottom = widget["x"] + 0.9, rows - widget["y"] - widget["height"] + 1.0
    width, height = widget["width"] - 1.2, widget["height"] - 1.8
    if widget["type"] == "text":
        left, bottom, height = widget["x"] + 0.3, rows - widget["y"] - 1, 1
    return left / _COLUMNS, bottom / rows, width / _COLUMNS, height / rows


def _points(lines: list[dict[str, Any]]) -> dict[tuple[Any, ...], Points]:
    """Return the points of each metric by namespace, name and dimensions, as CloudWatch extracts them."""
    found: dict[tuple[Any, ...], Points] = defaultdict(list)
    for line in lines:
        at = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                key = frozenset((name, line[name]) for name in names)
                for metric in directive["Metrics"]:
                    found[directive["Namespace"], metric["Name"], key].append((at, line[metric["Name"]]))
    return found


def _series(entry: Shown, points: dict[tuple[Any, ...], Points]) -> dict[str, Points]:
    """Return the series of an entry by label; a search matches the start of a check's name."""
    if not entry.search:
        key = (entry.namespace, entry.name, frozenset(entry.dimensions.items()))
        return {entry.label: points[key]} if key in points else {}
    found = {}
    for (namespace, name, key), values in points.items():
        dimensions = dict(key)
        fits = dimensions.keys() == entry.dimensions.keys() and (namespace, name) == entry[:2]
        if fits and entry.dimensions["Check"] in dimensions["Check"].split("."):
            found[f"{dimensions['Check']} {dimensions['Column']}"] = values
    return found


def _metric(axes: Axes, widget: dict[str, Any], points: dict[tuple[Any, ...], Points], _: Any) -> None:
    properties = widget["properties"]
    axes.set_title(properties["title"], loc="left")
    entries = shown(widget)
    series = {label: values for entry in entries for label, values in _series(entry, points).items()}
    for label, values in series.items():
        axes.plot(*zip(*sorted(values), strict=True), label=label, marker=".", markersize=3, linewidth=1)
    if not series:
        words = "no values here: AWS writes them"
        axes.text(0.5, 0.5, textwrap.fill(words, 30), ha="center", va="center", transform=axes.transAxes)
    for line in properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(line["value"], color=line["color"], linewidth=1, linestyle="--")
    axes.set_ylabel(properties["yAxis"]["left"].get("label", ""))
    axes.set_ylim(bottom=properties["yAxis"]["left"]["min"])
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=5))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    axes.grid(alpha=0.3)
    if series:
        columns = 2 if len(series) > 4 else 1
        axes.legend(fontsize=5, ncols=columns, loc="upper right", framealpha=0.8)


def _text(axes: Axes, widget: dict[str, Any], *_: Any) -> None:
    axes.axis("off")
    words = widget["properties"]["markdown"].removeprefix("## ")
    axes.text(0, 0.45, words, size=11, weight="bold", va="center")


def _alarm(axes: Axes, widget: dict[str, Any], *_: Any) -> None:
    _frame(axes, widget)
    words = "the states of the alarms (no CloudWatch here)"
    axes.text(0.5, 0.5, words, ha="center", va="center")


def _log(axes: Axes, widget: dict[str, Any], _: Any, lines: list[dict[str, Any]]) -> None:
    _frame(axes, widget)
    rows = [
        f"{datetime.fromtimestamp(line['_aws']['Timestamp'] / 1000, UTC):%m-%d %H:%M}  {line['messages'][0]}"
        for line in reversed(lines)
        if line.get("AlertMessages", 0) > 0
    ]
    text = "\n".join(textwrap.fill(row, 62, subsequent_indent="             ") for row in rows)
    axes.text(0.02, 0.95, text, va="top", family="monospace", size=6)


def _frame(axes: Axes, widget: dict[str, Any]) -> None:
    axes.set_title(widget["properties"]["title"], loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


_DRAW = {"metric": _metric, "text": _text, "alarm": _alarm, "log": _log}
