"""Checks on labels, the estimated error and groups over arrays of windows, every record labelled."""

from collections.abc import Iterator

import numpy as np

from benchmarks.alert_quality.hour_sums import Array
from benchmarks.by_chance import sums_of_labels
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.sums_of_labels import Level
from benchmarks.by_chance.two_days import TwoDays
from lambda_monitor.checks import bias, few_labels, mean_error, performance
from lambda_monitor.checks.few_labels import Known, Sample
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.score import RARE, RARER
from lambda_monitor.profiles import segments


class Labels:
    """Sums per hour of a pool, and what is known of the reference."""

    def __init__(self, pool: Pool) -> None:
        """Sum the pool, and take the moments of the reference by the monitor's own functions."""
        contract, reference = pool.model.contract, pool.model.reference
        self.model, self.sums = pool.model, sums_of_labels.of(pool)
        self.before = self.sums.before
        self._loss, self._errors = self.sums.loss, self.sums.errors
        self._allowed = performance.tolerance(contract)
        self._known = Known.of(self.sums.sample)
        side = self._errors.standard - self._errors.standard.mean()
        self._sides = [Known.of(Sample.plain(sign * side, self._errors.days)) for sign in (-1, 1)]
        self._between = few_labels.between_days(self._errors.standard, self._errors.days)
        self._uneven = performance.uneven((reference, self._loss))
        estimated = float(np.sqrt(performance.losses(contract, reference).mean()))
        self._estimated = estimated * performance.ESTIMATE_TOLERANCE

    def ratios(self, windows: TwoDays) -> Iterator[tuple[str, Array]]:
        """Yield the ratio of value to limit of each check, NaN where it is not made."""
        yield "performance", self._performance(windows)
        yield "performance.estimate", self._estimate(windows)
        yield mean_error.WHOLE, self._mean_error(windows)
        by_column = {
            "performance.segment": self._segment,
            mean_error.SEGMENT: self._segment_error,
            bias.ERROR: self._group_error,
            bias.RATE: self._group_rate,
        }
        for check, ratio in by_column.items():
            columns = self.model.contract.groups if check.startswith("bias") else self.model.contract.segments
            for column in columns:
                found = np.full(len(windows.both), np.nan)
                for level in self.sums.levels:
                    enough = level.column == column and windows.both[:, level.rows].max() >= LEAST[check]
                    found = np.fmax(found, ratio(windows, level)) if enough else found
                yield f"{check}: {column}", found

    def _performance(self, windows: TwoDays) -> Array:
        rows, loss, foreseen = (getattr(self.sums, name) for name in ("rows", "losses", "foreseen"))
        both = windows.both
        of_all = both[:, foreseen] / np.maximum(both[:, rows], 1)
        totals = [
            part[:, loss] - part[:, foreseen] + part[:, rows] * of_all
            for part in (windows.earlier, windows.later)
        ]
        allowed = float(self._loss.mean()) * self._allowed
        value, limit = judged(self._known, windows, rows, totals, allowed, RARE)
        ratio = np.sqrt(np.maximum(value, 0) / limit)
        return np.where(both[:, rows] >= LEAST["performance"], ratio, np.nan)

    def _estimate(self, windows: TwoDays) -> Array:
        both = windows.both
        rows = both[:, self.sums.rows]
        value = np.sqrt(both[:, self.sums.expected] / np.maximum(rows, 1))
        return np.where(rows >= LEAST["performance.estimate"], value / self._estimated, np.nan)

    def _mean_error(self, windows: TwoDays) -> Array:
        rows, error, was = self.sums.rows, self.sums.error, float(self._errors.standard.mean())
        both = windows.both
        up = both[:, error] >= was * both[:, rows]
        found = []
        for sign, known in zip((-1, 1), self._sides, strict=True):
            totals = [
                sign * (part[:, error] - was * part[:, rows]) for part in (windows.earlier, windows.later)
            ]
            value, limit = judged(known, windows, rows, totals, mean_error.TOLERANCE, RARE)
            found.append(value / limit)
        ratio = np.where(up, found[1], found[0])
        return np.where(both[:, rows] >= LEAST[mean_error.WHOLE], ratio, np.nan)

    def _segment(self, windows: TwoDays, level: Level) -> Array:
        old = self._loss[level.before]
        known = Known.of(Sample.plain(old, None))._replace(between_days=self._uneven * float(old.mean()) ** 2)
        totals = [part[:, level.losses] for part in (windows.earlier, windows.later)]
        value, limit = judged(known, windows, level.rows, totals, float(old.mean()) * self._allowed, RARER)
        rows = np.minimum(windows.both[:, level.rows], len(old))
        return np.where(rows >= LEAST["performance.segment"], np.sqrt(value / limit), np.nan)

    def _segment_error(self, windows: TwoDays, level: Level) -> Array:
        old, standard = level.before, self._errors.standard
        n, m, inside, outside = self._split(windows, level, self.sums.error, level.error)
        apart = float(standard[old].mean() - standard[~old].mean())
        value = np.abs(inside / n - outside / m - apart)
        noise = standard[old].var() * (1 / n + 1 / old.sum())
        noise = noise + standard[~old].var() * (1 / m + 1 / (~old).sum())
        noise = noise + self._between / np.maximum(windows.effective_days(level.rows), 1)
        limit = mean_error.SEGMENT_TOLERANCE + RARER * np.sqrt(noise)
        return self._made(mean_error.SEGMENT, windows, level, value / limit)

    def _group_error(self, windows: TwoDays, level: Level) -> Array:
        size, old = np.abs(self._errors.standard), level.before
        n, m, inside, outside = self._split(windows, level, self.sums.size, level.size)
        now = (inside + 0.5) / (n + 1) / ((outside + 0.5) / (m + 1))
        means = [(part.sum() + 0.5) / (len(part) + 1) for part in (size[old], size[~old])]
        variance = 0.0
        for part, mean, rows in zip((size[old], size[~old]), means, (n, m), strict=True):
            spread = max(float(part.var()), mean * (1 - mean) if part.max() <= 1 else 0.0) / mean**2
            variance = variance + spread * (1 / rows + 1 / len(part))
        limit = bias.ERROR_TOLERANCE * (1 + RARER * np.sqrt(variance) / 2) ** 2
        return self._made(bias.ERROR, windows, level, now / (means[0] / means[1]) / limit)

    def _group_rate(self, windows: TwoDays, level: Level) -> Array:
        outcome, old = self.sums.outcomes_before, level.before
        n, m, inside, outside = self._split(windows, level, self.sums.outcome, level.outcome)
        apart = float(outcome[old].mean() - outcome[~old].mean())
        scale = float(outcome.std())
        variance = outcome[old].var() * (1 / n + 1 / old.sum())
        variance = variance + outcome[~old].var() * (1 / m + 1 / (~old).sum())
        value = np.abs(inside / n - outside / m - apart) / scale
        limit = bias.RATE_TOLERANCE + RARER * np.sqrt(variance) / scale
        return self._made(bias.RATE, windows, level, value / limit)

    def _split(self, windows: TwoDays, level: Level, whole: int, part: int) -> tuple[Array, ...]:
        """Return the rows inside and outside of a level, and the sums of a column inside and outside."""
        both = windows.both
        inside, rows = both[:, part], both[:, level.rows]
        others = both[:, self.sums.rows] - rows
        return np.maximum(rows, 1), np.maximum(others, 1), inside, both[:, whole] - inside

    def _made(self, check: str, windows: TwoDays, level: Level, ratio: Array) -> Array:
        rows = windows.both[:, level.rows]
        fewest = np.minimum(rows, windows.both[:, self.sums.rows] - rows)
        before = min(level.before.sum(), (~level.before).sum())
        return np.where((fewest >= LEAST[check]) & (before >= LEAST[check]), ratio, np.nan)


