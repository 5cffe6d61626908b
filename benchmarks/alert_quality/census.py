"""NannyML's packaged census data: its CBPE and our estimate of the error on the same chunks.

Employment in Massachusetts by 16 answers of the US census: predictions of one model, reference 2015, chunks
of 2016 to 2018 in their order. The model, its probabilities and the labels are NannyML's.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.alert_quality.nannyml_judge import run_in
from contract import bundle
from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, Target, Task
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.lake.labels import Labels
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from training.calibration import thresholds as calibration

NAME = "census"
ROWS = 5_000
_WORKER = Path(__file__).with_name("census_worker.py")
_FEW = 0.05
# A bundle's reference has the validation rows; these are as many as the taxi's.
_REFERENCE = 10_000
_NUMERIC = "AGEP"
_OTHERS = ("id", "employed", "year", "prediction", "predicted_probability")


@dataclass(frozen=True)
class Judged:
    """One judge on every chunk: what it estimates the accuracy to be, and whether it alerts."""

    name: str
    accuracy: Sequence[float]
    alerts: Sequence[bool]


def lines(python: Path) -> list[str]:
    """Return the Markdown section. Raises NannyMLError, and LookupError without the data."""
    data = next(python.parents[1].glob("lib/python*/site-packages/nannyml/datasets/data"), None)
    if data is None or not (data / "employment_MA_reference.pq").is_file():
        raise LookupError("NannyML's package has no census data")
    reference, analysis, targets = (
        pd.read_parquet(data / f"employment_MA_{part}.pq")
        for part in ("reference", "analysis", "analysis_target")
    )
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "census.json"
        run_in([str(python), str(_WORKER), str(ROWS), str(answer)])
        theirs = json.loads(answer.read_text())
    realised = theirs["realised"]["value"]
    chunks = _chunks(analysis.merge(targets, on="id"), len(realised))
    judges = [*_ours(_model(reference), chunks)]
    judges.append(Judged("NannyML, CBPE", theirs["estimate"]["value"], theirs["estimate"]["alert"]))
    judges.append(Judged("NannyML, all labels", realised, theirs["realised"]["alert"]))
    return _section(judges, realised, [int(chunk["year"].iloc[0]) for chunk in chunks], reference)


def _chunks(rows: pd.DataFrame, count: int) -> list[pd.DataFrame]:
    """Return the chunks as NannyML divides them: a rest that is no whole chunk is one of its own."""
    parts = [rows.iloc[first : first + ROWS] for first in range(0, len(rows), ROWS)]
    if len(parts) != count:
        raise LookupError(f"NannyML made {count} chunks of {len(parts)}")
    return parts


def contract(names: Sequence[str]) -> Contract:
    """Return the contract of NannyML's model."""
    return Contract(
        use_case="census_employment",
        task=Task.CLASSIFICATION,
        id_field="person_id",
        payload_field="answers",
        features=[
            Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT)
            if name == _NUMERIC
            else Feature(name=name, kind=Kind.CATEGORICAL, dtype=DType.STR)
            for name in names
        ],
        target=Target(name="employed", labels=[0, 1], positive=1),
        model=ModelRef(name="census", version="1", run_id="0" * 32),
        data=DataRef(source="nannyml", sha256="0" * 64, rows=1),
        segments=["SEX", "RAC1P"],
        groups=["SEX", "RAC1P"],
    )


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the columns of a reference."""
    features = rows.drop(columns=[name for name in _OTHERS if name in rows])
    texts = {str(name): features[name].astype(str) for name in features if name != _NUMERIC}
    return features.assign(
        **{  # type: ignore[arg-type]  # columns of several types
            **texts,
            bundle.PREDICTION_COLUMN: rows["prediction"].astype(np.int64),
            bundle.POSITIVE_COLUMN: rows["predicted_probability"],
            bundle.TARGET_COLUMN: rows["employed"].astype(np.int64),
        },
    )


def _model(reference: pd.DataFrame) -> Model:
    rows = table(reference.sample(_REFERENCE, random_state=0))
    declared = contract([str(name) for name in rows if name in reference and name not in _OTHERS])
    made = calibration.compute(rows, declared, window_rows=ROWS, false_alarm_rate=0.001, seed=7)
    known = pa.Table.from_pandas(rows, preserve_index=False)
    spec = ProfileSpec.of(declared, known)
    return Model(
        contract=declared,
        reference=known,
        profile_spec=spec,
        baseline=Profile.of(known, spec),
        thresholds=thresholds.load(made),
        check_config=CheckConfig(),
    )


def _ours(model: Model, chunks: Sequence[pd.DataFrame]) -> list[Judged]:
    """Return our estimate without labels, with 5% of labels and with all, on every chunk."""
    rng = np.random.default_rng(0)
    found: dict[str, list[tuple[float, bool]]] = {}
    for chunk in chunks:
        rows = pa.Table.from_pandas(table(chunk), preserve_index=False)
        [estimate] = [
            check
            for check in columns.check_columns(model, Profile.of(rows, model.profile_spec))
            if check.name == "performance.estimate"
        ]
        found.setdefault("Scorewatch, estimate", []).append(
            (1 - (estimate.value or 0.0), estimate.status == "alert")
        )
        for label, share in (("Scorewatch, 5% of labels", _FEW), ("Scorewatch, all labels", 1.0)):
            chosen = rows.filter(pa.array(rng.random(len(rows)) < share))
            now = datetime.now(UTC)
            truth = Truth(
                start=now,
                end=now,
                records=len(rows),
                rows=chosen,
                labels=Labels(table=chosen, conflicts=0, bad_lines=0, unreadable=[]),
                outcomes=rows.column(bundle.POSITIVE_COLUMN),
            )
            checks = columns.check_performance(model, truth)
            [error] = [check for check in checks if check.name == "performance"]
            harmed = any(c.status == "alert" and c.name.startswith(("performance", "bias")) for c in checks)
            found.setdefault(label, []).append((1 - (error.value or 0.0), harmed))
    return [
        Judged(name, [value for value, _ in seen], [alert for _, alert in seen])
        for name, seen in found.items()
    ]


def _section(
    judges: Sequence[Judged], realised: Sequence[float], years: Sequence[int], reference: pd.DataFrame
) -> list[str]:
    usual = float((reference["prediction"] == reference["employed"]).mean())
    worst = int(np.argmin(realised))
    text = [
        "### Census",
        "",
        "NannyML's packaged census data (employment in Massachusetts): its model and probabilities, "
        f"reference 2015 with accuracy {usual:.3f}, {len(realised)} chunks of {ROWS:,} rows of 2016 to 2018 "
        f"in order. The realised accuracy is {realised[worst]:.3f} at the lowest, in chunk {worst + 1} "
        f"({years[worst]}).",
        "",
        "| accuracy per chunk | mean error | largest error | chunks with an alert | first alert |",
        "|---|---|---|---|---|",
    ]
    for judge in judges:
        errors = np.abs(np.asarray(judge.accuracy) - np.asarray(realised))
        first = next((number for number, alert in enumerate(judge.alerts, 1) if alert), None)
        shown = "none" if first is None else f"chunk {first} ({years[first - 1]})"
        text.append(
            f"| {judge.name} | {errors.mean():.4f} | {errors.max():.4f} | {sum(judge.alerts)} of "
            f"{len(judge.alerts)} | {shown} |"
        )
    return text
