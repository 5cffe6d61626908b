"""Text of a comparison between a model in shadow and the live one."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from ops.shadow_compare import Comparison
from ops.shadow_events import Side

_QUANTILES = (0.5, 0.9, 0.99, 1.0)
_SHOWN = 5


def advice(found: Comparison, use_case: str) -> str:
    """Return what to do next, one sentence."""
    counts, version = found.outcomes, found.shadow.version
    off = f"make shadow OFF=1 USE_CASE={use_case}"
    release = f"make release USE_CASE={use_case} VERSION={version}"
    if not counts.both:
        return "Nothing was scored by both yet: repeat later, or see the log of the function in shadow."
    if counts.missing:
        return f"The shadow did not score {counts.missing:,} records: see its log before a release, or {off}"
    if counts.shadow_rejected > counts.live_rejected:
        return f"The shadow rejects more records than the live model: see their reasons, or {off}"
    if found.errors is None or found.errors.worse is None:
        return f"Too few labels for a conclusion: wait, or decide by the differences: {release}, or {off}"
    _, low, high = found.errors.worse
    if low > 0:
        return f"The shadow is worse than the live model: {off}"
    sure = "better than" if high < 0 else "not worse than"
    return f"The shadow is {sure} the live model on the labelled records: {release}, then {off}"


def moment(seconds: float) -> str:
    """Return a time in UTC, to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def page(found: Comparison, use_case: str) -> str:
    """Return the comparison as text."""
    counts = found.outcomes
    rows: list[tuple[str, ...]] = [
        ("", "live", "shadow"),
        ("model", found.live.version, found.shadow.version),
        ("scored", f"{counts.live:,}", f"{counts.shadow:,}"),
        ("rejected", f"{counts.live_rejected:,}", f"{counts.shadow_rejected:,}"),
        ("newest record", *(_newest(side) for side in (found.live, found.shadow))),
    ]
    shown = _QUANTILES[::2] if len(found.latency[0]) else ()
    rows += [(f"seconds until scored, {_name(s)}", *(_at(part, s) for part in found.latency)) for s in shown]
    if found.errors:
        name = f"{found.errors.metric} on {found.errors.records:,} labels"
        rows.append((name, f"{found.errors.live:.4g}", f"{found.errors.shadow:.4g}"))
    lines = [f"{use_case}: records that arrived from {found.start:%Y-%m-%d %H:%M:%S} UTC on", ""]
    lines += [f"{name:<28}{left:>21}{right:>21}" for name, left, right in rows]
    lines += ["", *_differences(found), *_left_out(found)]
    if found.errors and found.errors.worse:
        value, low, high = found.errors.worse
        lines.append(f"The shadow's {found.errors.metric} is worse by {value:.4g} ({low:.4g} to {high:.4g})")
    return "\n".join([*lines, "", advice(found, use_case)])


def _differences(found: Comparison) -> list[str]:
    both = found.outcomes.both
    if not both:
        return []
    lines = [f"Scored by both: {both:,}, of which {found.equal / both:.1%} have the same prediction"]
    if len(found.differences):
        sizes = np.abs(found.differences)
        quantiles = ", ".join(f"{_name(share)} {_at(sizes, share)}" for share in _QUANTILES)
        mean, size = found.differences.mean(), sizes.mean()
        lines.append(f"Shadow minus live: mean {mean:.4g}; without sign {size:.4g}")
        lines.append(f"Difference without sign: {quantiles}")
    lines += [f"  {a} live, {b} in shadow: {count:,}" for (a, b), count in found.changes.most_common(_SHOWN)]
    return lines


def _left_out(found: Comparison) -> list[str]:
    counts, shadow = found.outcomes, found.shadow
    reasons = Counter(shadow.rejected.values())
    lines = [f"Rejected in shadow: {reason} {count:,}" for reason, count in reasons.most_common(_SHOWN)]
    for number, text in (
        (counts.missing, "Scored live and not in shadow: {:,}"),
        (counts.waiting, "Scored live, not yet in shadow: {:,}"),
        (counts.only_shadow, "Rejected live and scored in shadow: {:,}"),
        (found.live.others, "Left out: {:,} of other versions, or sent over HTTP"),
        (found.live.damaged + shadow.damaged, "Left out: {:,} damaged lines or objects"),
    ):
        lines += [text.format(number)] if number else []
    return lines


def _newest(side: Side) -> str:
    return moment(max(side.arrivals.values())) if side.arrivals else "none"


def _name(share: float) -> str:
    return "largest" if share == 1 else "median" if share == 0.5 else f"{share:.0%}"  # noqa: PLR2004


def _at(values: npt.NDArray[np.float64], share: float) -> str:
    return f"{np.quantile(values, share):.4g}"
