"""`make put`: a file's rows on the input stream of the deployed stack."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract import store
from local import put, traffic
from ops import deployment
from tests.local.conftest import NAME

STREAM = f"{NAME}-input"


@pytest.fixture
def kinesis(exported: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    known = {"artifact_bucket": "artifacts", "model_name": NAME, "model_version": "2", "input_stream": STREAM}
    monkeypatch.setattr(deployment, "running_outputs", lambda _: known)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="artifacts")
        store.upload(s3, "artifacts", exported / "bundles" / NAME / "2")
        client = boto3.client("kinesis")
        client.create_stream(StreamName=STREAM, ShardCount=1)
        yield client


def stored(kinesis: Any) -> list[dict[str, Any]]:
    [shard] = kinesis.list_shards(StreamName=STREAM)["Shards"]
    at = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    return [json.loads(r["Data"]) for r in kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]]


def test_every_row_is_put_with_types_of_the_deployed_contract(
    kinesis: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rides.csv"
    lines = [f"R{n},1.0,2,{n}.5" for n in range(700)]
    file.write_text("\n".join(["ride_id,PULocationID,DOLocationID,trip_distance", *lines]))

    assert put.main(["--file", str(file)]) == 0

    found = stored(kinesis)
    assert len(found) == 700
    assert found[0] == {"ride_id": "R0", "ride": {"PULocationID": 1, "DOLocationID": 2, "trip_distance": 0.5}}
    printed = capsys.readouterr().out
    assert "700 values of PULocationID such as 1.0: sent as 1" in printed
    assert "700/700" in printed
    assert "700 records put. Next:" in printed


@pytest.mark.usefixtures("kinesis")
def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert put.main(["--file", str(tmp_path / "no.csv")]) == 1
    assert "there is no file" in capsys.readouterr().err
    boto3.client("kinesis").delete_stream(StreamName=STREAM)
    (tmp_path / "a.csv").write_text("ride_id\nA\n")
    assert put.main(["--file", str(tmp_path / "a.csv")]) == 1
    assert "AWS returned an error: " in capsys.readouterr().err


def test_calls_keep_the_limits_of_put_records(kinesis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[int]] = []
    real = kinesis.put_records

    def counted(**given: Any) -> Any:
        calls.append([len(r["Data"]) + len(r["PartitionKey"]) for r in given["Records"]])
        return real(**given)

    monkeypatch.setattr(kinesis, "put_records", counted)
    traffic.put_records(kinesis, STREAM, [b"x" * 900_000] * 12)

    assert sum(map(len, calls)) == 12
    assert max(map(sum, calls)) <= 5 * 1024 * 1024
