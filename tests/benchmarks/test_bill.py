"""Rules of counting, the model of a month, and the page that is generated from them."""

import math
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from benchmarks.cost import __main__ as command_line
from benchmarks.cost import measured, page, prices, units
from benchmarks.cost.measured import Measured
from benchmarks.cost.month import HOURS, SECONDS, Settings, bill, flow
from ops import cost
from tests.checkout import ROOT

FOUND = msgspec.structs.replace(
    measured.load(),
    record_bytes=200,
    event_bytes=700,
    batch_ms=10.0,
    record_ms=0.01,
    log_bytes=650,
)
PRICES = prices.load()


@pytest.mark.parametrize(
    ("size", "puts", "delivered", "on_demand"),
    [
        (1, 1, 5, 1),
        (1024, 1, 5, 1),
        (1025, 1, 5, 2),
        (5121, 1, 10, 6),
        (25600, 1, 25, 25),
        (25601, 2, 30, 26),
    ],
)
def test_records_are_rounded_up_as_aws_counts_them(
    size: int, puts: int, delivered: int, on_demand: int
) -> None:
    assert units.puts([size]) == puts
    assert units.delivered([size]) == delivered * 1024
    assert units.on_demand([size]) == on_demand * 1024


def test_a_batch_is_packed_as_the_function_packs_it() -> None:
    assert units.packed(80, 700, 25 * 1024) == [36 * 700, 36 * 700, 8 * 700]
    assert units.packed(3, 700, 0) == [700] * 3
    assert units.packed(2, 30_000, 25 * 1024) == [30_000] * 2


@pytest.mark.parametrize(("rate", "traced"), [(0.2, 0.2), (1, 1), (11, 1.5), (101, 6)])
def test_traces_are_the_first_of_a_second_and_a_twentieth(rate: float, traced: float) -> None:
    assert units.traces(rate) == pytest.approx(traced)


def quantities(rate: float, settings: Settings, found: Measured = FOUND) -> dict[str, float]:
    return {line.service: line.quantity for line in bill(rate, settings, found)}


def test_units_of_a_month_are_those_computed_by_hand() -> None:
    found = quantities(100.0, Settings())
    assert found["Kinesis, 2 shards"] == 2 * 730
    assert found["Kinesis, puts of records"] == found["Kinesis, puts of events"] == 100 * SECONDS
    assert found["Lambda, batches scored"] == SECONDS
    # 11 ms on a full CPU of 1,769 MB take 20 ms at 1,024 MB.
    assert found["Lambda, scoring"] == pytest.approx(SECONDS * 0.020)
    assert found["Firehose"] == pytest.approx(100 * SECONDS * 5 / 1024**2)
    assert found["X-Ray"] == SECONDS
    assert found["CloudWatch, logs"] == pytest.approx((SECONDS * 1000 + HOURS * logged()) / 1024**3)


def logged() -> int:
    return FOUND.monitor_log_bytes + 350


def test_packed_events_save_puts_and_deliveries() -> None:
    found = quantities(100.0, Settings(output_record_kb=25))
    # 100 events in records of 36, 36 and 28.
    assert found["Kinesis, puts of events"] == 3 * SECONDS
    assert found["Firehose"] == pytest.approx(SECONDS * (25 + 25 + 20) / 1024**2)


def test_shards_are_for_the_larger_of_records_and_bytes() -> None:
    many, large = flow(2_500, Settings(), FOUND), flow(500, Settings(), large_records())
    assert (many.input_shards, many.output_shards) == (3, 3)
    assert large.input_shards == math.ceil(500 * 5_000 / 1024**2)


def large_records() -> Measured:
    return msgspec.structs.replace(FOUND, record_bytes=5_000)


def test_a_batch_is_limited_by_size_window_and_payload() -> None:
    assert flow(100, Settings(), FOUND).batch == 100
    assert flow(100, Settings(batching_window_seconds=10), FOUND).batch == 1_000
    assert flow(0.5, Settings(), FOUND).invocations == 0.5
    large = flow(900, Settings(batching_window_seconds=10, batch_size=10_000), large_records())
    assert large.batch * 5_000 * 4 / 3 < 6_000_000 < 2 * large.batch * 5_000 * 4 / 3


