"""Mergeable profile of rows: the profile of a window is the sum of its hours'."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contract import bundle
from contract.schema import Contract, Kind, Task
from lambda_monitor.lake.texts import category
from lambda_monitor.profiles import segments
from lambda_monitor.profiles.segments import Segments, SegmentSpec

BINS = 50
# Values beyond these quantiles of the reference are clipped to them, so that a single typing error can't
# move the mean of thousands of rows.
_TAILS = (0.005, 0.995)
_LEVELS = 500
_OUTLIER_TAIL = 0.0005


class NumericSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a numeric column is counted: bin edges, clipping bounds, bounds of unusual values.

    `minimum` and `maximum` are the contract's, `unusual` the reference's outermost quantiles.
    """

    edges: list[float]
    clip: tuple[float, float]
    unusual: tuple[float, float]
    minimum: float | None = None
    maximum: float | None = None


class CategoricalSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How a categorical column is counted: the reference's levels, and all levels known in training."""

    levels: list[str]
    known: list[str] | None = None


class ProfileSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How each column is counted; profiles of the same specs can be merged."""

    numeric: dict[str, NumericSpec]
    categorical: dict[str, CategoricalSpec]
    segments: SegmentSpec | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that are counted."""
        return [*self.numeric, *self.categorical]

    @classmethod
    def of(cls, contract: Contract, reference: pa.Table) -> Self:
        """Return the specs derived from `reference`, with columns as in contract.bundle."""
        numeric, categorical = {}, {}
        for name, kind in _kinds(contract).items():
            if name not in reference.column_names:
                continue
            feature = {f.name: f for f in contract.features}.get(name)
            if kind is Kind.CATEGORICAL:
                counts = Counter(_texts(reference.column(name)))
                known = feature.categories if feature is not None else contract.target.labels
                categorical[name] = CategoricalSpec(
                    levels=[
                        level for level, _ in sorted(counts.items(), key=lambda i: (-i[1], i[0]))[:_LEVELS]
                    ],
                    known=None if known is None else [category(value) for value in known],
                )
            else:
                values = numbers(reference.column(name))
                if not len(values):
                    continue
                low, high = np.quantile(values, _TAILS)
                unusual = np.quantile(values, (_OUTLIER_TAIL, 1 - _OUTLIER_TAIL))
                edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
                numeric[name] = NumericSpec(
                    edges=edges.tolist(),
                    clip=(float(low), float(high)),
                    unusual=(float(unusual[0]), float(unusual[1])),
                    minimum=feature.minimum if feature is not None else None,
                    maximum=feature.maximum if feature is not None else None,
                )
        return cls(
            numeric=numeric, categorical=categorical, segments=_segments(contract, numeric, categorical)
        )


class Numeric(msgspec.Struct, kw_only=True):
    """Counts of a numeric column; sums are of clipped values, low and high are not clipped."""

    count: int = 0
    missing: int = 0
    histogram: list[int] = []
    total: float = 0.0
    squares: float = 0.0
    low: float | None = None
    high: float | None = None
    outside: int = 0
    unusual: int = 0

    def merge(self, other: "Numeric") -> "Numeric":
        """Return the counts of both."""
        return Numeric(
            count=self.count + other.count,
            missing=self.missing + other.missing,
            histogram=[a + b for a, b in zip(self.histogram, other.histogram, strict=True)],
            total=self.total + other.total,
            squares=self.squares + other.squares,
            low=min((v for v in (self.low, other.low) if v is not None), default=None),
            high=max((v for v in (self.high, other.high) if v is not None), default=None),
            outside=self.outside + other.outside,
            unusual=self.unusual + other.unusual,
        )


class Categorical(msgspec.Struct, kw_only=True):
    """Counts of a categorical column by level; `new` has the commonest levels unknown in training."""

    count: int = 0
    missing: int = 0
    levels: dict[str, int] = {}
    other: int = 0
    unknown: int = 0
    new: dict[str, int] = {}

    def merge(self, other: "Categorical") -> "Categorical":
        """Return the counts of both, with the commonest new levels."""
        return Categorical(
            count=self.count + other.count,
            missing=self.missing + other.missing,
            levels=_sorted(Counter(self.levels) + Counter(other.levels)),
            other=self.other + other.other,
            unknown=self.unknown + other.unknown,
            new=_commonest(Counter(self.new) + Counter(other.new)),
        )


