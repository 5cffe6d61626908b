"""How far the alerts can be believed: false alarms on undrifted windows, power and delay on shifted ones.

Rows are real taxi trips; the reference is April 2019, and no window is drawn from the months that
training or the thresholds saw. Evidently's defaults are judged by its own statistics on the same
windows: normed Wasserstein distance and Jensen-Shannon distance, each against 0.1 (what Evidently 0.7
takes for a reference of more than 1,000 rows), computed directly since a Report a window would take
hours; `agreement` compares them with real Reports.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
from evidently import Report
from evidently.metrics import ValueDrift
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from contract import bundle
from contract.schema import Contract
from lambda_monitor import checks, performance, thresholds
from lambda_monitor.model import Model
from lambda_monitor.profile import Layout, Profile
from lambda_predict.model import Model as Served
from training import export, pipeline
from training.sources import Place
from training.tracking import Version
from training.use_case import UseCase

mpl.use("Agg")
from matplotlib import pyplot as plt

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PICTURE = Path(__file__).with_name("alerts.png")
CALM = [f"2018-{m:02d}" for m in range(1, 13)] + ["2019-01", "2019-02", "2019-05", "2019-06"]
SIZES = (500, 1_000, 2_000)
WINDOWS_A_MONTH = 50
DRAWS = 100
RAMP = 10
_LIMIT = 0.1
_SHARE = 0.5
_LEVELS = 20
_ZONE, _NEW_ZONE = 161, 999
OURS, LABELLED = "Scorewatch", "Scorewatch with labels"
EVIDENTLY_ANY, EVIDENTLY_SHARE = "Evidently, any column", "Evidently, half the columns"


@dataclass(frozen=True)
class Watched:
    """A model, what it is watched with, and the months it has not seen."""

    model: Model
    served: Served
    months: dict[str, pd.DataFrame]
    reference: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """The features."""
        return self.model.contract.feature_names

    def predicted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return `rows` with the model's prediction for them; a missing value is predicted as zero."""
        columns = [rows[name].fillna(0).tolist() for name in self.names]
        target = self.model.contract.target.name
        return rows.assign(**{bundle.PREDICTION_COLUMN: [p[target] for p in self.served.predict(columns)]})


Shift = Callable[[Watched, pd.DataFrame], pd.DataFrame]


