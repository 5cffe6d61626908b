"""Synthetic rows of orders, and their declaration as a use case."""

from functools import cache

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.pipeline import Pipeline

from contract.schema import DType, Feature, Kind, Target, Task
from training.sources import Synthetic
from training.use_case import Demo, UseCase

TRAIN, VALIDATION = 1_500, 1_000
NUMBERS = ["amount", "rate", "age"]
PLACES = ["colour", "shop"]
# A fifth of their values is missing.
NULLABLE = ["income", "channel"]
FEATURES = {
    "amount": Feature(name="amount", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    "rate": Feature(name="rate", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    "age": Feature(name="age", kind=Kind.NUMERIC, dtype=DType.INT),
    "colour": Feature(name="colour", kind=Kind.CATEGORICAL, dtype=DType.STR),
    "shop": Feature(name="shop", kind=Kind.CATEGORICAL, dtype=DType.INT),
    "income": Feature(name="income", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
    "channel": Feature(name="channel", kind=Kind.CATEGORICAL, dtype=DType.STR, nullable=True),
    "note": Feature(name="note", kind=Kind.TEXT, dtype=DType.STR),
}
TARGETS = {
    "price": (Task.REGRESSION, Target(name="price")),
    "late": (Task.CLASSIFICATION, Target(name="late", positive="yes")),
    "returned": (Task.CLASSIFICATION, Target(name="returned")),
    "grade": (Task.CLASSIFICATION, Target(name="grade")),
}
_MISSING = 0.2
_WORDS = ["please", "call", "before", "gift", "fragile", "again", "wrong", "size", "late", "thanks", "Zürich"]


def _orders(rows: int, seed: int) -> pd.DataFrame:
    """Return orders whose numbers have one or two decimals, so that many lie on a tree's splits."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.gamma(2, 20, rows).round(2),
            "rate": rng.normal(5, 2, rows).round(1),
            "age": rng.integers(18, 90, rows),
            "colour": rng.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2]),
            "shop": rng.integers(1, 13, rows),
            "income": rng.normal(30, 8, rows).round(1),
            "channel": rng.choice(["web", "shop", "phone"], rows),
            "note": [" ".join(rng.choice(_WORDS, rng.integers(1, 8))) for _ in range(rows)],
        }
    )
    signal = (
        0.05 * frame["amount"]
        + 0.4 * frame["rate"]
        - 0.02 * frame["age"]
        + frame["colour"].map({"red": 1.0, "green": 0.0, "blue": -1.0})
        + 0.1 * frame["shop"]
        + 1.5 * frame["note"].str.contains("wrong")
        + rng.normal(0, 0.7, rows)
    )
    signal += 0.05 * frame["income"] + frame["channel"].eq("web")
    missing = rng.random((rows, len(NULLABLE))) < _MISSING
    frame[NULLABLE] = frame[NULLABLE].mask(missing)
    middle, high = signal.quantile([0.5, 0.8])
    return frame.assign(
        price=signal.round(2) + 20,
        late=np.where(signal > high, "yes", "no"),
        returned=(signal > high).astype(int),
        grade=np.where(signal > high, 3, np.where(signal > middle, 2, 1)),
    )


@cache
def train() -> pd.DataFrame:
    """Return the rows that a model is fitted to."""
    return _orders(TRAIN, seed=1)


@cache
def validation() -> pd.DataFrame:
    """Return the rows on which a model is compared."""
    return _orders(VALIDATION, seed=2)


def use_case(target: str, features: list[str]) -> UseCase:
    """Return the declaration of a model that predicts `target`."""
    task, declared = TARGETS[target]

    def pipeline(_: dict[str, object]) -> Pipeline:
        raise NotImplementedError("a tried model is fitted by its own trial")

    return UseCase(
        name="orders",
        title="Orders",
        task=task,
        id_field="order_id",
        payload_field="order",
        features=[FEATURES[name] for name in features],
        target=declared,
        sources=[Synthetic(lambda _: train(), fitted_to="nothing")],
        prepare=lambda raw: raw,
        rules=pa.DataFrameSchema({}),
        train=["train"],
        validation=["validation"],
        demos={phase: Demo(part="train", title="orders") for phase in ("normal", "drifted")},
        pipeline=pipeline,
    )
