import numpy as np
import pytest

from contract.schema import Target
from lambda_predict.model import PredictError
from tests.lambda_predict import synthetic

TABLE = [1.234, 2.3456, -3.999, 1000.128]


@pytest.mark.parametrize(
    ("decimals", "expected"),
    [
        (2, [1.23, 2.35, -4.0, 1000.13]),
        (0, [1.0, 2.0, -4.0, 1000.0]),
        (None, [float(np.float32(value)) for value in TABLE]),
    ],
)
def test_predictions_are_rounded_to_the_targets_decimals(decimals: int | None, expected: list[float]) -> None:
    model = synthetic.lookup(TABLE, target=Target(name="duration", unit="minutes", decimals=decimals))
    found = model.predict([[0, 1, 2, 3], [1] * 4, [0.0] * 4])
    assert found == [{"duration": pytest.approx(value, abs=1e-9)} for value in expected]


def test_a_row_on_which_the_model_raises_is_a_predict_error() -> None:
    with pytest.raises(PredictError, match="indices"):
        synthetic.lookup(TABLE).predict([[0, 9], [1, 1], [0.0, 0.0]])


def test_the_probability_is_that_of_the_predicted_class(classifier: synthetic.Model) -> None:
    columns = [[float(n) for n in range(31)], [0.3] * 31]
    inputs = {
        feature.name: np.array(values, dtype=np.float32).reshape(-1, 1)
        for feature, values in zip(classifier.contract.features, columns, strict=True)
    }
    labels, probabilities = classifier._session.run(None, inputs)
    found = classifier.predict(columns)
    assert {p["quality"] for p in found} == {5, 6}
    for prediction, label, row in zip(found, labels, probabilities, strict=True):
        assert prediction["quality"] == label
        assert prediction["probability"] == pytest.approx(row[[5, 6].index(label)], abs=5e-5)
        assert prediction["probability"] == round(prediction["probability"], 4)
