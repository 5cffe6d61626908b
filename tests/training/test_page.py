from collections.abc import Callable

import pandas as pd

from tests.training.tiny import rows
from training import figures, page
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


def test_without_segments_there_is_no_segment_plot(tiny: UseCase) -> None:
    empty = pd.DataFrame(columns=["segment", "value", "rows", "rmse"])
    assert figures.segments_picture(tiny, empty) is None
