"""Markdown tables of a subject."""

from collections.abc import Sequence

import pandas as pd
from scipy import stats

from benchmarks.alert_quality import judges, nannyml_judge
from benchmarks.alert_quality.measure import Measured
from benchmarks.alert_quality.shifts import RAMP_END, RAMP_STEPS

JUDGES = (
    judges.OURS,
    judges.LABELLED,
    judges.FEW,
    judges.COUNTED,
    judges.EVIDENTLY_ANY,
    judges.EVIDENTLY_HALF,
    nannyml_judge.UNIVARIATE,
    nannyml_judge.MULTIVARIATE,
    nannyml_judge.LABELLED,
)
SHIFT_SIZE = 1_000
_EXAMPLES = 6


def lines(measured: Measured) -> list[str]:
    """Return the Markdown section of a subject."""
    text = [f"### {measured.name}", "", measured.about, ""]
    text += _false_alarms(measured.verdicts)
    text += _reasons(measured)
    if (seasons := measured.verdicts.query("kind == 'season'")).size:
        text += ["", *_seasons(seasons)]
    text += ["", *_powers(measured.verdicts)]
    text += ["", *_ramp(measured.verdicts)]
    same, total = measured.agreement
    text += [
        "",
        f"Evidently's verdicts, computed directly, agree with its Reports in {same} of {total} columns.",
    ]
    if measured.without_nannyml:
        text += ["", f"NannyML is left out: {measured.without_nannyml}."]
    return text


def interval(hits: int, windows: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a rate."""
    found = stats.binomtest(hits, windows).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def asked(verdicts: pd.DataFrame) -> list[str]:
    """Return the judges that have verdicts."""
    return [judge for judge in JUDGES if judge in verdicts]


def seen(verdicts: pd.DataFrame, judge: str) -> tuple[float, float]:
    """Return a judge's share of windows with an alarm, and of pairs with at least one."""
    within_two = verdicts.groupby(["split", "draw"])[judge].any()
    return float(verdicts[judge].mean()), float(within_two.mean())


def _false_alarms(verdicts: pd.DataFrame) -> list[str]:
    calm, names = verdicts.query("kind == 'calm'"), asked(verdicts)
    table = _head(["false alarms, % of undrifted windows [95% interval]", "windows", *names])
    groups = [(f"{label}, {size:,} rows", part) for (label, size), part in calm.groupby(["label", "size"])]
    for label, part in [*groups, ("**all**", calm)]:
        cells = [_rate(int(part[name].sum()), len(part)) for name in names]
        table.append(_row([label, f"{len(part):,}", *cells]))
    return table


def _reasons(measured: Measured) -> list[str]:
    """Return the checks behind Scorewatch's false alarms."""
    if not measured.reasons:
        return []
    most = sorted(measured.reasons.items(), key=lambda item: -len(item[1]))
    kinds = "; ".join(f"{len(v)} x {check} ({label}; {v[0]})" for (label, check), v in most[:_EXAMPLES])
    more = f"; {len(most) - _EXAMPLES} more kinds" if len(most) > _EXAMPLES else ""
    head = "Checks behind Scorewatch's false alarms, with labels, and the first value of each"
    return ["", f"{head}: {kinds}{more}."]


def _seasons(seasons: pd.DataFrame) -> list[str]:
    names = asked(seasons)
    table = _head([f"a change of season, % of windows with an alarm, {SHIFT_SIZE:,} rows", *names])
    for label, part in seasons.groupby("label", sort=False):
        table.append(_row([str(label), *(f"{part[name].mean():.0%}" for name in names)]))
    return table


def _powers(verdicts: pd.DataFrame) -> list[str]:
    shifted, names = verdicts.query("kind == 'shift'"), asked(verdicts)
    pairs = int(shifted.groupby("label").size().max()) // 2
    heading = (
        f"detected, % of single windows of {SHIFT_SIZE:,} rows / % of {pairs} pairs, in at least one window"
    )
    table = _head([heading, *names])
    for label, part in shifted.groupby("label", sort=False):
        shares = (seen(part, name) for name in names)
        table.append(_row([str(label), *(f"{one:.0%} / {two:.0%}".replace("%", "") for one, two in shares)]))
    return table


def _ramp(verdicts: pd.DataFrame) -> list[str]:
    ramp, names = verdicts.query("kind == 'ramp'"), asked(verdicts)
    label = f"{ramp['label'].iloc[0]}, growing to {RAMP_END:g} sd over {RAMP_STEPS} windows"
    table = _head([f"mean number of the window that first detects a slow ramp ({label})", *names])
    cells = []
    for name in names:
        hit = ramp[ramp[name].astype(bool)].groupby(["split", "draw"])["step"].min()
        series = len(ramp.drop_duplicates(["split", "draw"]))
        unseen = f", {1 - len(hit) / series:.0%} never" if len(hit) < series else ""
        cells.append(f"{hit.mean():.1f}{unseen}" if len(hit) else "never")
    return [*table, _row(["", *cells])]


def _rate(hits: int, windows: int) -> str:
    low, high = interval(hits, windows)
    return f"{100 * hits / windows:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), "|" + "---|" * len(cells)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
