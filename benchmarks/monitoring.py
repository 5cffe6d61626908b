"""Time and peak memory of monitoring, compared with pandas and Evidently.

Every measurement is its own process. S3 is a folder, so that neither side includes network time. The
baseline is the usual notebook: pandas reads every event, Evidently's drift and summary presets process
every row.
"""

import argparse
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
# Beyond this many records the baseline needs more memory than most machines have.
BASELINE_MOST = 1_000_000
ROUNDS = 3
MODEL = "scorewatch-green-taxi"


def measure(kind: str, folder: Path) -> dict[str, float]:
    """Run one measurement in its own process and return seconds and MB."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.monitoring", "--worker", kind, str(folder)]
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    process = time.perf_counter() - started
    sent = process - figures["seconds"] + figures["sent_seconds"]
    return {**figures, "process_seconds": process, "sent_process_seconds": sent}


def run(records: int = 1_000_000, growth: tuple[int, ...] = GROWTH) -> list[str]:
    """Return the section's Markdown lines: comparison, then growth by records."""
    sizes = sorted({records, *growth})
    measured = {count: _measured(count) for count in sizes}
    lines = _compare(records, measured[records])
    lines += ["", "| records | baseline s / MB | from scratch s / MB | one new hour of 25 s / MB |"]
    lines += ["|---|---|---|---|"]
    for count in sizes:
        found = measured[count]
        cells = [
            _cell(found[kind]) if kind in found else "not run" for kind in ("baseline", "cold", "hourly")
        ]
        lines.append(f"| {count:,} | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        f"Whole processes, imports included. Figures are the best of {ROUNDS} runs; beyond {BASELINE_MOST:,} "
        "records, of one run.",
    ]


def _measured(records: int) -> dict[str, dict[str, float]]:
    """Return the best figures of each kind of run, with `records` per window."""
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, records)
        for _ in range(_rounds(records)):
            if records <= BASELINE_MOST:
                found.setdefault("baseline", []).append(measure("baseline", folder))
            for pair in (("cold", "hourly"), ("scratch", "known")):
                _forget(folder)
                for kind, arrived in zip(pair, (WINDOW, WINDOW + 1), strict=True):
                    _arrive(folder, arrived)
                    found.setdefault(kind, []).append(measure(kind, folder))
    return {kind: {name: min(run[name] for run in runs) for name in runs[0]} for kind, runs in found.items()}


def _rounds(records: int) -> int:
    return ROUNDS if records <= BASELINE_MOST else 1


def _forget(folder: Path) -> None:
    """Remove the results of earlier runs, and every event."""
    for kept in (layout.PROFILES, layout.ALERTS, layout.REPORTS, layout.PREDICTIONS):
        shutil.rmtree(folder / "lake" / kept, ignore_errors=True)


def _arrive(folder: Path, hours: int) -> None:
    """Put the events of the first `hours` hours into the lake."""
    for number in range(hours):
        target = folder / "lake" / layout.hour_prefix(layout.PREDICTIONS, START + number * HOUR)
        if not target.is_dir():
            target.mkdir(parents=True)
            (target / "events.gz").hardlink_to(_events(folder, number))


def _events(folder: Path, number: int) -> Path:
    return folder / "events" / f"{number:02}.gz"


def _cell(figures: dict[str, float]) -> str:
    return f"{figures['process_seconds']:.1f} / {figures['peak_mb']:.0f}"


def _compare(records: int, found: dict[str, dict[str, float]]) -> list[str]:
    baseline, cold, scratch, known = (found[kind] for kind in ("baseline", "cold", "scratch", "known"))

    def row(name: str, of: float, by: float, unit: str = "s") -> str:
        return f"| {name} | {of:.2f} {unit} | {by:.2f} {unit} | {of / by:.1f}x less |"

    whole = f"{records:,} records in {WINDOW} hours"
    started, hourly = baseline["process_seconds"], found["hourly"]
    drawing = known["seconds"] - known["sent_seconds"]
    return [
        "Baseline: pandas reads every event, Evidently's presets process every row.",
        "",
        "| figure | baseline | Scorewatch | ratio |",
        "|---|---|---|---|",
        row(f"{whole}: time, imports included", started, cold["process_seconds"]),
        row(f"{whole}: CPU, imports included", baseline["cpu_seconds"], cold["cpu_seconds"]),
        row(f"{whole}: peak memory", baseline["peak_mb"], cold["peak_mb"], "MB"),
        row(f"{whole}: time without imports", baseline["seconds"], scratch["seconds"]),
        row(
            "same, until verdict and alert are sent, imports included", started, cold["sent_process_seconds"]
        ),
        row("one new hour after 24 read ones, imports included", started, hourly["process_seconds"]),
        row("one new hour after 24 read ones, without imports", baseline["seconds"], known["seconds"]),
        "",
        "| one new hour after 24 read ones, without imports | all hours read again | one new hour | ratio |",
        "|---|---|---|---|",
        row("until verdict and alert are sent", scratch["sent_seconds"], known["sent_seconds"]),
        row("until the report is drawn too", scratch["seconds"], known["seconds"]),
        "",
        f"Evidently's report takes {drawing:.2f} s of the new hour; it is drawn from a sample whose size "
        "does not depend on the window.",
    ]


