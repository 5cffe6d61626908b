import dataclasses
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import DType, Feature, Kind, Target, Task
from tests.training.tiny import ROWS, rows
from training import export, pipeline, serving
from training.calibration import resampling
from training.data import DataError
from training.sources import DataLocation, Synthetic
from training.store import Data
from training.tracking import Version
from training.use_case import UseCase

NOWHERE = DataLocation(environ={})
HALF = np.arange(ROWS) % 2 == 0
WORDS = np.where(HALF, "oui", "été $x$")


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate roughly: the thresholds don't matter here."""
    monkeypatch.setattr(resampling, "DRAWS", 1_000)


def encoder(model: object, *columns: str) -> Pipeline:
    encode = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        ColumnTransformer([("categories", encode, [*columns])], remainder="passthrough"), model
    )


def extra(tiny: UseCase, values: object, kind: Kind, dtype: DType, name: str = "extra") -> UseCase:
    """Return the tiny use case with one more feature."""
    encoded = ["colour", name] if kind is Kind.CATEGORICAL else ["colour"]
    return dataclasses.replace(
        tiny,
        features=[*tiny.features, Feature(name=name, kind=kind, dtype=dtype)],
        sources=[Synthetic(lambda _: rows("train").assign(**{name: values}), fitted_to="a test")],
        pipeline=lambda _: encoder(Ridge(), *encoded),
    )


def targeted(tiny: UseCase, values: object, task: Task) -> UseCase:
    """Return the tiny use case with another target."""
    model = Ridge if task is Task.REGRESSION else LogisticRegression
    return dataclasses.replace(
        tiny,
        task=task,
        target=Target(name="price"),
        sources=[Synthetic(lambda _: rows("train").assign(price=values), fitted_to="a test")],
        rules=pa.DataFrameSchema({}),
        pipeline=lambda _: encoder(model(), "colour"),
    )


def loaded(use_case: UseCase, messages: list[str] | None = None) -> Data:
    progress = (lambda _: None) if messages is None else messages.append
    return pipeline.load_data(use_case, NOWHERE, None, progress)


def served(use_case: UseCase, folder: Path) -> int:
    """Train and export, and return the number of rows the scorer serves."""
    data = loaded(use_case)
    fitted = pipeline.fit(use_case, data, progress=lambda _: None)
    version = Version(use_case.model_name, "1", "0" * 32, "")
    exported = export.Exported(version, fitted.onnx, data.train, data.validation, {})
    return serving.check(export.write(use_case, exported, folder))


NUMERIC_INT = (Kind.NUMERIC, DType.INT)
NUMERIC_FLOAT = (Kind.NUMERIC, DType.FLOAT)
TEXT = (Kind.CATEGORICAL, DType.STR)
CODE = (Kind.CATEGORICAL, DType.INT)
MIXED = pd.Series([1, "a"] * (ROWS // 2), dtype=object)


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        (HALF, TEXT, r"'extra' is declared str, found bool such as .*\.astype\(int\)"),
        (HALF, NUMERIC_INT, r"declared int, found bool"),
        (pd.array(HALF, dtype="boolean"), CODE, r"declared int, found bool"),
        (np.arange(ROWS), TEXT, r"declared str, found int such as 7: convert it .*\.astype\(str\)"),
        (np.where(HALF, 1.5, 2), NUMERIC_INT, r"not whole \(row 8: 1.5, row 10: 1.5, row 12: 1.5\): declare"),
        (np.where(HALF, "1.5", "2"), NUMERIC_FLOAT, r"found str such as .*pd\.to_numeric\(\)"),
        (np.where(HALF, np.inf, 2), NUMERIC_FLOAT, r"not finite \(row 8: inf"),
        (np.full(ROWS, 2**63 + 5, dtype=np.uint64), NUMERIC_INT, "beyond 64 bits"),
        (pd.date_range("2026-01-01", periods=ROWS), NUMERIC_INT, r"found Timestamp such as .*\.dt\.hour"),
        (MIXED, TEXT, "found mixed int and str such as"),
    ],
)
def test_a_type_other_than_the_declared_one_is_refused(
    tiny: UseCase, values: object, declared: tuple[Kind, DType], message: str
) -> None:
    with pytest.raises(DataError, match=message) as raised:
        loaded(extra(tiny, values, *declared))
    assert str(raised.value).count("\n") < 3


