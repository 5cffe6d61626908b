"""What the meter reads from a function's log."""

import json
from collections import Counter

import pytest

from benchmarks.cost.meter import fitted, parsed
from lambda_predict import metrics
from lambda_predict.score import Batch
from tests.lambda_predict import synthetic


def embedded(records: int) -> str:
    lines = [synthetic.Line(str(n), "k", b"{}\n") for n in range(records)]
    batch = Batch(scored=lines, rejected=[], reasons=Counter(), unknown_categories=0, newest_arrival=0.0)
    return metrics.embedded(batch, 0, synthetic.contract().model, "green_taxi", synthetic.NOW)


def test_each_invocation_has_its_time_records_and_metrics() -> None:
    first, second = embedded(10), embedded(400)
    log = f"""START RequestId: a Version: $LATEST
21 Nov 2026 18:35:27,293 [INFO] (rapid) INVOKE START(requestId: a)
{first}
END RequestId: a
REPORT RequestId: a\tDuration: 115.45 ms\tBilled Duration: 116 ms\tMemory Size: 1024 MB\t
{second}
REPORT RequestId: b\tDuration: 7.01 ms\tBilled Duration: 8 ms\tMemory Size: 1024 MB\t
"""
    one, two = parsed(log)
    assert (one.milliseconds, one.records, one.log_bytes) == (116, 10, len(first) + 1)
    assert (two.milliseconds, two.records, two.log_bytes) == (8, 400, len(second) + 1)
    names = {name for name, _ in one.metrics}
    assert names == {m["Name"] for m in json.loads(first)["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert {use_case for _, use_case in one.metrics} == {"green_taxi"}


def test_the_time_of_a_batch_is_a_line_through_the_lower_quartiles() -> None:
    batches = [(n, 5 + n // 50) for n in [10] * 8 + [1_000] * 8]
    slow = [(10, 500), (1_000, 900)]
    assert fitted([*batches, *slow]) == (pytest.approx(4.8), pytest.approx(0.0202, abs=1e-4))
