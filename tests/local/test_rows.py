"""Files of rows as records: formats, types by the contract, notes."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from contract.schema import Contract, Derived, DType, Feature, Input, Kind, Operation
from local import rows
from local.rows import RowsError
from tests.lambda_predict import synthetic

CONTRACT = synthetic.contract()
RIDE = {"PULocationID": 1, "DOLocationID": 2, "trip_distance": 3.5}


def read(path: Path, declared: Contract = CONTRACT) -> tuple[list[dict[str, Any]], list[str]]:
    found = rows.read(path, declared)
    return [json.loads(record) for record in found.records], found.notes


def write(path: Path, frame: pd.DataFrame) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_a_frame_that_pandas_wrote_gives_the_same_records_in_each_format(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame(
        {
            "ride_id": ["A", "B"],
            # A column with a missing value has floats.
            "PULocationID": [1.0, None],
            "DOLocationID": [2, 3],
            "trip_distance": [3.5, None],
            "duration": [9, 9],
        }
    )

    found, notes = read(write(tmp_path / name, frame))

    assert found == [
        {"ride_id": "A", "ride": RIDE},
        {"ride_id": "B", "ride": {"DOLocationID": 3}},
    ]
    assert {type(value) for value in found[0]["ride"].values()} == {int, float}
    assert "1 empty values of trip_distance: left out" in notes
    assert "columns that are not in the contract, left out: duration" in notes
    if name != "a.jsonl":
        assert "1 values of PULocationID such as 1.0: sent as 1" in notes


def test_values_that_are_not_of_the_type_are_sent_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ride_id,PULocationID,DOLocationID,trip_distance\nA,1.5,zone 2,nan\nB,1e400,02,7\n")

    found, _ = read(path)

    assert found[0]["ride"] == {"PULocationID": 1.5, "DOLocationID": "zone 2", "trip_distance": "nan"}
    assert found[1]["ride"] == {"PULocationID": "1e400", "DOLocationID": 2, "trip_distance": 7}


def test_text_stays_text_and_other_types_are_those_of_the_contract(tmp_path: Path) -> None:
    declared = synthetic.contract(
        features=[
            Feature(name="code", kind=Kind.CATEGORICAL, dtype=DType.STR),
            Feature(name="paid", kind=Kind.CATEGORICAL, dtype=DType.BOOL),
            Feature(
                name="hour",
                kind=Kind.NUMERIC,
                dtype=DType.INT,
                derived=Derived(operation=Operation.HOUR, of=["at"]),
            ),
        ],
        inputs=[Input(name="at", dtype=DType.TIMESTAMP)],
    )
    text = tmp_path / "a.csv"
    text.write_text("ride_id,code,paid,at\nA,007,True,2026-03-01T12:00:00\n")
    typed = pd.DataFrame({"ride_id": ["A"], "code": ["007"], "paid": [True], "at": ["2026-03-01T12:00:00"]})
    typed["at"] = pd.to_datetime(typed["at"])

    for path in (text, write(tmp_path / "a.parquet", typed)):
        found, notes = read(path, declared)
        assert found == [{"ride_id": "A", "ride": {"code": "007", "paid": True, "at": "2026-03-01T12:00:00"}}]
        assert notes == []


def test_rows_without_an_id_are_numbered(tmp_path: Path) -> None:
    found, notes = read(write(tmp_path / "rides.csv", pd.DataFrame([RIDE, RIDE])))

    assert [record["ride_id"] for record in found] == ["rides-1", "rides-2"]
    assert notes == ["2 rows without ride_id: ids rides-1, ... are made"]


def test_lines_of_json_may_be_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record = {"ride_id": "A", "ride": {**RIDE, "vendor": "x"}}
    path.write_text(json.dumps(record) + "\n\n" + json.dumps({"ride_id": 7, **RIDE}) + "\n")

    found, notes = read(path)

    assert found == [record, {"ride_id": 7, "ride": RIDE}]
    assert notes == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "can't be read as CSV"),
        ("a.csv", b"ride_id\n", "has no rows"),
        ("a.csv", b"\xff\xfe\x00", "can't be read as CSV"),
        ("a.jsonl", b"[1]\n", "is no JSON object"),
        ("a.jsonl", b"{\n", "can't be read as JSON lines"),
        ("a.parquet", b"x", "can't be read as Parquet"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(RowsError, match=message):
        rows.read(tmp_path / name, CONTRACT)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RowsError, match=r"there is no file .*: give FILE="):
        rows.read(tmp_path / "no.csv", CONTRACT)
