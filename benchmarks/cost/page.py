"""docs/cost.md: bills at several loads, from measured figures and dated prices."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from benchmarks.cost.measured import Counted, Measured
from benchmarks.cost.month import DAY, HOURS, SECONDS, Settings, bill, flow
from benchmarks.cost.prices import Price, Prices
from benchmarks.cost.units import GB, KB, delivered, packed, puts

FILE = Path(__file__).resolve().parents[2] / "docs/cost.md"
TEMPLATE = Path(__file__).with_name("page.tmpl")
DETAILED = 1_000_000 / DAY
TARGET_LOAD = 10_000_000 / DAY
# Dollars per million records.
TARGET = 0.15
LOADS = {
    "1 record/s": 1.0,
    "100 records/s": 100.0,
    "10,000,000 per day (116/s)": TARGET_LOAD,
    "10,000 records/s": 10_000.0,
}
DEFAULTS = Settings()
# Variables of Terraform that lower the bill, what they set, and what is given up.
CHEAPER: dict[str, tuple[dict[str, int], str]] = {
    "output_record_kb = 25": (
        {"output_record_kb": 25},
        "consumers of the output stream split records at newlines ([deploy.md](deploy.md#events-per-record))",
    ),
    "batching_window_seconds = 30, batch_size = 10000": (
        {"batching_window_seconds": 30, "batch_size": 10_000},
        "up to 30 s more latency",
    ),
    "tracing = false": ({"tracing": False}, "no traces"),
    "metric_limit = 0": ({"metric_limit": 0}, "no metrics per check and column"),
    "dashboard = false": ({"dashboard": False}, "no dashboard; an account's first three are free"),
    'schedule = "cron(20 0/2 * * ? *)"': ({"schedule_hours": 2}, "alerts up to an hour later"),
    'kms_key_arn = "arn:aws:kms:..."': (
        {"shared_key": True},
        "the key is another stack's or the company's, and its policy is theirs",
    ),
}
_AGGREGATES = "producers that send aggregates of 25 KB (Kinesis Producer Library)"
# Minutes per hour of a Model Monitor job on one instance: start and run of its container.
_JOB_MINUTES = 10
_FEW = 100


def tuned(names: Iterable[str] = CHEAPER) -> Settings:
    """Return the defaults with those entries of CHEAPER."""
    given: dict[str, Any] = {}
    for name in names:
        given |= CHEAPER[name][0]
    return replace(DEFAULTS, **given)


TUNED = tuned()
AGGREGATED = replace(TUNED, aggregate_kb=25)


def text(measured: Measured, prices: Prices) -> str:
    """Return the page."""
    endpoint = prices.cost("ml_m5_xlarge", HOURS)
    jobs = endpoint * _JOB_MINUTES / 60

    def million(settings: Settings) -> str:
        return f"{per_million(TARGET_LOAD, settings, measured, prices):.3f}"

    return Template(TEMPLATE.read_text()).substitute(
        measured_on=measured.date,
        machine=measured.machine,
        region=prices.region,
        priced_on=prices.date,
        of_defaults=million(DEFAULTS),
        of_settings=million(TUNED),
        of_aggregates=million(AGGREGATED),
        target=f"{TARGET:.2f}",
        reached=_reached(measured, prices),
        detailed=_detailed(measured, prices),
        loads=_loads(measured, prices),
        at_target=f"{dollars(TARGET_LOAD, DEFAULTS, measured, prices):,.0f}",
        settings=_settings(measured, prices),
        endpoint=f"{endpoint:,.0f}",
        jobs=f"{jobs:,.0f}",
        sagemaker=f"{endpoint + jobs:,.0f}",
        job_minutes=_JOB_MINUTES,
        figures=_figures(measured),
        counted=counted(measured, prices),
        prices=_prices(prices),
    )


def _reached(measured: Measured, prices: Prices) -> str:
    words = {2: "reached with these settings", 1: "reached only with aggregates", 0: "not reached"}
    return words[sum(per_million(TARGET_LOAD, s, measured, prices) <= TARGET for s in (TUNED, AGGREGATED))]


def dollars(rate: float, settings: Settings, measured: Measured, prices: Prices) -> float:
    """Return the dollars of a month."""
    return sum(prices.cost(line.price, line.quantity) for line in bill(rate, settings, measured))


def per_million(rate: float, settings: Settings, measured: Measured, prices: Prices) -> float:
    """Return the dollars per million records."""
    return dollars(rate, settings, measured, prices) / (rate * SECONDS / 1_000_000)


def counted(measured: Measured, prices: Prices) -> str:
    """Return the units of the metered run, beside those that the model of a month computes for it."""
    rows = []
    phases = [("one event per record", 0, measured.plain), ("packed", measured.packed_kb, measured.packed)]
    for name, kb, phase in phases:
        for what, price, found, expected in compared(phase, kb, measured):
            cost = f"{prices.cost(price, found):.6f}"
            rows.append(
                (f"{phase.records:,} records, {name}: {what}", f"{found:,.6g}", f"{expected:,.6g}", cost)
            )
    return _table(("counted in a run of the embedded AWS", "counted", "by the model", "$"), rows)


def compared(phase: Counted, kb: int, measured: Measured) -> Iterator[tuple[str, str, float, float]]:
    """Yield name, price, count and the model's count of the units of a phase."""
    sizes = [size for n in phase.batches for size in packed(n, measured.event_bytes, kb * KB)]
    given = phase.records * puts([measured.record_bytes])
    yield "puts of records", "put_unit", phase.input_puts, given
    yield "puts of events", "put_unit", phase.output_puts, puts(sizes)
    yield "GB delivered", "delivered", phase.delivered_bytes / GB, delivered(sizes) / GB
    yield "invocations", "invocation", phase.invocations, len(phase.batches)