class Profile(msgspec.Struct, kw_only=True):
    """Counts of rows per column, and sums of the prediction per segment."""

    rows: int
    numeric: dict[str, Numeric]
    categorical: dict[str, Categorical]
    segments: Segments = {}

    @classmethod
    def of(cls, table: pa.Table, specs: ProfileSpec) -> Self:
        """Return the profile of `table`; columns it lacks are left out."""
        present = set(table.column_names)
        return cls(
            rows=len(table),
            numeric={n: _numeric(table.column(n), spec) for n, spec in specs.numeric.items() if n in present},
            categorical={
                n: _levels(table.column(n), spec) for n, spec in specs.categorical.items() if n in present
            },
            segments=specs.segments.count(table) if specs.segments is not None else {},
        )

    def merge(self, other: "Profile") -> "Profile":
        """Return the profile of both sets of rows; both must have the same specs."""
        return Profile(
            rows=self.rows + other.rows,
            numeric={n: c.merge(other.numeric[n]) for n, c in self.numeric.items() if n in other.numeric},
            categorical={
                n: c.merge(other.categorical[n])
                for n, c in self.categorical.items()
                if n in other.categorical
            },
            segments=segments.merged(self.segments, other.segments),
        )

    def to_json(self) -> bytes:
        """Return the profile as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> "Profile":
        """Read the output of `to_json`. Raises msgspec.DecodeError."""
        return msgspec.json.decode(data, type=cls)


def _kinds(contract: Contract) -> dict[str, Kind]:
    """Return the kind of each column that can be compared: features, prediction, target."""
    classes = contract.task is Task.CLASSIFICATION
    outcome = Kind.CATEGORICAL if classes else Kind.NUMERIC
    kinds: dict[str, Kind] = {
        f.name: Kind.NUMERIC if f.kind is Kind.TEXT else f.kind for f in contract.features
    }
    kinds[bundle.PREDICTION_COLUMN] = outcome
    if (probability := bundle.probability_column(contract)) is not None:
        kinds[probability] = Kind.NUMERIC
    kinds[bundle.TARGET_COLUMN] = outcome
    return kinds


def _segments(
    contract: Contract, numeric: dict[str, NumericSpec], categorical: dict[str, CategoricalSpec]
) -> SegmentSpec | None:
    """Return how the contract's segments are counted; only categorical columns have segments."""
    outcome = bundle.probability_column(contract) or bundle.PREDICTION_COLUMN
    levels = {
        name: categorical[name].levels[: segments.TOP_LEVELS]
        for name in contract.segments
        if name in categorical
    }
    if not levels or outcome not in numeric:
        return None
    return SegmentSpec(outcome=outcome, clip=numeric[outcome].clip, levels=levels)


def numbers(column: Any) -> npt.NDArray[np.float64]:
    """Return the finite values of a column."""
    values = np.asarray(pc.cast(column, pa.float64()).drop_null().to_numpy(), dtype=np.float64)
    return values[np.isfinite(values)]


def _texts(column: Any) -> list[str]:
    return [category(value) for value in column.drop_null().to_pylist()]


def _numeric(column: Any, spec: NumericSpec) -> Numeric:
    values = numbers(column)
    histogram = np.bincount(np.searchsorted(spec.edges, values, side="left"), minlength=len(spec.edges) + 1)
    clipped = np.clip(values, *spec.clip)
    low = -np.inf if spec.minimum is None else spec.minimum
    high = np.inf if spec.maximum is None else spec.maximum
    return Numeric(
        count=len(values),
        missing=len(column) - len(values),
        histogram=histogram.tolist(),
        total=float(clipped.sum()),
        squares=float((clipped**2).sum()),
        low=float(values.min()) if len(values) else None,
        high=float(values.max()) if len(values) else None,
        outside=int(((values < low) | (values > high)).sum()),
        unusual=int(((values < spec.unusual[0]) | (values > spec.unusual[1])).sum()),
    )


def _levels(column: Any, spec: CategoricalSpec) -> Categorical:
    found = pc.value_counts(column.drop_null() if hasattr(column, "drop_null") else column)
    counts: Counter[str] = Counter()
    for item in found.to_pylist():
        counts[category(item["values"])] += int(item["counts"])
    count = counts.total()
    levels = {level: counts[level] for level in spec.levels if level in counts}
    known = set(spec.known) if spec.known is not None else set(counts)
    new = Counter({level: n for level, n in counts.items() if level not in known})
    return Categorical(
        count=count,
        missing=len(column) - count,
        levels=_sorted(Counter(levels)),
        other=count - sum(levels.values()),
        unknown=new.total(),
        new=_commonest(new),
    )


def _sorted(counts: "Counter[str]") -> dict[str, int]:
    return dict(sorted(counts.items()))


def _commonest(counts: "Counter[str]") -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: segments.TOP_LEVELS])


def shares(counts: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return counts as shares of their sum, zeros if the sum is 0."""
    total = sum(counts)
    return np.asarray(counts, dtype=np.float64) / total if total else np.zeros(len(counts))
