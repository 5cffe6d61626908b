"""Alarms on the service level objectives, replayed on 1,000 synthetic outages and quiet months.

The alarms are those that Terraform plans with the defaults of its variables; the rules are CloudWatch's
documented ones (`benchmarks/cloudwatch_model/`).
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import outages as synthetic
from benchmarks.cloudwatch_model import definitions, messages
from benchmarks.cloudwatch_model.definitions import Metric, MetricAlarm, Stack
from benchmarks.outages import DAY, Effect, Kind, Outage, Part

OUTAGES, CLOSE, QUIET_MONTHS = 800, 200, 24
# Shares of the 30-day budget: an outage that costs MUST_ALARM has to raise an alarm, an alarm is right if its
# outage costs MAY_ALARM or more.
MUST_ALARM, MAY_ALARM = 0.05, 0.01
CLOSE_TO = (0.05, 0.08)
RATE = 11.6
# Minutes until a metric is visible.
DELAY = 2
# So many outages are replayed with other assumptions, too.
VARIED = 200
_LONGEST_HOURS = 24
_OF_SCORING = 0.7
_ALARMS: dict[Part, tuple[str, ...]] = {"scoring": ("-scoring-",), "lake": ("-lake-",)}


@dataclass(frozen=True)
class Result:
    """Outage, its share of the budget, and the minutes in which alarms started and ended."""

    outage: Outage
    cost: float
    started: tuple[int, ...]
    ended: tuple[int, ...]

    @property
    def delay(self) -> float:
        """Minutes from the outage's start to the first alarm."""
        return self.started[0] - self.outage.start if self.started else np.inf