def _detailed(measured: Measured, prices: Prices) -> str:
    rows = []
    total = 0.0
    for line in bill(DETAILED, DEFAULTS, measured):
        price, cost = prices.prices[line.price], round(prices.cost(line.price, line.quantity), 2)
        quantity = f"{line.quantity:,.0f}" if line.quantity >= _FEW else f"{line.quantity:,.3g}"
        rows.append((line.service, quantity, f"{_unit_price(price)} ({price.unit})", f"{cost:.2f}"))
        total += cost
    header = ("item", "quantity per month", "unit price", "$ per month")
    return _table(header, [*rows, ("**total**", "", "", f"**{total:.0f}**")])


def _loads(measured: Measured, prices: Prices) -> str:
    header = (
        "load",
        "shards in, out",
        "defaults: $ per month",
        "$ per million",
        "settings that lower it: $ per month",
        "$ per million",
        "and aggregates: $ per million",
        "on-demand streams, defaults: $ per month",
    )
    rows = []
    for name, rate in LOADS.items():
        found = flow(rate, DEFAULTS, measured)
        cells = [name, f"{found.input_shards}, {found.output_shards}"]
        for settings in (DEFAULTS, TUNED):
            cells.append(f"{dollars(rate, settings, measured, prices):,.0f}")
            cells.append(f"{per_million(rate, settings, measured, prices):,.2f}")
        cells.append(f"{per_million(rate, AGGREGATED, measured, prices):,.2f}")
        cells.append(f"{dollars(rate, replace(DEFAULTS, on_demand=True), measured, prices):,.0f}")
        rows.append(cells)
    return _table(header, rows)


def _settings(measured: Measured, prices: Prices) -> str:
    before = dollars(TARGET_LOAD, DEFAULTS, measured, prices)

    def row(name: str, settings: Settings, loss: str) -> tuple[str, str, str]:
        return name, f"{dollars(TARGET_LOAD, settings, measured, prices) - before:+,.2f}", loss

    rows = [row(f"`{name}`", tuned([name]), loss) for name, (_, loss) in CHEAPER.items()]
    aggregated = row(
        _AGGREGATES,
        replace(DEFAULTS, aggregate_kb=25),
        "latency until an aggregate is full; the function unpacks it",
    )
    return _table(("variables", "$ per month", "what it gives up"), [*rows, aggregated])


def _figures(found: Measured) -> str:
    metrics = found.predict_metrics + found.monitor_metrics
    rows = [
        ("bytes per record, per event", f"{found.record_bytes}, {found.event_bytes}"),
        ("bytes stored per event: lake, profiles", f"{found.stored_bytes:.0f}, {found.profile_bytes:.0f}"),
        ("ms of an invocation on a full CPU", f"{found.batch_ms:.1f} + {found.record_ms:.4f} per record"),
        ("bytes logged per invocation", f"{found.log_bytes:,}"),
        ("ms of a monitoring run with its pages", f"{found.monitor_ms:,.0f}"),
        ("S3 puts and listings, gets of a monitoring run", f"{found.monitor_puts}, {found.monitor_gets}"),
        (
            "custom metrics, metrics of alarms, composite alarms",
            f"{metrics}, {found.alarm_metrics}, {found.composite_alarms}",
        ),
    ]
    return _table(("figure", ""), rows)


def _prices(prices: Prices) -> str:
    rows = [
        (price.unit, _unit_price(price), f"<{price.page}>", _source(price))
        for price in prices.prices.values()
    ]
    return _table(("unit", "$", "AWS's page", "stated in"), rows)


def _source(price: Price) -> str:
    if price.source is None:
        return "**no document found**"
    return "that page" if price.source == price.page else f"[{urlsplit(price.source).netloc}]({price.source})"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["|".join(f" {cell} " if cell else " " for cell in cells) for cells in (header, *rows)]
    return "\n".join(f"|{line}|" for line in [lines[0], "|".join(["---"] * len(header)), *lines[1:]])


def _unit_price(price: Price) -> str:
    usd = f"{price.usd:.10f}".rstrip("0").rstrip(".")
    return f"{usd} per {price.per:,}" if price.per > 1 else usd