def make(folder: Path, records: int) -> None:
    """Write a bundle, `records` events over the window's hours, and one more hour."""
    from benchmarks import synthetic_events  # noqa: PLC0415  # only the parent writes data

    synthetic_events.lake_bundle(folder / "artifacts", MODEL)
    for number in range(WINDOW + 1):
        synthetic_events.events(
            _events(folder, number), records // WINDOW, START + number * HOUR, seed=number, model=MODEL
        )


def worker(kind: str, folder: Path) -> dict[str, float]:
    """Run one measurement in this process and return its figures."""
    first, warm = {"cold": (0, False), "hourly": (1, False), "scratch": (0, True), "known": (1, True)}.get(
        kind, (None, None)
    )
    seconds = _baseline(folder) if first is None else _monitor(folder, first, warm=bool(warm))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {**seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def _baseline(folder: Path) -> dict[str, float]:
    import pandas as pd  # noqa: PLC0415  # each worker imports only what it measures
    from evidently import Report  # noqa: PLC0415  # as above
    from evidently.presets import DataDriftPreset, DataSummaryPreset  # noqa: PLC0415  # as above

    started = time.perf_counter()
    reference = pd.read_parquet(folder / "artifacts" / layout.model_prefix(MODEL, "1") / "reference.parquet")
    files = [_events(folder, number) for number in range(WINDOW)]
    raw = pd.concat((pd.read_json(file, lines=True, compression="gzip") for file in files), ignore_index=True)
    current = pd.DataFrame(raw["features"].tolist())
    current["prediction"] = [p["duration"] for p in raw["prediction"]]
    snapshot = Report([DataDriftPreset(), DataSummaryPreset()]).run(current, reference[current.columns])
    snapshot.save_html(str(folder / "baseline.html"))
    snapshot.save_json(str(folder / "baseline.json"))
    return {"seconds": time.perf_counter() - started, "sent_seconds": time.perf_counter() - started}


def _monitor(folder: Path, first: int, *, warm: bool) -> dict[str, float]:
    """Monitor the window from hour `first` on; `warm` imports Evidently before the measurement."""
    from benchmarks.folder_aws import FolderS3, SilentSNS  # noqa: PLC0415  # as above
    from lambda_monitor import monitor  # noqa: PLC0415  # as above
    from lambda_monitor.checks import verdict  # noqa: PLC0415  # as above
    from lambda_monitor.reports import heavy_import  # noqa: PLC0415  # as above
    from lambda_monitor.run import Clients, Run, Span  # noqa: PLC0415  # as above
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
    clients = Clients(s3=FolderS3(folder), sns=SilentSNS(), cloudwatch=None, athena=None)  # type: ignore[arg-type]  # only the calls that a run makes
    start = START + first * HOUR
    end = start + WINDOW * HOUR
    run = Run(id=str(first), now=end + HOUR, deadline=end + 2 * HOUR)
    if warm:
        heavy_import.load("lambda_monitor.reports.evidently_report")
    drawing = _timed(verdict, "drawn")
    started = time.perf_counter()
    summary = monitor.run(clients, settings, Span(start=start, end=end, asked=False), run)
    done = time.perf_counter() - started
    if summary["status"] not in {"ok", "alert"}:
        raise RuntimeError(f"the monitor did not evaluate the window: {summary['reason']}")
    return {"seconds": done, "sent_seconds": done - sum(drawing)}


def _timed(module: Any, name: str) -> list[float]:
    """Return a list that receives the seconds of each call of a module's function."""
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
    """Yield the output lines of one command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--most", type=int, default=GROWTH[-1], help="the largest size of the growth table")
    parser.add_argument("--worker", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    given: Any = parser.parse_args(arguments)
    if given.worker:
        print(json.dumps(worker(given.worker[0], Path(given.worker[1]))), flush=True)
        # Interpreter shutdown is not part of the measurement: a Lambda stays up after a run.
        os._exit(0)
    yield from run(given.records, tuple(n for n in GROWTH if n <= given.most))


if __name__ == "__main__":
    for line in main():
        print(line)
