"""Windows of a bundle's demo rows, scored and judged as the Lambdas do."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, events
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.lake.labels import Labels
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_predict.model import Model as Served
from lambda_predict.model import read
from training.model_rows import plain
from training.use_case import Phase, UseCase


@cache
def _loaded(folder: Path) -> tuple[Served, Model]:
    served = read(folder)
    reference = pq.read_table(folder / bundle.REFERENCE)
    spec = ProfileSpec.of(served.contract, reference)
    watched = Model(
        contract=served.contract,
        reference=reference,
        profile_spec=spec,
        baseline=Profile.of(reference, spec),
        thresholds=thresholds.load((folder / bundle.THRESHOLDS).read_bytes()),
        check_config=CheckConfig(),
    )
    return served, watched


def alerts(case: UseCase, folder: Path, phase: Phase, seed: int, rows: int = 2_000) -> list[str]:
    """Return the checks that alert on labelled rows of a demo phase."""
    served, watched = _loaded(folder)
    contract = served.contract
    sent = case.demo(phase, rows, seed=seed)
    found = served.predict([plain(sent[name]) for name in contract.feature_names])
    window = sent[contract.feature_names].assign(
        **{
            bundle.PREDICTION_COLUMN: [prediction[contract.target.name] for prediction in found],
            bundle.TARGET_COLUMN: sent[contract.target.name],
        }
    )
    if (probability := bundle.probability_column(contract)) is not None:
        window[probability] = [events.monitored_probability(contract, prediction) for prediction in found]
    table = pa.Table.from_pandas(window, preserve_index=False)
    labels = Labels(table=table, conflicts=0, bad_lines=0, unreadable=[])
    now = datetime.now(UTC)
    truth = Truth(start=now, end=now, records=len(table), rows=table, labels=labels)
    results = columns.check_columns(watched, Profile.of(table, watched.profile_spec))
    results += columns.check_performance(watched, truth)
    return [f"{check.name} {check.sentence}" for check in results if check.status in {"alert", "error"}]
