"""False alarms by chance: episodes per model-year of every check, looked at every hour.

`python -m benchmarks.false_alarms --years 200` replays fewer model-years than `make bench-alerts`, and
only prints.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from scipy import stats

from benchmarks.alerts import DATA
from benchmarks.by_chance.pool import taxi_pool
from benchmarks.by_chance.replay import ALL, UNLABELLED, Replay
from benchmarks.by_chance.series import BLOCK_DAYS
from lambda_monitor.check_config import FALSE_ALERTS_PER_YEAR

YEARS = 10_000
# Model-years per series.
SERIES = 2
_ABOUT = (
    f"Days drawn in blocks of {BLOCK_DAYS} from 16 ordinary months of taxi rides, against the shipped "
    "reference, looked at every hour. The area of pickup (three groups of zones) is one more feature, "
    "segment and group, so that the checks of segments and groups have enough rides. All have a label. "
    f"`false_alerts_per_year` is {FALSE_ALERTS_PER_YEAR}. An episode is an alert from its start to its end; "
    "in the totals, checks that alert at the same time count once."
)
_LEFT_OUT = (
    "Left out: `service.*` (read from CloudWatch), and `lake.*`, `labels.*`, `model.version` and `monitor.*` "
    "(faults of delivery), since resampled rides have neither; the checks of classifiers and checks of your "
    "own. The interval is that of the counts on these days; other days have other odd ones."
)
_replays: list[Replay] = []


def run(years: int = YEARS, jobs: int | None = None) -> list[str]:
    """Return the section's Markdown lines; progress goes to standard error."""
    os.environ.setdefault("SCOREWATCH_DATA", str(DATA))
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    replay = Replay.of(taxi_pool(), FALSE_ALERTS_PER_YEAR, _progress)
    total: Counter[str] = Counter()
    series = max(years // SERIES, 1)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs or os.cpu_count(), spawn, _ready, (replay,)) as pool:
        for done, found in enumerate(pool.map(_episodes, range(series), chunksize=5), start=1):
            total += found
            if done % 50 == 0 or done == series:
                _progress(f"{done * SERIES:,} of {series * SERIES:,} model-years: {dict(total)}")
    return [_ABOUT, "", *table(replay, total, series * SERIES), "", _LEFT_OUT]


def _ready(replay: Replay) -> None:
    _replays.append(replay)


def _episodes(seed: int) -> Counter[str]:
    return _replays[0].episodes(seed, SERIES)


def table(replay: Replay, found: Counter[str], years: int) -> list[str]:
    """Return the episodes per check as a table."""
    lines = [
        f"| check, {years:,} model-years | columns | made in | largest of any two days, in limits | episodes "
        "| per year | 95% interval |",
        "|" + "---|" * 7,
    ]
    for name, columns in replay.checks().items():
        made = [replay.windows.made.get(f"{name}: {column}" if column else name, 1.0) for column in columns]
        largest = [replay.windows.largest.get(f"{name}: {c}" if c else name) for c in columns]
        most = max((one for one in largest if one is not None), default=None)
        shown = "" if most is None else f"{most:.2f}"
        count = sum(found[f"{name}: {column}" if column else name] for column in columns)
        lines.append(
            f"| `{name}` | {len(columns)} | {max(made):.0%} | {shown} | {count:,} | {_rate(count, years)} |"
        )
    total = (UNLABELLED, ALL)
    return lines + [f"| **{n}** | | | | {found[n]:,} | {_rate(found[n], years)} |" for n in total]


def _rate(count: int, years: int) -> str:
    """Return a rate per year with the interval of its count, by Garwood (1936)."""
    low = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = stats.chi2.ppf(0.975, 2 * count + 2) / 2
    return f"{count / years:.4f} | {low / years:.4f} to {high / years:.4f}"


def _progress(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__)
    parser.add_argument("--years", type=int, default=YEARS, help="model-years to replay; default 10,000")
    parser.add_argument("--jobs", type=int, help="processes; default one per processor")
    given = parser.parse_args()
    print("\n".join(run(given.years, given.jobs)))


if __name__ == "__main__":
    main()
