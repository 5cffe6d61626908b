"""docs/adopt.md as written: a model trained elsewhere, adopted and monitored without a Python file."""

import os
import re
from pathlib import Path

import pytest

from tests import checkout, documents
from tests.training import tutorial

PAGE = documents.ROOT / "docs/adopt.md"


@pytest.mark.skipif("AWS_ENDPOINT_URL" in os.environ, reason="the demo starts its own embedded AWS")
@pytest.mark.timeout(900)
def test_a_model_from_elsewhere_is_adopted_and_its_demo_alerts_as_written(tmp_path: Path) -> None:
    checkout.working(tmp_path, share=("venvs",))
    script, notebook = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "cancer.py").write_text(script)

    written = ""
    for code in documents.fenced(PAGE):
        if not code.startswith("make deploy"):
            written += tutorial.run(code, tmp_path, MLFLOW_DISABLE_TELEMETRY="true")

    assert "scorewatch-cancer 1 is champion" in written
    assert "worst" in written, "the table of the contract"
    assert "rows drawn from the reference (real)" in written
    assert re.search(r"rows of the reference in which .* is raised by .* \(changed\)", written)
    assert "The demo passed in" in written
    folder = tmp_path / "training/use_cases"
    assert sorted(path.name for path in folder.glob("cancer.*")) == [
        "cancer.parquet",
        "cancer.skops",
        "cancer.yaml",
    ]
    # The call of the notebook, after the script that makes its variables.
    script = script.replace("elsewhere.db", "again.db") + notebook.replace('"cancer")', '"second")')
    (tmp_path / "notebook.py").write_text(script)
    tutorial.run("python notebook.py", tmp_path, PYTHONPATH=str(tmp_path))
    assert (folder / "second.yaml").is_file()