def run() -> list[str]:
    """Return the tables of the replay."""
    with tempfile.TemporaryDirectory() as folder:
        stack = definitions.planned(Path(folder))
        settings = definitions.defaults()
    drawn = draw(OUTAGES, CLOSE, settings)
    found = [replay(stack, outage, settings) for outage in drawn]
    before = [replay(SINGLE, outage, settings) for outage in drawn]
    quiet = sum(quiet_month(stack, settings, seed) for seed in range(QUIET_MONTHS))
    step = max(len(drawn) // VARIED, 1)
    later = [replay(stack, outage, settings, delay=5) for outage in drawn[::step]]
    sparse = [replay(stack, outage, settings, every=5) for outage in drawn[::step]]
    return [
        f"{len(drawn):,} synthetic outages, {CLOSE} of them drawn until they cost {CLOSE_TO[0]:.0%} to "
        f"{CLOSE_TO[1]:.0%}, and {QUIET_MONTHS} months with two interruptions of 10 to 75 s per day; "
        f"{RATE} records per second on average, 0.3 to 1.7 times that by the time of day; metrics visible "
        f"after {DELAY} minutes. Costs are shares of the budget of 30 days.",
        "",
        *summary(
            quiet,
            {
                "burn rates": found,
                "single thresholds, as in 0.1.0": before,
                f"burn rates, metrics visible after 5 minutes, {len(later)} outages": later,
                f"burn rates, Firehose's metrics every 5 minutes, {len(sparse)} outages": sparse,
            },
        ),
        "",
        f"The first row's alarms include {quiet} of the {QUIET_MONTHS} quiet months, which are not right. A "
        "stop of more than ten minutes raises `scoring-stopped` and then `scoring-budget-fast`. Values of "
        "Firehose every five minutes hide an outage whose late minutes all lie between two of them.",
        "",
        *by_kind(found),
    ]


def draw(count: int, close: int, settings: Mapping[str, float]) -> list[Outage]:
    """Return `count` random outages, and `close` whose cost is in CLOSE_TO; 7 of 10 are of scoring."""
    rng = np.random.default_rng(13)
    found = [_drawn(rng) for _ in range(count)]
    while len(found) < count + close:
        outage = _drawn(rng)
        load = synthetic.traffic(RATE, _minutes(outage), _noise(outage))
        if CLOSE_TO[0] <= effect_of([outage], outage.part, load, settings).cost < CLOSE_TO[1]:
            found.append(outage)
    return found


def _drawn(rng: np.random.Generator) -> Outage:
    part: Part = "scoring" if rng.random() < _OF_SCORING else "lake"
    kinds: tuple[Kind, ...] = ("stop", "throttle", "slow", "partial", "leak")
    kind = kinds[rng.integers(5 if part == "scoring" else 4)]
    shortest, longest = (480, 60 * _LONGEST_HOURS) if kind == "leak" else (0.5, 60 * _LONGEST_HOURS)
    length = float(np.exp(rng.uniform(np.log(shortest), np.log(longest))))
    seconds = (61, 900) if part == "scoring" else (300, 3600)
    depth = {
        "stop": 1.0,
        "throttle": rng.uniform(0.5, 0.995),
        "slow": float(rng.integers(*seconds)),
        "partial": rng.uniform(0.02, 0.6),
        "leak": float(np.exp(rng.uniform(np.log(0.001), np.log(0.05)))),
    }[kind]
    return Outage(part, kind, DAY + int(rng.integers(DAY)), length, depth, seconds=90.0)


def replay(
    stack: Stack, outage: Outage, settings: Mapping[str, float], delay: int = DELAY, every: int = 1
) -> Result:
    """Return what the stack's alarms make of an outage.

    Metrics are visible after `delay` minutes; those of Firehose come every `every` minutes.
    """
    minutes = _minutes(outage)
    effect = effect_of([outage], outage.part, synthetic.traffic(RATE, minutes, _noise(outage)), settings)
    metrics = effect.metrics
    if every > 1 and outage.part == "lake":
        shown = np.arange(minutes) % every == 0
        metrics = {key: np.where(shown, values, np.nan) for key, values in metrics.items()}
    sent = messages.sent(stack.only(*_ALARMS[outage.part]), metrics, minutes, delay)
    return Result(
        outage,
        effect.cost,
        started=tuple(message.minute for message in sent if message.state == "ALARM"),
        ended=tuple(message.minute for message in sent if message.state == "OK"),
    )


def _minutes(outage: Outage) -> int:
    return outage.start + int(outage.length) + 3 * DAY // 2


def _noise(outage: Outage) -> np.random.Generator:
    """Return the random numbers of an outage's traffic, the same in each replay."""
    return np.random.default_rng([outage.start, int(outage.length * 60)])


def quiet_month(stack: Stack, settings: Mapping[str, float], seed: int) -> int:
    """Return the number of alarms in 30 days with two interruptions of 10 to 75 seconds per day."""
    rng = np.random.default_rng([8, seed])
    load = synthetic.traffic(RATE, 30 * DAY, rng)
    count = 0
    for part, names in _ALARMS.items():
        short = [
            Outage(part, "stop", int(rng.integers(30 * DAY)), rng.uniform(10, 75) / 60, 1.0)
            for _ in range(60)
        ]
        effect = effect_of(short, part, load, settings)
        sent = messages.sent(stack.only(*names), effect.metrics, load.minutes, DELAY)
        count += sum(message.state == "ALARM" for message in sent)
    return count


def effect_of(
    outages: list[Outage], part: Part, load: synthetic.Traffic, settings: Mapping[str, float]
) -> Effect:
    """Return cost and metrics of outages of one part of the service under the objectives in `settings`."""
    measure = synthetic.scoring if part == "scoring" else synthetic.lake
    return measure(outages, load, settings[f"{part}_objective_seconds"], settings[f"{part}_target_percent"])


def missed(results: Sequence[Result]) -> list[Result]:
    """Return the outages that had to raise an alarm and raised none."""
    return [r for r in results if r.cost >= MUST_ALARM and not r.started]


def right(results: Sequence[Result]) -> tuple[int, int]:
    """Return the numbers of right alarms and of all alarms."""
    alarms = [(r, minute) for r in results for minute in r.started]
    good = sum(r.cost >= MAY_ALARM and minute >= r.outage.start for r, minute in alarms)
    return good, len(alarms)


def summary(quiet: int, results: Mapping[str, Sequence[Result]]) -> list[str]:
    """Return the table of missed outages and right alarms, one row per replay.

    The `quiet` alarms of months without an outage belong to the first.
    """
    rows = []
    for number, (name, found) in enumerate(results.items()):
        good, alarms = right(found)
        alarms += 0 if number else quiet
        must = [r for r in found if r.cost >= MUST_ALARM]
        delays = [r.delay for r in must if r.started]
        rows.append(
            f"| {name} | {len(missed(found))} of {len(must)} | {good} of {alarms} ({good / alarms:.1%}) "
            f"| {np.median(delays):.0f} / {np.quantile(delays, 0.9):.0f} min "
            f"| {sum(len(r.started) for r in must) / len(must):.2f} |"
        )
    head = (
        f"| alarms | missed, of those that cost {MUST_ALARM:.0%} or more "
        f"| right: cost {MAY_ALARM:.0%} or more | time to the alarm, median / 90% "
        f"| alarms per outage of {MUST_ALARM:.0%} or more |"
    )
    return [head, "|---|---|---|---|---|", *rows]


def by_kind(results: Sequence[Result]) -> list[str]:
    """Return the table of outages by kind and cost."""
    bands = ((0, 0.01), (0.01, 0.05), (0.05, 0.08), (0.08, 0.2), (0.2, np.inf))
    names = ("below 1%", "1% to 5%", "5% to 8%", "8% to 20%", "20% or more")
    lines = ["| alarms of outages that cost | " + " | ".join(names) + " |", "|---" * 6 + "|"]
    for part, kind in sorted({(r.outage.part, r.outage.kind) for r in results}):
        own = [r for r in results if (r.outage.part, r.outage.kind) == (part, kind)]
        cells = []
        for low, high in bands:
            band = [r for r in own if low <= r.cost < high]
            cells.append(f"{sum(bool(r.started) for r in band)} of {len(band)}")
        lines.append(f"| {part}, {kind} | " + " | ".join(cells) + " |")
    return lines


def _single(name: str, key: str, period: int, periods: int, threshold: float) -> MetricAlarm:
    return MetricAlarm(
        name=name,
        metrics={"value": Metric(key, (), "Maximum", period)},
        expression="value",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=threshold,
        periods=periods,
        enough=periods,
        missing="notBreaching",
        actions=frozenset({"alarm", "ok"}),
    )


_SINGLE = (
    _single("stack-scoring-late", synthetic.AGE, 1, 5, 600_000),
    _single("stack-lake-late", synthetic.WAITING, 5, 3, 900),
    _single("stack-lake-behind", synthetic.BEHIND, 5, 3, 900_000),
)
SINGLE = Stack({alarm.name: alarm for alarm in _SINGLE}, {}, {})