def test_aggregates_are_fewer_records_of_the_stream() -> None:
    plain, joined = (flow(10_000, Settings(aggregate_kb=kb), FOUND) for kb in (0, 25))
    assert (plain.input_shards, joined.input_shards) == (10, 2)
    found = quantities(10_000, Settings(aggregate_kb=25))
    assert found["Kinesis, puts of records"] == pytest.approx(10_000 / 128 * SECONDS)


def test_every_unit_has_a_price_and_costs_more_at_a_higher_load() -> None:
    for settings in (Settings(), page.TUNED, replace(Settings(), on_demand=True)):
        bills = [page.dollars(rate, settings, FOUND, PRICES) for rate in (1, 10, 100, 1_000, 10_000)]
        assert bills == sorted(bills)


def test_the_page_names_a_document_for_each_price_or_that_there_is_none() -> None:
    text = page.text(FOUND, PRICES)
    for price in PRICES.prices.values():
        assert urlsplit(price.page).netloc in {"aws.amazon.com", "docs.aws.amazon.com"}
        if price.source not in (None, price.page):
            assert f"({price.source}) |" in text
    missing = [price for price in PRICES.prices.values() if price.source is None]
    assert text.count("**no document found**") == len(missing) == 1


def test_fewer_monitoring_runs_and_a_shared_key_cost_less() -> None:
    one, two = (quantities(100.0, Settings(schedule_hours=hours)) for hours in (1, 2))
    # Each run reads the records of both hours: 0.005 ms of CPU per record.
    seconds = 365 * 3600 * 100 * 0.005 / 1000
    fixed = one["Lambda, monitoring"] / 3008 * 1024 - 2 * seconds
    assert two["Lambda, monitoring"] / 3008 * 1024 == pytest.approx(fixed / 2 + 2 * seconds)
    assert two["CloudWatch, metrics read"] == one["CloudWatch, metrics read"] / 2
    assert two["S3, puts and listings"] == one["S3, puts and listings"] - 365 * FOUND.monitor_puts
    assert quantities(100.0, Settings(shared_key=True))["KMS, key"] == 0
    assert one["KMS, key"] == 1


def test_variables_of_the_page_exist() -> None:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "infra").glob("variables*.tf")))
    for name in re.findall(r"(\w+) = ", ", ".join(page.CHEAPER)):
        assert f'variable "{name}"' in text


def test_settings_of_the_page_are_variables_with_these_defaults() -> None:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "infra").glob("variables*.tf")))
    for name, value in vars(Settings()).items():
        if name not in {"on_demand", "aggregate_kb", "schedule_hours", "shared_key"}:
            default = re.search(rf'variable "{name}" {{[^}}]*?default\s+= (\w+)', text)
            assert default is not None, name
            assert default[1] == str(value).lower(), name


def test_the_model_counts_what_was_counted_on_the_embedded_aws() -> None:
    found = measured.load()
    for kb, phase in ((0, found.plain), (found.packed_kb, found.packed)):
        assert sum(phase.batches) == phase.records
        for what, _, counted, expected in page.compared(phase, kb, found):
            assert counted == pytest.approx(expected, rel=0.03), what
    assert found.plain.output_records == found.plain.records
    assert found.packed.output_records < found.packed.records / 20


def test_the_page_is_what_the_command_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert page.FILE.read_text() == page.text(measured.load(), PRICES), "run make cost"
    monkeypatch.setattr(page, "FILE", tmp_path / "cost.md")
    command_line.main(["page"])
    assert page.FILE.read_text() == page.text(measured.load(), PRICES)


@pytest.mark.parametrize(
    ("tuned", "aggregated", "words"),
    [
        (0.15, 0.1, "is reached with these settings."),
        (0.16, 0.15, "is reached only with aggregates."),
        (0.2, 0.16, "is not reached."),
    ],
)
def test_the_page_states_whether_the_target_is_reached(
    monkeypatch: pytest.MonkeyPatch, tuned: float, aggregated: float, words: str
) -> None:
    costs = {page.TUNED: tuned, page.AGGREGATED: aggregated}
    monkeypatch.setattr(page, "per_million", lambda _, settings, *__: costs.get(settings, 0.4))
    assert f"The project's target of $0.15 {words}" in page.text(measured.load(), PRICES)


def test_the_total_of_the_page_is_the_cost_of_the_smoke_test() -> None:
    assert cost.monthly() == pytest.approx(
        page.dollars(page.DETAILED, Settings(), measured.load(), PRICES), abs=0.6
    )
