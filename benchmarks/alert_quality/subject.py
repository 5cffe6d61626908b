"""A trained model with its monitor bundle, and held-out rows."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from contract import bundle, events
from contract.schema import Contract
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_predict.model import Model as Served
from training import export, pipeline
from training.model_rows import plain
from training.sources import DataLocation
from training.tracking import Version
from training.use_case import UseCase

Kind = Literal["calm", "shift", "ramp", "season"]
Change = Callable[["Watched", pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Watched:
    """A served model, its monitoring model and its reference."""

    model: Model
    served: Served
    reference: pd.DataFrame

    @property
    def contract(self) -> Contract:
        """The model's contract."""
        return self.model.contract

    @property
    def names(self) -> list[str]:
        """The features."""
        return self.contract.feature_names

    @property
    def compared(self) -> list[str]:
        """The columns that every judge compares: features and prediction."""
        return [*self.names, bundle.PREDICTION_COLUMN]

    @property
    def categorical(self) -> list[str]:
        """The categorical ones of the compared columns."""
        return [name for name in self.compared if name in self.model.profile_spec.categorical]

    def predicted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return `rows` with predictions, NaN where a feature is missing that must not be."""
        required = [feature.name for feature in self.contract.features if not feature.nullable]
        whole = rows[required].notna().all(axis=1).to_numpy()
        served = self.served.predict([plain(rows.loc[whole, name]) for name in self.names])
        found = {bundle.PREDICTION_COLUMN: [p[self.contract.target.name] for p in served]}
        if (probability := bundle.probability_column(self.contract)) is not None:
            found[probability] = [events.monitored_probability(self.contract, p) for p in served]
        predictions = {}
        for column, outcomes in found.items():
            values = np.full(len(rows), np.nan)
            values[whole] = outcomes
            predictions[column] = values.astype(np.int64) if self._integer(column) and whole.all() else values
        return rows.assign(**predictions)

    def _integer(self, column: str) -> bool:
        return bool(pd.api.types.is_integer_dtype(self.reference[column]))


@dataclass(frozen=True)
class Window:
    """Rows to evaluate: `label` names the change, `draw` and `step` number the windows."""

    kind: Kind
    label: str
    rows: pd.DataFrame
    draw: int
    step: int = 0


@dataclass(frozen=True)
class Subject:
    """One or more models of the same data, and the windows of each.

    `windows` yields the windows of a split; `draws` scales their number, 100 gives all.
    """

    name: str
    about: str
    splits: Sequence[str]
    load: Callable[[str], tuple[Watched, Mapping[str, pd.DataFrame]]]
    windows: "Callable[[str, Watched, Mapping[str, pd.DataFrame], int], Iterator[Window]]"


def watch(use_case: UseCase) -> Watched:
    """Train a use case, export its bundle and load it as the monitor does."""
    place = DataLocation()
    data = pipeline.load_data(use_case, place, None, lambda _: None)
    fitted = pipeline.fit(use_case, data, progress=lambda _: None)
    version = Version(name=use_case.model_name, version="1", run_id="0" * 32, source="")
    exported = export.Exported(version, fitted.onnx, data.train, data.validation, {})
    with tempfile.TemporaryDirectory() as scratch:
        folder = export.write(use_case, exported, Path(scratch))
        contract = Contract.from_json((folder / bundle.CONTRACT).read_bytes())
        reference = pq.read_table(folder / bundle.REFERENCE)
        limits = thresholds.load((folder / bundle.THRESHOLDS).read_bytes())
    spec = ProfileSpec.of(contract, reference)
    model = Model(
        contract=contract,
        reference=reference,
        profile_spec=spec,
        baseline=Profile.of(reference, spec),
        thresholds=limits,
        check_config=CheckConfig(),
    )
    return Watched(model, Served(contract, fitted.onnx), reference.to_pandas())


def drawn(rows: pd.DataFrame, size: int, rng: np.random.Generator, *, replace: bool = False) -> pd.DataFrame:
    """Return `size` rows in random order."""
    chosen = rng.choice(len(rows), size, replace=replace)
    return rows.iloc[chosen].reset_index(drop=True)


def count(draws: int, of_hundred: int) -> int:
    """Return `of_hundred` scaled by `draws`/100, at least two."""
    return max(2, draws * of_hundred // 100)
