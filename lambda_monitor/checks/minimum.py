"""Least number of rows from which each check is made."""

from collections.abc import Sequence

from lambda_monitor.findings import CheckResult
from lambda_monitor.profiles import segments, thresholds

# A share of few rows says little: one odd row among them would be an alert.
_SHARE_ROWS = 30
# Checks that are not listed are made from one row on.
LEAST = {
    **dict.fromkeys(("quality.missing", "quality.categories", "quality.range", "outliers"), _SHARE_ROWS),
    **dict.fromkeys(
        ("quality.constant", "drift.feature", "drift.prediction", "drift.target"), thresholds.LEAST_ROWS
    ),
    "drift.segment": segments.LEAST_ROWS,
    **dict.fromkeys(("performance.segment", "performance.estimate", "service.lost"), thresholds.LEAST_ROWS),
    **dict.fromkeys(
        ("performance", "performance.mean_error", "performance.segment_mean_error"), segments.LEAST_ROWS
    ),
    **dict.fromkeys(("bias.error", "bias.prediction_rate"), segments.LEAST_ROWS),
    **dict.fromkeys(("performance.log_loss", "performance.calibration"), thresholds.LEAST_ROWS),
    # Of the rarer class, of the records predicted positive, of the positive ones.
    **dict.fromkeys(("performance.auc", "performance.precision", "performance.recall"), segments.LEAST_ROWS),
    **dict.fromkeys(("lake.duplicates", "lake.clock_skew"), thresholds.LEAST_ROWS),
    **dict.fromkeys(("model.version", "service.rejected", "service.errors"), 20),
}


def too_few(name: str, rows: int, of: str, columns: Sequence[str] = ()) -> CheckResult | None:
    """Return the skipped result of a check on fewer rows than its least number, else None."""
    least = LEAST.get(name, 1)
    if rows >= least:
        return None
    return CheckResult.skipped(name, f"{rows:,} {of}; the check is made from {least} on.", columns)
