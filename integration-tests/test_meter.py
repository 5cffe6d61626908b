"""Units of a run on the embedded AWS, as counted afterwards."""

import os
from typing import Any

import pytest

from benchmarks.cost import page
from benchmarks.cost.meter import measure
from local import stack


def test_the_units_of_a_run_are_those_of_the_model(deployed: Any) -> None:
    if deployed.work is None:
        pytest.skip("the meter reads the function logs of the embedded AWS")
    endpoint = stack.Endpoint(os.environ["AWS_ENDPOINT_URL"], deployed.work / "local")

    found = measure(endpoint, deployed.outputs, deployed.contract, rows=2_000)

    for kb, phase in ((0, found.plain), (found.packed_kb, found.packed)):
        assert phase.records == sum(phase.batches) == 2_000
        for what, _, counted, expected in page.compared(phase, kb, found):
            assert counted == pytest.approx(expected, rel=0.05), what
    assert found.packed.output_records < found.plain.output_records / 20
    assert found.batch_ms > 0
    assert found.monitor_puts > 0
    assert found.monitor_gets > 0
    assert found.alarm_metrics > 40
    assert found.dashboards == 1
    function = deployed.outputs["predict_function"]
    settings = deployed.client("lambda").get_function_configuration(FunctionName=function)
    assert settings["Environment"]["Variables"]["OUTPUT_RECORD_KB"] == "0"
