import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import Target, Task
from tests.training.tiny import rows
from training import figures, page, store
from training.gate import Check, Verdict
from training.page import Section
from training.pipeline import Trained
from training.use_case import UseCase

PNG = b"\x89PNG"


def test_text_from_data_is_escaped() -> None:
    table = pd.DataFrame({"<b>": ["<script>"], "n": [12_345], "f": [0.123456]})
    verdict = Verdict([Check("size", passed=False, sentence="5 < 6 & more")])
    text = page.render("<i>", "&", [Section("<u>", "<p>", table=table)], verdict)
    for raw in ("<i>", "<u>", "<b><", "<script>"):
        assert raw not in text
    assert "5 &lt; 6 &amp; more" in text
    assert "refused: the champion stays" in text
    assert "<td>12,345</td><td>0.1235</td>" in text


def test_a_page_loads_nothing_from_elsewhere(train_tiny: Callable[..., Trained]) -> None:
    text = train_tiny().page.read_text()
    assert text.count('src="data:image/png;base64,') == 4
    assert "http" not in text


def test_importance_ranks_the_features(tiny: UseCase) -> None:
    frame = rows("train").query("price > 0")
    model = tiny.pipeline({"model": "ridge"}).fit(frame[tiny.feature_names], frame["price"])
    table = figures.importance(tiny, model, frame)
    assert table["feature"].tolist() == ["size", "colour"]
    assert table["mean"].is_monotonic_decreasing
    assert table["mean"].iloc[0] > 5


def test_both_tasks_have_plots(tiny: UseCase) -> None:
    frame = rows("train").query("price > 0")
    model = tiny.pipeline({"model": "ridge"}).fit(frame[tiny.feature_names], frame["price"])
    assert figures.errors_picture(tiny, model, frame).startswith(PNG)
    wine = UseCase.named("white_wine")
    wines = wine.demo("normal", 200)
    classifier = wine.pipeline({"model": "logistic", "C": 1.0}).fit(
        wines[wine.feature_names], wines["quality"]
    )
    assert figures.errors_picture(wine, classifier, wines).startswith(PNG)


@pytest.mark.parametrize(
    "name", [r"$\foo$", "a$b$c", r"\$x\$", "$_", "日本 é", "two\nlines", "x" * 5_000, "", "NA", "007"]
)
def test_plots_show_any_name_as_it_is(tiny: UseCase, name: str) -> None:
    frame = rows("train").query("price > 0")
    frame = frame.assign(colour=frame["colour"].where(frame["colour"] != "red", name))
    model = tiny.pipeline({"model": "ridge"}).fit(frame[tiny.feature_names], frame["price"])
    hostile = dataclasses.replace(tiny, target=Target(name="price", unit=name))
    assert figures.errors_picture(hostile, model, frame).startswith(PNG)
    importance = pd.DataFrame({"feature": [name, "size"], "mean": [1.0, 2.0], "std": [0.1, 0.1]})
    assert figures.importance_picture(hostile, importance).startswith(PNG)
    segments = pd.DataFrame({"segment": name, "value": [name, "b"], "rows": [60, 70], "rmse": [1.0, 2.0]})
    assert figures.segments_picture(hostile, segments).startswith(PNG)
    versions = pd.DataFrame({"version": [1], "alias": [name], "rmse": [1.0]})
    assert figures.versions_picture(hostile, versions).startswith(PNG)
    labels = frame.assign(price=np.where(frame["size"] > 4, name, "other"))
    task = dataclasses.replace(tiny, task=Task.CLASSIFICATION, target=Target(name="price"))
    columns = ColumnTransformer([("colour", OneHotEncoder(), ["colour"])], remainder="passthrough")
    classifier = make_pipeline(columns, LogisticRegression(max_iter=500))
    classifier.fit(labels[tiny.feature_names], labels["price"])
    assert figures.errors_picture(task, classifier, labels).startswith(PNG)


def test_a_segment_value_keeps_its_text_on_the_page(tmp_path: Path) -> None:
    """A value such as NA or 007 passes through segments.csv."""
    (tmp_path / "segments.csv").write_text("segment,value,rows,rmse\nzone,NA,60,1.5\nzone,007,60,1.5\n")
    (tmp_path / "importance.csv").write_text("feature,mean,std\nNA,1.5,0.1\n")
    importance, segments = store.read_tables(tmp_path)
    assert segments["value"].tolist() == ["NA", "007"]
    assert importance["feature"].tolist() == ["NA"]
    assert segments["rows"].tolist() == [60, 60]


def test_without_segments_there_is_no_segment_plot(tiny: UseCase) -> None:
    empty = pd.DataFrame(columns=["segment", "value", "rows", "rmse"])
    assert figures.segments_picture(tiny, empty) is None
