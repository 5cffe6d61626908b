"""Census section of the alert benchmark: chunks, our judges, the table."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import alerts
from benchmarks.alert_quality import census
from benchmarks.alert_quality.nannyml_judge import NannyMLError

CHUNKS, BAD = 4, 2


def people(count: int, seed: int, *, wrong: float = 0.0) -> pd.DataFrame:
    """Return rows as NannyML packages them; a share `wrong` of the labels is turned."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.6, 0.6, count)
    turned = rng.random(count) < wrong
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "AGEP": rng.integers(18, 90, count).astype(float),
            "SEX": pd.Categorical(rng.integers(1, 3, count)),
            "RAC1P": pd.Categorical(rng.integers(1, 4, count)),
            "employed": ((rng.random(count) < probability) ^ turned).astype(int),
            "year": 2015,
            "prediction": (probability > 0.5).astype(int),
            "predicted_probability": probability,
        }
    )


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment with census data, and an answer of NannyML on four chunks."""
    monkeypatch.setattr(census, "ROWS", 2_000)
    data = tmp_path / "lib/python3.11/site-packages/nannyml/datasets/data"
    data.mkdir(parents=True)
    people(12_000, 1).to_parquet(data / "employment_MA_reference.pq")
    parts = [
        people(2_000, 2 + n, wrong=0.3 if n == BAD else 0.0).assign(year=2016 + n) for n in range(CHUNKS)
    ]
    rows = pd.concat(parts, ignore_index=True).assign(id=np.arange(2_000 * CHUNKS))
    rows.drop(columns="employed").to_parquet(data / "employment_MA_analysis.pq")
    rows[["id", "employed"]].to_parquet(data / "employment_MA_analysis_target.pq")
    realised = [float((part["prediction"] == part["employed"]).mean()) for part in parts]

    def worker(command: list[str]) -> None:
        assert command[2] == "2000"
        quiet = [False] * CHUNKS
        answer = {
            "estimate": {"value": [value + 0.01 for value in realised], "alert": quiet},
            "realised": {"value": realised, "alert": [number == BAD for number in range(CHUNKS)]},
        }
        Path(command[3]).write_text(json.dumps(answer))

    monkeypatch.setattr(census, "run_in", worker)
    return tmp_path / "bin/python"


def test_the_table_has_errors_of_the_estimates_and_the_first_alert(packaged: Path) -> None:
    text = census.lines(packaged)
    cells = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in text[6:]}

    assert cells["NannyML, CBPE"] == ["0.0100", "0.0100", "0 of 4", "none"]
    assert cells["NannyML, all labels"] == ["0.0000", "0.0000", "1 of 4", "chunk 3 (2018)"]
    assert cells["Scorewatch, all labels"][0] == "0.0000"
    assert cells["Scorewatch, all labels"][2:] == ["1 of 4", "chunk 3 (2018)"]
    assert cells["Scorewatch, 5% of labels"][3] == "chunk 3 (2018)"
    # Turned labels change neither features nor probabilities, so an estimate without labels can't see them.
    assert cells["Scorewatch, estimate"][2:] == ["0 of 4", "none"]
    assert 0.05 < float(cells["Scorewatch, estimate"][1]) < 0.4


def test_without_the_data_the_section_says_why(
    packaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert alerts._census(None) == ["The subject Census is left out: its data are NannyML's."]
    assert "NannyML's package has no census data" in alerts._census(tmp_path / "other/bin/python")[0]

    def fails(_: list[str]) -> None:
        raise NannyMLError("it fails: no memory")

    monkeypatch.setattr(census, "run_in", fails)
    assert alerts._census(packaged) == ["The subject Census is left out: it fails: no memory."]
