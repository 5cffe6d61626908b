"""The function in shadow: what it writes, and where."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract import bundle, lake, store
from lambda_predict import handler as handlers
from lambda_predict.settings import Settings, SettingsError
from tests.lambda_predict import aws, synthetic

ENVIRONMENT = {
    "ARTIFACT_BUCKET": "artifacts",
    "MODEL_NAME": "scorewatch-green-taxi",
    "MODEL_VERSION": "1",
    "USE_CASE": "green_taxi",
    "SHADOW_STREAM": "shadow-events",
    "METRICS_NAMESPACE": "Scorewatch/Shadow",
    "OUTPUT_RECORD_KB": "25",
}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[dict[str, Any]]:
    """Upload a bundle, set the environment of a shadow; return the clients that the handler makes."""
    declared, made = synthetic.contract(), {}
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="artifacts")
        (tmp_path / bundle.CONTRACT).write_bytes(declared.to_json())
        onnx = synthetic.onnx(declared, synthetic.Ridge(), lambda frame: 3 * frame["trip_distance"])
        (tmp_path / bundle.MODEL).write_bytes(onnx)
        for name in (bundle.REFERENCE, bundle.THRESHOLDS, bundle.METRICS):
            (tmp_path / name).write_bytes(b"{}")
        bundle.write_manifest(tmp_path, declared.model.name, declared.model.version)
        store.upload(s3, "artifacts", tmp_path)
        firehose = aws.Firehose()

        def client(service: str, **_: Any) -> Any:
            made[service] = {"s3": s3, "firehose": firehose.client}[service]
            return made[service]

        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        for name in ("OUTPUT_STREAM", "REJECTED_STREAM", "TEST_RUN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(handlers.boto3, "client", client)
        handlers.start.cache_clear()
        yield made | {"sent": firehose}
        handlers.start.cache_clear()


def test_events_and_rejections_go_to_the_delivery_of_the_shadow_only(
    clients: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    records = synthetic.kinesis([synthetic.ride("A"), b"?", synthetic.ride("B")])
    assert handlers.handler({"Records": records}, synthetic.Context(30)) == {"batchItemFailures": []}
    rejections, events = clients["sent"].accepted
    assert [line.get("reason") for line in map(json.loads, lake.lines(rejections))] == ["not_json"]
    assert [json.loads(line)["ride_id"] for line in lake.lines(events)] == ["A", "B"], "joined in one record"
    assert handlers.start()[2] is handlers.start()[3]
    (logged,) = map(json.loads, capsys.readouterr().out.splitlines())
    directives = logged["_aws"]["CloudWatchMetrics"]
    assert {directive["Namespace"] for directive in directives} == {"Scorewatch/Shadow"}


def test_a_delivery_that_refuses_a_rejection_is_named(
    clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients["sent"], "_fail", lambda _: "ServiceUnavailableException")
    with pytest.raises(handlers.RejectNotKeptError, match="shadow-events does not accept"):
        handlers.handler({"Records": synthetic.kinesis([b"?"])}, synthetic.Context(2.5))


@pytest.mark.parametrize("missing", ["OUTPUT_STREAM", "REJECTED_STREAM"])
def test_a_live_function_needs_both_streams(missing: str) -> None:
    live = {**ENVIRONMENT, "OUTPUT_STREAM": "output", "REJECTED_STREAM": "rejected", "SHADOW_STREAM": ""}
    assert Settings.read(live).shadow_stream == ""
    with pytest.raises(SettingsError, match=missing):
        Settings.read({name: value for name, value in live.items() if name != missing})
