"""The last step of docs/bring-your-own.md: the demo of the tutorial's model."""

import os
from pathlib import Path

import pytest

from tests import checkout
from tests.training import tutorial


@pytest.mark.skipif("AWS_ENDPOINT_URL" in os.environ, reason="the demo starts its own embedded AWS")
@pytest.mark.timeout(900)
def test_the_demo_of_the_tutorial_passes_as_written(tmp_path: Path) -> None:
    checkout.working(tmp_path, share=("venvs",))
    written = ""
    for file, code in tutorial.blocks():
        if file:
            (tmp_path / file).write_text(code)
        elif code.startswith(tutorial.DEMO):
            written += tutorial.run(code, tmp_path)
    assert "flights of the odd days of February" in written
    assert "The demo passed in" in written
