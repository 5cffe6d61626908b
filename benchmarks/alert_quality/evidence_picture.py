"""Picture of a small drift as evidence grows: value over limit by days behind the decision."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from benchmarks.alert_quality import shifts
from benchmarks.alert_quality.over_time import Subject
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.profiles.thresholds import Horizon

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLUMN, _BY, _ONSET, _SHOWN = "trip_distance", 0.2, 31, 52
_DAYS = (1, 4, 7, 14, 28)


def draw(of: Subject, path: Path) -> None:
    """Draw rides of May and June 2019, whose distances are longer from June 1 on."""
    rows = of.rows(["2019-05", "2019-06"])
    start = pd.Timestamp("2019-05-01")
    onset = start + pd.Timedelta(days=_ONSET)
    after = rows["pickup_datetime"] >= onset
    longer = of.watched.predicted(shifts.stretch(_COLUMN, _BY)(of.watched, rows[after]))
    changed = pd.concat([rows[~after], longer])
    sums = of.hours.by_hour(changed, changed["pickup_datetime"], start, 60 * DAY)
    total = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])
    figure, panel = plt.subplots(figsize=(9, 4.2), layout="constrained")
    shades = plt.get_cmap("viridis")(np.linspace(0.05, 0.85, len(_DAYS)))
    for days, shade in zip(_DAYS, shades, strict=True):
        horizon = next((h for h in [of.plan.window, *of.plan.days] if h.days == days), Horizon())
        ends = np.arange(DAY * days, len(total))
        found = of.hours.readings(total[ends] - total[ends - DAY * days], horizon)
        ratio = np.max([one.ratio for (column, _), one in found.items() if column == _COLUMN], axis=0)
        words = "the last day" if days == 1 else f"the last {days} days"
        panel.plot(ends / DAY - _ONSET, ratio, color=shade, label=words, linewidth=1.4)
    panel.axhline(1, color="#b3261e", linewidth=1)
    panel.axvline(0, color="#8a8f98", linewidth=1, linestyle="--")
    panel.set(xlim=(-14, _SHOWN - _ONSET), ylim=(0, 2.2), ylabel="value divided by its limit")
    panel.set_xlabel("days since every trip became longer by 0.2 sd of its logarithm (about 330 rides a day)")
    panel.legend(loc="upper left", frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
