"""Picture of all judges: false alarms on the left, power on the right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.alert_quality import judges
from benchmarks.alert_quality.measure import Measured
from benchmarks.alert_quality.tables import SHIFT_SIZE, asked, interval, seen

mpl.use("Agg")
from matplotlib import pyplot as plt

_OURS, _THEIRS = "#1b7f4d", "#8a8f98"


def draw(found: Sequence[Measured], path: Path) -> None:
    """Draw one row of panels per subject."""
    figure, panels = plt.subplots(
        len(found),
        2,
        figsize=(15, 4.2 * len(found)),
        width_ratios=(1, 3),
        layout="constrained",
        squeeze=False,
    )
    for (left, right), measured in zip(panels, found, strict=True):
        names = asked(measured.verdicts)
        _false_alarms(left, measured, names)
        _power(right, measured, names)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _false_alarms(panel: Any, measured: Measured, names: Sequence[str]) -> None:
    calm = measured.verdicts.query("kind == 'calm'")
    rates = np.array([100 * calm[name].mean() for name in names])
    bounds = 100 * np.array([interval(int(calm[name].sum()), len(calm)) for name in names])
    ours = (judges.OURS, judges.LABELLED, judges.FEW, judges.COUNTED)
    panel.barh(
        names,
        rates,
        xerr=[np.maximum(rates - bounds[:, 0], 0), np.maximum(bounds[:, 1] - rates, 0)],
        color=[_OURS if name in ours else _THEIRS for name in names],
        capsize=3,
    )
    for place, (rate, high) in enumerate(zip(rates, bounds[:, 1], strict=True)):
        panel.text(high + 3, place, f"{rate:.1f}%", va="center", fontsize=9)
    panel.set(xlim=(0, 122), title=f"{measured.name}: false alarms\n% of {len(calm):,} undrifted windows")
    panel.invert_yaxis()


def _power(panel: Any, measured: Measured, names: Sequence[str]) -> None:
    shifted = measured.verdicts.query("kind == 'shift'")
    labels = list(dict.fromkeys(shifted["label"]))
    shares = np.array([[seen(shifted[shifted["label"] == lb], name)[1] for lb in labels] for name in names])
    # The power of a judge with many false alarms means little, so its row is faded.
    calm = measured.verdicts.query(f"kind == 'calm' and size == {SHIFT_SIZE}")
    faded = np.array([[0.8 * (1 - float(calm[name].mean())) ** 2] for name in names]) * np.ones(shares.shape)
    panel.imshow(shares, cmap="RdYlGn", vmin=0, vmax=1, aspect="auto", alpha=faded)
    for (row, column), share in np.ndenumerate(shares):
        panel.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8)
    panel.set_yticks(range(len(names)), [""] * len(names))
    panel.set_xticks(range(len(labels)), labels, rotation=35, ha="right", fontsize=8)
    panel.set_title(
        f"% of shifts detected within two windows of {SHIFT_SIZE:,} rows; faded: false alarms without a shift"
    )
