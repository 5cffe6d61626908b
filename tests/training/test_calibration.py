"""The false-alarm rate of calibrated limits holds for all columns together."""

import numpy as np
import pandas as pd
import pyarrow as pa

from contract.schema import DType, Feature, Kind
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.synthetic import contract
from training.calibration import thresholds as calibration

NAMES = [f"x{number}" for number in range(6)]
RATE = 0.2
WINDOWS = 200


def rows(count: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(0, 1, (count, len(NAMES) + 1)), columns=[*NAMES, "prediction"])


def test_the_false_alarm_rate_holds_for_all_columns_together() -> None:
    declared = contract(features=[Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in NAMES])
    rng = np.random.default_rng(1)
    reference = rows(5_000, rng)
    table = pa.Table.from_pandas(reference, preserve_index=False)
    spec = ProfileSpec.of(declared, table)
    limits = calibration.compute(reference, declared, window_rows=1_000, false_alarm_rate=RATE, seed=1)
    model = Model(
        contract=declared,
        reference=table,
        profile_spec=spec,
        baseline=Profile.of(table, spec),
        thresholds=thresholds.load(limits),
        check_config=CheckConfig(seasonality="count"),
    )
    alarms = 0
    for _ in range(WINDOWS):
        window = pa.Table.from_pandas(rows(1_000, rng), preserve_index=False)
        found = columns.check_columns(model, Profile.of(window, spec))
        alarms += any(r.status == "alert" for r in found if r.name.startswith("drift."))

    # Without a correction for the number of limits, nine windows in ten have an alarm.
    assert 0 < alarms <= 1.5 * RATE * WINDOWS


def test_the_mean_of_the_target_may_move_by_what_a_single_day_moves_it() -> None:
    declared = contract(features=[Feature(name="x0", kind=Kind.NUMERIC, dtype=DType.FLOAT)])
    rng = np.random.default_rng(1)
    reference = rows(5_000, rng)[["x0", "prediction"]].assign(target=rng.normal(0, 1, 5_000))
    limits = calibration.compute(reference, declared, window_rows=1_000, false_alarm_rate=0.001, seed=1)
    found = thresholds.load(limits).limits
    assert found["target"]["shift"].tolerance == 0.3
    assert found["prediction"]["shift"].tolerance == 0.09
    assert found["target"]["shape"].tolerance == 0.12