def judged(
    known: Known, windows: TwoDays, rows: int, totals: list[Array], allowed: float, quantile: float
) -> tuple[Array, Array]:
    """Return means and limits as few_labels.judge does, from the rows and totals of two days."""
    counts = [windows.earlier[:, rows], windows.later[:, rows]]
    labelled = np.maximum(counts[0] + counts[1], 1)
    value = (totals[0] + totals[1]) / labelled
    limit = allowed + chance(known, labelled, labelled, windows.effective_days(rows), quantile)
    least = np.maximum(labelled * few_labels.LEAST_REST, segments.LEAST_ROWS)
    # Without the earlier day the later one remains, and the other way round.
    rests = [np.where(counts[0] > 0, counts[1], 0), np.where(counts[1] > 0, counts[0], 0)]
    without = [
        np.where(rest >= least, total / np.maximum(rest, 1), np.inf)
        for rest, total in zip(rests, totals[::-1], strict=True)
    ]
    worst = np.minimum(without[0], without[1])
    rest = np.maximum(np.where(without[0] <= without[1], rests[0], rests[1]), 1)
    others = allowed + chance(known, rest, labelled, np.ones_like(rest), quantile) + value - worst
    allows = (value > limit) & np.isfinite(worst) & (worst < value)
    return value, np.where(allows, np.maximum(limit, others), limit)


def chance(known: Known, labelled: Array, records: Array, days: Array, quantile: float) -> Array:
    """Return Known.chance for arrays."""
    noise = known.unforeseen / labelled + known.foreseen / records + known.variance / known.rows
    variance = noise + known.between_days / np.maximum(days, 1.0)
    skewness = np.maximum(known.third / labelled**2 / variance**1.5, 0.0)
    return np.asarray(np.sqrt(variance) * (quantile + (quantile**2 - 1) / 6 * skewness))
