"""Bounds of an answer over HTTP to a record whose explanation is expensive."""

import json
import tracemalloc

import pytest

from tests.lambda_predict import synthetic
from tests.lambda_predict.test_explain import shapes
from tests.lambda_predict.test_http import Stack

# A function URL takes 6 MB in base64, 4.5 MB of record.
SHAPES = shapes(4_400_000)
ANSWER_BYTES = 2_000


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> Stack:
    return Stack(monkeypatch, model)


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
def test_the_largest_body_is_rejected_within_bounds_and_kept(stack: Stack, data: bytes) -> None:
    tracemalloc.start()
    status, body = stack.ask(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status == 400
    assert peak < 40 * len(data)
    assert len(json.dumps(body)) < ANSWER_BYTES
    assert stack.rejected.lines
    assert stack.output.lines == []