def run() -> list[str]:
    """Return the section's lines, Markdown, and draw the picture."""
    os.environ.setdefault("SCOREWATCH_DATA", str(DATA))
    watched = load()
    calm, power = false_alarms(watched), powers(watched)
    delays = delay(watched)
    draw(calm, power)
    lines = [
        f"| false alarms | windows | {OURS} | {LABELLED} | {EVIDENTLY_ANY} | {EVIDENTLY_SHARE} |",
        "|---|---|---|---|---|---|",
    ]
    for size, found in calm.items():
        cells = " | ".join(f"{rate:.1%}" for rate in found.values())
        lines.append(f"| {size:,} rows, of 16 ordinary months | {len(CALM) * WINDOWS_A_MONTH:,} | {cells} |")
    lines += [
        "",
        "| seen, windows of 1,000 rows | one | within two | with labels | Evidently, any | Evidently, half |",
        "|---|---|---|---|---|---|",
    ]
    for name, seen in power.items():
        twice = 1 - (1 - seen[OURS]) ** 2
        shares = (seen[OURS], twice, seen[LABELLED], seen[EVIDENTLY_ANY], seen[EVIDENTLY_SHARE])
        lines.append(f"| {name} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
    ramp = f"A shift that grows from nothing to half a standard deviation over {RAMP} windows"
    lines += ["", f"{ramp} is seen in window {delays:.1f} on average."]
    lines += ["", f"Evidently's verdicts, computed directly, agree with its Reports: {agreement(watched)}."]
    lines += ["", "![False-alarm rate and power](alerts.png)"]
    return lines


def load() -> Watched:
    """Train on March 2019, take April for reference and thresholds, and read the other months."""
    use_case = UseCase.named("green_taxi")
    data = pipeline.load_data(use_case, Place(), "folder", lambda _: None)
    fitted = pipeline.fit(use_case, data)
    version = Version(name=use_case.model_name, version="1", run_id="0" * 32, source="")
    made = export.make_contract(
        use_case, export.Exported(version, fitted.onnx, data.train, data.validation, {})
    )
    served = Served(made, fitted.onnx)
    validation = data.validation.frame.rename(
        columns={made.target.name: bundle.TARGET_COLUMN, "time": "time"}
    )
    columns = [validation[name].tolist() for name in made.feature_names]
    reference = validation.assign(
        **{bundle.PREDICTION_COLUMN: [p[made.target.name] for p in served.predict(columns)]}
    )
    computed = thresholds.compute(reference, made, window_rows=1_000, false_alarm_rate=0.001, seed=7)
    table = pa.Table.from_pandas(reference, preserve_index=False)
    layout = Layout.of(made, table)
    model = Model(
        contract=made,
        reference=table,
        layout=layout,
        baseline=Profile.of(table, layout),
        limits=thresholds.load(computed),
        checks=None,
    )
    watched = Watched(model, served, {}, reference)
    for name in [*CALM, "2020-04"]:
        watched.months[name] = month(watched, made, name)
    return watched


def month(watched: Watched, made: Contract, name: str) -> pd.DataFrame:
    """Return a month's sound rides in the order of time, predicted."""
    raw = pd.read_csv(
        Path(os.environ["SCOREWATCH_DATA"]) / f"nyc_yellow_taxi/yellow_{name}.csv.gz",
        parse_dates=["tpep_pickup_datetime", "tpep_dropoff_datetime"],
    ).sort_values("tpep_pickup_datetime")
    seconds = (raw["tpep_dropoff_datetime"] - raw["tpep_pickup_datetime"]).dt.total_seconds()
    rides = raw[made.feature_names].assign(**{bundle.TARGET_COLUMN: seconds / 60})
    rides = rides[rides[bundle.TARGET_COLUMN].between(1, 60)].reset_index(drop=True)
    return watched.predicted(rides)


def ours(watched: Watched, rows: pd.DataFrame) -> bool:
    """Say whether any check of inputs and predictions alerts on the window."""
    profile = Profile.of(pa.Table.from_pandas(rows, preserve_index=False), watched.model.layout)
    return any(result.status == "alert" for result in checks.evaluate(watched.model, profile))


def worse(watched: Watched, rows: pd.DataFrame) -> bool:
    """Say whether any check of the error alerts, once every record has its label."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    judged = performance.judge(watched.model.contract, watched.model.reference, table, records=len(rows))
    return any(s.value is not None and s.threshold is not None and s.value > s.threshold for s in judged)


def evidently(watched: Watched, rows: pd.DataFrame) -> list[bool]:
    """Return of each column whether Evidently's default would call it drifted."""
    found = []
    for name in (*watched.names, bundle.PREDICTION_COLUMN):
        before, now = watched.reference[name], rows[name].dropna()
        if name in watched.model.layout.categorical:
            levels = sorted(set(before) | set(now))
            shares = [
                side.value_counts(normalize=True).reindex(levels, fill_value=0) for side in (before, now)
            ]
            found.append(bool(jensenshannon(*shares, base=2) >= _LIMIT))
        else:
            found.append(bool(wasserstein_distance(before, now) / max(before.std(), 0.001) >= _LIMIT))
    return found


def verdicts(watched: Watched, rows: pd.DataFrame) -> dict[str, bool]:
    """Return who raises an alarm on a window."""
    columns, unlabelled = evidently(watched, rows), ours(watched, rows)
    return {
        OURS: unlabelled,
        LABELLED: unlabelled or worse(watched, rows),
        EVIDENTLY_ANY: any(columns),
        EVIDENTLY_SHARE: sum(columns) >= _SHARE * len(columns),
    }


def rates(windows: Iterator[dict[str, bool]]) -> dict[str, float]:
    """Return the share of windows on which each raised an alarm."""
    return {str(name): float(rate) for name, rate in pd.DataFrame(list(windows)).mean().items()}


def false_alarms(watched: Watched) -> dict[int, dict[str, float]]:
    """Return the rates on windows of ordinary months, half drawn at random, half in the order of time."""

    def windows(size: int) -> Iterator[dict[str, bool]]:
        rng = np.random.default_rng(size)
        for name in CALM:
            rides = watched.months[name]
            for number in range(WINDOWS_A_MONTH):
                first = int(rng.integers(0, len(rides) - size))
                drawn = rides.sample(size, random_state=int(rng.integers(1 << 31)))
                yield verdicts(watched, rides[first : first + size] if number % 2 else drawn)

    return {size: rates(windows(size)) for size in SIZES}


def moved(deviations: float) -> Shift:
    """Return the shift of the mean distance by so many standard deviations (of the clipped column)."""

    def shift(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
        low, high = watched.model.layout.numeric["trip_distance"].clip
        deviation = watched.reference["trip_distance"].clip(low, high).std()
        return rows.assign(trip_distance=rows["trip_distance"] + deviations * deviation)

    return shift


def wider(_: Watched, rows: pd.DataFrame) -> pd.DataFrame:
    """Spread the distances by half around their median."""
    middle = rows["trip_distance"].median()
    return rows.assign(trip_distance=(middle + 1.5 * (rows["trip_distance"] - middle)).clip(lower=0))


def part(rows: pd.DataFrame, share: float) -> pd.Series:
    """Return a mask over the first `share` of the rows, whose order is random."""
    return pd.Series(np.arange(len(rows)) < share * len(rows), index=rows.index)


def scaled_zone(_: Watched, rows: pd.DataFrame) -> pd.DataFrame:
    """Double the distance of the rides of one zone."""
    zone = rows["PULocationID"] == _ZONE
    return rows.assign(trip_distance=rows["trip_distance"].where(~zone, rows["trip_distance"] * 2))


SHIFTS: dict[str, Shift] = {
    "mean of distance, 0.1 sd": moved(0.1),
    "mean of distance, 0.2 sd": moved(0.2),
    "mean of distance, 0.5 sd": moved(0.5),
    "spread of distance, half as wide again": wider,
    "a fifth of the pickups moved to one zone": lambda _, r: r.assign(
        PULocationID=r["PULocationID"].mask(part(r, 0.2), _ZONE)
    ),
    "a new pickup zone, 5% of rides": lambda _, r: r.assign(
        PULocationID=r["PULocationID"].mask(part(r, 0.05), _NEW_ZONE)
    ),
    "distance missing in 5% of rides": lambda _, r: r.assign(
        trip_distance=r["trip_distance"].mask(part(r, 0.05))
    ),
    "distance doubled in one zone (4% of rides)": scaled_zone,
    "same rides, a third slower (concept shift)": lambda _, r: r.assign(
        target=r[bundle.TARGET_COLUMN] * 4 / 3
    ),
}


def powers(watched: Watched, size: int = 1_000) -> dict[str, dict[str, float]]:
    """Return how often each shift is seen, on windows of May and June 2019, and of the real lockdown."""
    calm = pd.concat([watched.months["2019-05"], watched.months["2019-06"]], ignore_index=True)

    def windows(rides: pd.DataFrame, shift: Shift) -> Iterator[dict[str, bool]]:
        for seed in range(DRAWS):
            drawn = rides.sample(size, random_state=seed).reset_index(drop=True)
            yield verdicts(watched, watched.predicted(shift(watched, drawn)))

    found = {name: rates(windows(calm, shift)) for name, shift in SHIFTS.items()}
    found["April 2020, the lockdown (real)"] = rates(windows(watched.months["2020-04"], lambda _, r: r))
    return found


def delay(watched: Watched, size: int = 1_000) -> float:
    """Return the mean number of the window in which a slow ramp is first seen."""
    calm = pd.concat([watched.months["2019-05"], watched.months["2019-06"]], ignore_index=True)
    first = []
    for seed in range(DRAWS):
        for step in range(1, RAMP + 1):
            drawn = calm.sample(size, random_state=seed * RAMP + step).reset_index(drop=True)
            if ours(watched, watched.predicted(moved(0.5 * step / RAMP)(watched, drawn))):
                break
        first.append(step)
    return float(np.mean(first))


def agreement(watched: Watched, windows: int = 3, size: int = 1_000) -> str:
    """Compare our computation of Evidently's verdicts with its own Reports."""
    same = total = 0
    names = [*watched.names, bundle.PREDICTION_COLUMN]
    for seed in range(windows):
        rows = watched.months["2019-05"].sample(size, random_state=seed)
        sides = [
            side[names].astype({n: str for n in watched.model.layout.categorical if n in names})
            for side in (rows, watched.reference)
        ]
        result = Report([ValueDrift(column=name) for name in names]).run(*sides).dict()
        reported = [metric["value"] >= _LIMIT for metric in result["metrics"]]
        same += sum(a == b for a, b in zip(reported, evidently(watched, rows), strict=True))
        total += len(names)
    return f"{same} of {total} columns"


def draw(calm: dict[int, dict[str, float]], power: dict[str, dict[str, float]]) -> None:
    """Draw false alarms and power side by side."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), width_ratios=(1, 2), layout="constrained")
    pd.DataFrame(calm).T.mul(100).plot.bar(
        ax=left, ylabel="% of undrifted windows with an alarm", xlabel="rows a window", rot=0
    )
    left.legend(fontsize=8)
    pd.DataFrame(power).T.iloc[::-1].mul(100).plot.barh(
        ax=right, xlabel="% of shifted windows seen, 1,000 rows", legend=False
    )
    figure.savefig(PICTURE, dpi=110)
    plt.close(figure)
