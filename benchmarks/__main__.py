"""`python -m benchmarks [SECTION ...]`: measure, print, and write benchmarks/results.md."""

import argparse
import importlib
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("results.md")
SECTIONS = {
    "scoring": "Scoring: the handler's CPU, cold start, size",
    "monitoring": "Monitoring: time and memory",
    "alerts": "Alerts: false alarms, power, delay",
    "alerts_over_time": "Alerts over time: false alerts per model-year, delay",
    "false_alarms": "False alarms by chance: episodes per model-year of every check",
    "service_levels": "Service levels: alarms on synthetic outages",
    "scale": "Scale: scoring beside its simulation",
}


def main() -> None:
    """Run the requested sections, all by default, and write each into results.md as it ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"one of {', '.join(SECTIONS)}; default all"
    )
    for section in parser.parse_args().sections or SECTIONS:
        if section not in SECTIONS:
            parser.error(f"unknown section {section!r}: choose from {', '.join(SECTIONS)}")
        print(f"{SECTIONS[section]} ...", flush=True)
        lines = importlib.import_module(f"benchmarks.{section}").run()
        body = "\n".join([f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}.", "", *lines])
        print(body, flush=True)
        RESULTS.write_text(replaced(RESULTS.read_text() if RESULTS.is_file() else "", section, body))
    print("\nWritten to benchmarks/results.md. Next: git diff benchmarks/results.md shows the changes.")


def replaced(text: str, section: str, body: str) -> str:
    """Return results.md with the body of one section replaced."""
    head = "# Figures\n\n`make bench` prints these figures; ratios compare with baselines of the same run.\n"
    found = dict(re.findall(r"^## ([^\n]+)\n\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    found[SECTIONS[section]] = body
    parts = [f"## {title}\n\n{found[title].strip()}\n" for title in SECTIONS.values() if title in found]
    return "\n".join([head, *parts])


def machine() -> str:
    """Return a description of the machine: processors, architecture, memory, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
