"""What monitoring costs: time and peak memory against pandas and Evidently on all rows.

Every measurement is a process of its own. S3 is a folder, so that neither side pays for a network. The
baseline is what a notebook does: pandas reads every event, Evidently's drift and summary presets look at
every row.
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract import layout

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = 24
GROWTH = (10_000, 100_000, 1_000_000, 10_000_000)
# Beyond this many records the baseline is left out: it needs more memory than most machines have.
BASELINE_MOST = 1_000_000
ROUNDS = 2
MODEL = "scorewatch-green-taxi"


def measure(kind: str, folder: Path) -> dict[str, float]:
    """Run one measurement in a process of its own and return its figures: seconds and MB."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.monitoring", "--worker", kind, str(folder)]
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**figures, "process_seconds": time.perf_counter() - started}


def run(records: int = 1_000_000, growth: tuple[int, ...] = GROWTH) -> list[str]:
    """Return the report's lines, Markdown: design section 7's monitor rows, then growth."""
    sizes = sorted({records, *growth})
    measured = {count: _measured(count) for count in sizes}
    lines = _compare(records, measured[records])
    lines += ["", "| records | baseline s / MB | cold, from scratch s / MB | one new hour of 25 s / MB |"]
    lines += ["|---|---|---|---|"]
    for count in sizes:
        found = measured[count]
        cells = [_cell(found[kind]) if kind in found else "not run" for kind in ("baseline", "cold", "known")]
        lines.append(f"| {count:,} | {' | '.join(cells)} |")
    return [*lines, "", f"Seconds of the whole process; each figure is the best of {ROUNDS} runs."]


def _measured(records: int) -> dict[str, dict[str, float]]:
    """Return the figures of each kind of run over `records` a window, the best of each."""
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, records, WINDOW + 1)
        for _ in range(ROUNDS):
            if records <= BASELINE_MOST:
                found.setdefault("baseline", []).append(measure("baseline", folder))
            for kind in ("cold", "scratch", "known"):
                if kind != "known":
                    _forget(folder)
                found.setdefault(kind, []).append(measure(kind, folder))
    return {kind: {name: min(run[name] for run in runs) for name in runs[0]} for kind, runs in found.items()}


def _forget(folder: Path) -> None:
    """Remove what earlier runs kept."""
    for kept in (layout.PROFILES, layout.ALERTS, layout.REPORTS):
        shutil.rmtree(folder / "lake" / kept, ignore_errors=True)


def _cell(figures: dict[str, float]) -> str:
    return f"{figures['process_seconds']:.1f} / {figures['peak_mb']:.0f}"


def _compare(records: int, found: dict[str, dict[str, float]]) -> list[str]:
    baseline, cold, scratch, known = (found[kind] for kind in ("baseline", "cold", "scratch", "known"))

    def row(name: str, of: dict[str, float], by: dict[str, float], figure: str, unit: str) -> str:
        ratio = of[figure] / by[figure]
        return f"| {name} | {of[figure]:.2f} {unit} | {by[figure]:.2f} {unit} | {ratio:.1f}x less |"

    whole = f"{records:,} records in {WINDOW} hours"
    return [
        "| figure | baseline | here | ratio |",
        "|---|---|---|---|",
        row(f"{whole}: time, imports done", baseline, scratch, "seconds", "s"),
        row(f"{whole}: time of the process, imports included", baseline, cold, "process_seconds", "s"),
        row(f"{whole}: CPU of the process", baseline, cold, "cpu_seconds", "s"),
        row(f"{whole}: peak memory", baseline, cold, "peak_mb", "MB"),
        row("hour 25 after 24 are done, against the baseline from scratch", baseline, known, "seconds", "s"),
        row("hour 25 after 24 are done, against ours from scratch", scratch, known, "seconds", "s"),
        row("hour 25: reading, profiling and judging alone", scratch, known, "judged_seconds", "s"),
    ]