@pytest.mark.parametrize(
    ("values", "declared"),
    [
        (HALF.astype(float), NUMERIC_INT),
        (HALF.astype(float), CODE),
        (pd.array(HALF.astype(int), dtype="Int64"), NUMERIC_INT),
        (HALF.astype(np.int8), CODE),
        (HALF.astype(int), NUMERIC_FLOAT),
        (pd.array(np.arange(ROWS) / 7, dtype="Float64"), NUMERIC_FLOAT),
        (pd.Series([1, 2.5] * (ROWS // 2), dtype=object), NUMERIC_FLOAT),
        (pd.Series([decimal.Decimal("1.5"), decimal.Decimal(2)] * (ROWS // 2)), NUMERIC_FLOAT),
        (WORDS, TEXT),
        (pd.Categorical(WORDS), TEXT),
        (pd.Categorical(HALF.astype(int)), CODE),
        (pd.array(WORDS, dtype="string"), TEXT),
    ],
)
def test_equal_values_of_another_type_are_converted_and_served(
    tiny: UseCase, values: object, declared: tuple[Kind, DType], tmp_path: Path
) -> None:
    assert served(extra(tiny, values, *declared), tmp_path) == 100


@pytest.mark.parametrize("name", ["größe", "a b", "variable", "label", "$x$", "日本"])
def test_a_feature_may_have_any_name(tiny: UseCase, name: str, tmp_path: Path) -> None:
    assert served(extra(tiny, np.arange(ROWS) / 7, *NUMERIC_FLOAT, name=name), tmp_path) == 100
    assert served(extra(tiny, WORDS, *TEXT, name=name), tmp_path) == 100


@pytest.mark.parametrize(
    ("values", "declared"),
    [
        (np.where(HALF, None, "a"), TEXT),
        (np.where(HALF, np.nan, 1.0), NUMERIC_INT),
        (np.where(HALF, np.nan, 1.5), NUMERIC_FLOAT),
        (pd.array([None, 1] * (ROWS // 2), dtype="Int64"), CODE),
    ],
)
def test_rows_without_a_feature_are_dropped_and_counted(
    tiny: UseCase, values: object, declared: tuple[Kind, DType], tmp_path: Path
) -> None:
    use_case, messages = extra(tiny, values, *declared), []
    rejected = (
        "  a record without extra is rejected when served: 49.3% of these rows; declare nullable=True to "
        "score it"
    )
    data = loaded(use_case, messages)
    # Four of the seven rows that break the rule have even numbers.
    assert data.train.dropped == {"price: is above zero": 7, "extra: is present": ROWS // 2 - 4}
    assert "  296 rows dropped by the rule: extra: is present" in messages
    assert rejected in messages
    assert served(use_case, tmp_path) == 100
    assert use_case.demo_title("normal").endswith(
        "(synthetic, 300 rows with a missing or wrong-typed feature left out)"
    )
    assert use_case.demo("normal", 50)["extra"].notna().all()


def test_a_feature_that_is_always_missing_is_refused(tiny: UseCase) -> None:
    with pytest.raises(DataError, match=r"none of 600 rows of train is valid; .*extra: is present \(593\)"):
        loaded(extra(tiny, [None] * ROWS, *TEXT))


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (WORDS, Task.REGRESSION, "must be a number, found text such as 'oui': .*task=Task.CLASSIFICATION"),
        (HALF, Task.REGRESSION, "must be a number, found bool"),
        (np.where(HALF, np.inf, 1), Task.REGRESSION, "300 values are not finite"),
        (HALF, Task.CLASSIFICATION, r"must be int or str, found bool such as True: .*\.astype\(int\)"),
        (np.where(HALF, 1.5, 2), Task.CLASSIFICATION, "not whole .*task=Task.REGRESSION"),
        ([3] * ROWS, Task.CLASSIFICATION, "one class only, 3: choose parts"),
    ],
)
def test_a_target_that_the_task_cannot_predict_is_refused(
    tiny: UseCase, values: object, task: Task, message: str
) -> None:
    use_case = targeted(tiny, values, task)
    with pytest.raises(DataError, match=message):
        pipeline.fit(use_case, loaded(use_case), progress=lambda _: None)


@pytest.mark.parametrize("values", [WORDS, pd.Categorical(WORDS), HALF.astype(float), HALF.astype(int)])
def test_classes_are_whole_numbers_or_text(tiny: UseCase, values: object, tmp_path: Path) -> None:
    assert served(targeted(tiny, values, Task.CLASSIFICATION), tmp_path) == 100


def test_rows_without_a_target_are_dropped_and_counted(tiny: UseCase) -> None:
    use_case = targeted(tiny, np.where(HALF, np.nan, 1.0), Task.REGRESSION)
    assert loaded(use_case).train.dropped == {"price: is present": ROWS // 2}


def test_an_int_target_is_missing_in_the_demo_where_a_rule_is_broken(tiny: UseCase) -> None:
    use_case = dataclasses.replace(
        targeted(tiny, np.arange(ROWS), Task.REGRESSION),
        rules=pa.DataFrameSchema({"price": pa.Column(int, pa.Check.gt(9))}),
    )
    assert use_case.demo("normal", ROWS)["price"].isna().sum() == 10


def test_a_time_with_a_zone_is_converted_to_utc_and_text_is_refused(tiny: UseCase) -> None:
    def timed(time: pd.Series) -> UseCase:
        return dataclasses.replace(
            tiny, sources=[Synthetic(lambda _: rows("train").assign(time=time), fitted_to="a test")]
        )

    local = rows("train")["time"].dt.tz_localize("Asia/Tokyo")
    assert loaded(timed(local)).train.frame["time"].min() == pd.Timestamp("2025-12-31 15:07")
    with pytest.raises(DataError, match=r"'time' must be a time, found str: .*pd\.to_datetime\(\)"):
        loaded(timed(local.astype(str)))
