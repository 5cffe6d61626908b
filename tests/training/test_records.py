import numpy as np
import pandas as pd

from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, Target, Task
from training import records

CONTRACT = Contract(
    use_case="white_wine",
    task=Task.CLASSIFICATION,
    id_field="customer_id",
    payload_field="wine_features",
    features=[
        Feature(name="alcohol", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="volatile acidity", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        Feature(name="vintage", kind=Kind.CATEGORICAL, dtype=DType.INT),
    ],
    target=Target(name="quality"),
    model=ModelRef(name="m", version="1", run_id="r"),
    data=DataRef(source="s", sha256="0", rows=1),
)


def frame(**changes: object) -> pd.DataFrame:
    columns = {
        "customer_id": [123, 124],
        "alcohol": [8.8, 9],
        "volatile acidity": np.array([0.27, 0.3]),
        "vintage": [2008, 2009],
        "quality": [6, 5],
        "unused": ["x", "y"],
    }
    return pd.DataFrame({**columns, **changes})


def test_records_have_the_exact_wire_format() -> None:
    assert records.encode(CONTRACT, frame()) == [
        b'{"customer_id":123,"wine_features":{"alcohol":8.8,"volatile acidity":0.27,"vintage":2008}}',
        b'{"customer_id":124,"wine_features":{"alcohol":9.0,"volatile acidity":0.3,"vintage":2009}}',
    ]


def test_labels_keep_their_type_and_missing_ones_are_left_out() -> None:
    lines = records.ground_truth(CONTRACT, frame(quality=[None, 5]))
    assert lines == [b'{"customer_id":124,"quality":5}\n']
    assert (
        records.ground_truth(CONTRACT, frame(quality=[1.5, 2.25]))[1]
        == b'{"customer_id":124,"quality":2.25}\n'
    )
