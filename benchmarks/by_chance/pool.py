"""A model with segments and groups, and the sums per hour of its real days."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.alert_quality import taxi
from benchmarks.alert_quality.error_series import ErrorSeries
from benchmarks.alert_quality.hour_sums import Array, HourSums
from benchmarks.alert_quality.subject import Watched
from contract.schema import DType, Feature, Kind
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.lake.events import ARRIVED
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from training.calibration.thresholds import compute

# A column of few values, so that segments and groups have enough records in a day of 330 rides.
AREA = "area"
_AREAS = (142, 187)
_TIME = "pickup_datetime"
_ZONE = "PULocationID"


@dataclass(frozen=True, eq=False)
class Pool:
    """Real days of a model: the rows in order of time, the first row of each hour, and sums.

    `before` has the sums of each day before each of its hours, and of the whole day last: shape (days, 25,
    columns of `sums`).
    """

    model: Model
    sums: HourSums
    rows: pd.DataFrame
    starts: Array
    before: Array

    @classmethod
    def of(cls, watched: Watched, rows: pd.DataFrame, hour: Array, days: int) -> "Pool":
        """Return the pool of `rows` by their number of the hour, in ascending order."""
        sums = HourSums(watched)
        starts = np.searchsorted(hour, np.arange(days * DAY + 1))
        return cls(watched.model, sums, rows, starts, before(sums.rows(rows), starts))

    @property
    def days(self) -> int:
        """The number of days."""
        return len(self.before)

    def errors(self) -> ErrorSeries:
        """Return the labelled rows per hour, every row labelled."""
        hour = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        rows = self.rows.iloc[self.starts[0] : self.starts[-1]]
        return ErrorSeries.of(self.model, rows, hour, self.days * DAY, np.ones(len(rows), bool))

    def table(self, hours: Array, since: int = 0) -> pa.Table:
        """Return the rows of some hours of the pool, as they arrived in successive hours.

        `since` is the hour of the day of the first.
        """
        at = [np.arange(self.starts[hour], self.starts[hour + 1]) for hour in hours]
        arrived = since + np.repeat(np.arange(len(hours)), [len(one) for one in at])
        frame = self.rows.iloc[np.concatenate(at)].drop(columns=[_TIME], errors="ignore")
        made = frame.assign(**{ARRIVED: pd.Timestamp("2020-01-01") + pd.to_timedelta(arrived, unit="h")})
        return pa.Table.from_pandas(made, preserve_index=False)


def before(added: Array, starts: Array) -> Array:
    """Return the sums before each hour of each day, and of whole days, from what each row adds."""
    total = np.concatenate([np.zeros((1, added.shape[1])), np.cumsum(added, axis=0, dtype=np.float64)])
    hourly = np.diff(total[starts], axis=0).reshape(-1, DAY, added.shape[1])
    return np.concatenate([np.zeros_like(hourly[:, :1]), np.cumsum(hourly, axis=1)], axis=1)


def taxi_pool(reference: str = taxi.SHIPPED) -> Pool:
    """Return every ordinary month of taxi rides that `reference` was not trained on."""
    watched, rides = taxi.load(reference)
    months = sorted(month for month in rides if month != taxi.LOCKDOWN)
    parts, hours, days = [], [], 0
    for month in months:
        period = pd.Period(month)
        hour = ((rides[month][_TIME] - period.start_time) // pd.Timedelta(hours=1)).to_numpy()
        inside = (hour >= 0) & (hour < period.days_in_month * DAY)
        parts.append(rides[month][inside])
        hours.append(hour[inside] + days * DAY)
        days += period.days_in_month
    rows = _with_area(pd.concat(parts, ignore_index=True))
    return Pool.of(_grouped(watched), rows, np.concatenate(hours), days)


def _with_area(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{AREA: np.searchsorted(_AREAS, rows[_ZONE].to_numpy(), side="right")})


def _grouped(watched: Watched) -> Watched:
    """Return the model with areas as one more feature, segments by zone and area, groups by area."""
    areas: list[int | str] = list(range(len(_AREAS) + 1))
    feature = Feature(name=AREA, kind=Kind.CATEGORICAL, dtype=DType.INT, categories=areas)
    old, before = watched.model, _with_area(watched.reference)
    contract = msgspec.structs.replace(
        old.contract,
        features=[*old.contract.features, feature],
        segments=[*old.contract.segments, AREA],
        groups=[AREA],
    )
    table = pa.Table.from_pandas(before, preserve_index=False)
    spec, limits = ProfileSpec.of(contract, table), old.thresholds
    model = Model(
        contract=contract,
        reference=table,
        profile_spec=spec,
        baseline=Profile.of(table, spec),
        thresholds=thresholds.load(
            compute(
                before,
                contract,
                window_rows=limits.window_rows,
                false_alarm_rate=limits.false_alarm_rate,
                seed=limits.seed,
            )
        ),
        check_config=old.check_config,
    )
    return Watched(model, watched.served, before)
