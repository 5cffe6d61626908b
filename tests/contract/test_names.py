"""Names in a contract, against the readers of the lake."""

import gzip
import json
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from contract.schema import Contract, ContractError, DType, Feature, Kind, Target, Task
from lambda_monitor.lake import events
from lambda_monitor.lake.objects import list_objects
from lambda_predict.score import Scorer
from tests.lambda_predict import synthetic


def numeric(*names: str) -> list[Feature]:
    return [Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT) for name in names]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features": numeric("Zone", "zone")}, "feature 'Zone' and feature 'zone' need distinct names"),
        ({"features": numeric("Température", "TEMPÉRATURE")}, "feature 'Température' and"),
        ({"features": numeric("\u00e9", "e\u0301")}, "need distinct names"),
        ({"features": numeric("Duration")}, "feature 'Duration' and target 'duration'"),
        ({"id_field": "Model"}, "id_field 'Model' clashes with field 'model' of the prediction event"),
        ({"payload_field": "FEATURES"}, "payload_field 'FEATURES' clashes with field 'features'"),
        ({"payload_field": "Ride_ID"}, "id_field 'ride_id' and payload_field 'Ride_ID'"),
        ({"id_field": "Duration"}, "id_field 'Duration' and target 'duration'"),
        ({"payload_field": "duration"}, "payload_field 'duration' and target 'duration'"),
        ({"id_field": ""}, "id_field '' can't be a field's name"),
    ],
)
def test_names_that_readers_confuse_are_rejected(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        synthetic.contract(**changes)


@pytest.mark.parametrize(
    "name", ["prediction", "Probability", "TARGET", "time", "@id", "@anything", "", "a\nb", 'a"b', "a\\b"]
)
def test_a_feature_named_like_another_column_is_rejected(name: str) -> None:
    with pytest.raises(ContractError, match="feature "):
        numeric(name)


def test_a_stored_contract_that_breaks_a_rule_is_rejected_with_its_reason() -> None:
    stored = json.loads(synthetic.contract().to_json())
    stored["features"][1]["name"] = "pulocationid"
    with pytest.raises(
        ContractError, match=r"contract\.json can't be read: feature 'PULocationID' and"
    ) as raised:
        Contract.from_json(json.dumps(stored).encode())
    assert "rename one of them" in str(raised.value)
    stored["features"][1]["dtype"] = "float"
    with pytest.raises(ContractError, match=r"categorical: give it dtype int or str.*at `\$\.features\[1\]`"):
        Contract.from_json(json.dumps(stored).encode())


def read(contract: Contract, lines: list[bytes]) -> list[dict[str, Any]]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key="a.gz", Body=gzip.compress(b"".join(lines)))
        errors = events.ReadErrors()
        objects = list_objects(s3, "lake", "")
        rows = [
            row for table in events.read(s3, "lake", objects, contract, errors) for row in table.to_pylist()
        ]
    assert (errors.unreadable, errors.bad_lines.total()) == ([], 0)
    return rows


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=4, max_size=7))
def test_whatever_names_a_contract_accepts_the_monitor_reads(texts: list[str]) -> None:
    id_field, payload_field, target, *names = texts
    try:
        contract = synthetic.contract(
            id_field=id_field,
            payload_field=payload_field,
            target=Target(name=target, labels=[1, 2]),
            task=Task.CLASSIFICATION,
            features=numeric(*names),
        )
    except ContractError:
        return
    values = {name: float(n) for n, name in enumerate(names)}
    event = {
        id_field: "a",
        payload_field: {},
        "features": values,
        "prediction": {target: 2, "probability": 0.5},
        "model": {"name": "m", "version": "1", "run_id": "0"},
        "record": {"shard": "s", "sequence_number": "1", "arrived_at": "2026-03-02T12:00:00.000Z"},
        "scored_at": "2026-03-02T12:00:00.000Z",
    }
    (row,) = read(contract, [json.dumps(event).encode() + b"\n"])
    assert (row["@id"], row["prediction"], row["probability"]) == ("a", 2, 0.5)
    assert {name: row[name] for name in names} == values


def test_extra_payload_keys_that_differ_by_case_stay_readable(model: synthetic.Model) -> None:
    """Such records are scored: the monitor doesn't read the payload."""
    records = [
        synthetic.ride("extra", tip=1, Tip=2),
        synthetic.ride("feature", Trip_Distance=9.0),
        synthetic.ride("nested", more={"a": 1, "A": {"b": 1, "B": 2}}),
        synthetic.ride("plain"),
    ]
    batch = Scorer(model).score(synthetic.kinesis(records), synthetic.NOW)
    assert batch.rejected == []
    rows = read(model.contract, [line.data for line in batch.scored])
    assert [(row["@id"], row["trip_distance"]) for row in rows] == [
        (record_id, 3.5) for record_id in ("extra", "feature", "nested", "plain")
    ]


@pytest.fixture(scope="module")
def model() -> synthetic.Model:
    return synthetic.regression()
