"""A model trained and exported as any other, and rows that neither training nor thresholds saw."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from contract import bundle
from contract.schema import Contract, Task
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_predict.model import Model as Served
from training import export, pipeline
from training.sources import DataLocation
from training.tracking import Version
from training.use_case import UseCase

Kind = Literal["calm", "shift", "ramp", "season"]
Change = Callable[["Watched", pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Watched:
    """A model and what it is watched with."""

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
        """The columns that every judge compares: the features and the prediction."""
        return [*self.names, bundle.PREDICTION_COLUMN]

    @property
    def categorical(self) -> list[str]:
        """Those of them that have no order."""
        return [name for name in self.compared if name in self.model.profile_spec.categorical]

    def predicted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return `rows` with the model's predictions; where a feature is missing there is none."""
        whole = rows[self.names].notna().all(axis=1).to_numpy()
        served = self.served.predict([rows.loc[whole, name].tolist() for name in self.names])
        found = {bundle.PREDICTION_COLUMN: self.contract.target.name}
        if self.contract.task is Task.CLASSIFICATION:
            found[bundle.PROBABILITY_COLUMN] = "probability"
        predictions = {}
        for column, name in found.items():
            values = np.full(len(rows), np.nan)
            values[whole] = [prediction[name] for prediction in served]
            predictions[column] = values.astype(np.int64) if self._integer(column) and whole.all() else values
        return rows.assign(**predictions)

    def _integer(self, column: str) -> bool:
        return bool(pd.api.types.is_integer_dtype(self.reference[column]))


@dataclass(frozen=True)
class Window:
    """Rows to be judged: `label` says what was done to them, `draw` and `step` which of many they are."""

    kind: Kind
    label: str
    rows: pd.DataFrame
    draw: int
    step: int = 0


@dataclass(frozen=True)
class Subject:
    """What is watched: one or more models of it, and the windows of each.

    `windows` yields those of a split; `draws` scales their number, 100 for all of them.
    """

    name: str
    about: str
    splits: Sequence[str]
    load: Callable[[str], tuple[Watched, Mapping[str, pd.DataFrame]]]
    windows: "Callable[[str, Watched, Mapping[str, pd.DataFrame], int], Iterator[Window]]"


def watch(use_case: UseCase) -> Watched:
    """Train a use case and export its bundle by the ordinary code, and load what the monitor loads of it."""
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
    """Return how many of something `draws` ask for, if 100 ask for `of_hundred`; two at least."""
    return max(2, draws * of_hundred // 100)