def make(folder: Path, records: int, hours: int) -> None:
    """Write a bundle and `records` events a window over `hours` partitions, like rides of a made city."""
    from benchmarks import made_events  # noqa: PLC0415  # only the parent makes data

    made_events.lake_bundle(folder / "artifacts", MODEL)
    for number in range(hours):
        hour = START + number * HOUR
        target = folder / "lake" / layout.hour_prefix(layout.PREDICTIONS, hour) / "events.gz"
        made_events.events(target, records // WINDOW, hour, seed=number, model=MODEL)


def worker(kind: str, folder: Path) -> dict[str, float]:
    """Do one measurement here and return its figures."""
    seconds = {"baseline": _baseline, "scratch": _scratch, "known": _known, "cold": _cold}[kind](folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {**seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def _baseline(folder: Path) -> dict[str, float]:
    import pandas as pd  # noqa: PLC0415  # each worker imports only what it measures
    from evidently import Report  # noqa: PLC0415  # as above
    from evidently.presets import DataDriftPreset, DataSummaryPreset  # noqa: PLC0415  # as above

    started = time.perf_counter()
    reference = pd.read_parquet(folder / "artifacts" / layout.model_prefix(MODEL, "1") / "reference.parquet")
    files = sorted((folder / "lake" / layout.PREDICTIONS).rglob("*.gz"))[:WINDOW]
    raw = pd.concat((pd.read_json(file, lines=True, compression="gzip") for file in files), ignore_index=True)
    current = pd.DataFrame(raw["features"].tolist())
    current["prediction"] = [p["duration"] for p in raw["prediction"]]
    snapshot = Report([DataDriftPreset(), DataSummaryPreset()]).run(current, reference[current.columns])
    snapshot.save_html(str(folder / "baseline.html"))
    snapshot.save_json(str(folder / "baseline.json"))
    return {"seconds": time.perf_counter() - started, "judged_seconds": float("nan")}


def _scratch(folder: Path) -> dict[str, float]:
    return _monitor(folder, first=0)


def _cold(folder: Path) -> dict[str, float]:
    """Start as a function that has just been started: Evidently is imported while the lake is read."""
    return _monitor(folder, first=0, warm=False)


def _known(folder: Path) -> dict[str, float]:
    return _monitor(folder, first=1)


def _monitor(folder: Path, first: int, *, warm: bool = True) -> dict[str, float]:
    from benchmarks.folder_aws import FolderS3, SilentSNS  # noqa: PLC0415  # as above
    from lambda_monitor import judge, monitor  # noqa: PLC0415  # as above
    from lambda_monitor.alerts import Run  # noqa: PLC0415  # as above
    from lambda_monitor.settings import Settings  # noqa: PLC0415  # as above

    settings = Settings.from_environment(
        {
            "ARTIFACT_BUCKET": "artifacts",
            "LAKE_BUCKET": "lake",
            "MODEL_NAME": MODEL,
            "MODEL_VERSION": "1",
            "USE_CASE": "green_taxi",
            "ALERT_TOPIC_ARN": "arn",
        }
    )
    clients = monitor.Clients(s3=FolderS3(folder), sns=SilentSNS(), cloudwatch=None, athena=None)  # type: ignore[arg-type]  # what a run uses of them
    start = START + first * HOUR
    end = start + WINDOW * HOUR
    run = Run(id=str(first), now=end + HOUR, deadline=end + 2 * HOUR)
    if warm:
        importlib.import_module("lambda_monitor.report")
    drawing = _timed(judge, "_drawn")
    started = time.perf_counter()
    summary = monitor.run(clients, settings, monitor.Span(start=start, end=end, asked=False), run)
    done = time.perf_counter() - started
    if summary["status"] not in {"ok", "alert"}:
        raise RuntimeError(f"the monitor did not judge the window: {summary['reason']}")
    return {"seconds": done, "judged_seconds": done - sum(drawing)}


def _timed(module: Any, name: str) -> list[float]:
    """Return the list that the seconds of each call of a module's function join from now on."""
    seconds: list[float] = []
    inner = getattr(module, name)

    def call(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return inner(*given, **named)
        finally:
            seconds.append(time.perf_counter() - started)

    setattr(module, name, call)
    return seconds


def main(arguments: list[str] | None = None) -> Iterator[str]:
    """Yield the lines of one command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--most", type=int, default=GROWTH[-1], help="the largest size of the growth table")
    parser.add_argument("--worker", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    given: Any = parser.parse_args(arguments)
    if given.worker:
        yield json.dumps(worker(given.worker[0], Path(given.worker[1])))
    else:
        yield from run(given.records, tuple(n for n in GROWTH if n <= given.most))


if __name__ == "__main__":
    for line in main():
        print(line)
