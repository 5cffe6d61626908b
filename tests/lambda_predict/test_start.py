"""Cold start: loading the configured model, and failures of it."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from contract import bundle, layout, store
from contract.bundle import BundleError
from lambda_predict import handler as handlers
from lambda_predict.settings import SettingsError
from tests.lambda_predict import synthetic


@pytest.fixture
def bucket() -> Iterator[Any]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="artifacts")
        yield s3


@pytest.fixture
def bundle_dir(tmp_path: Any) -> Any:
    declared = synthetic.contract()
    (tmp_path / bundle.CONTRACT).write_bytes(declared.to_json())
    onnx = synthetic.onnx(declared, synthetic.Ridge(), lambda frame: 3 * frame["trip_distance"])
    (tmp_path / bundle.MODEL).write_bytes(onnx)
    for name in (bundle.REFERENCE, bundle.THRESHOLDS, bundle.METRICS):
        (tmp_path / name).write_bytes(b"{}")
    bundle.write_manifest(tmp_path, declared.model.name, declared.model.version)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, bucket: Any) -> Any:
    for name in synthetic.SETTINGS.__struct_fields__:
        monkeypatch.setenv(name.upper(), str(getattr(synthetic.SETTINGS, name)))
    monkeypatch.setenv("TEST_RUN", "true")
    handlers.start.cache_clear()
    yield bucket
    handlers.start.cache_clear()


def call(data: list[bytes]) -> Any:
    return handlers.handler({"Records": synthetic.kinesis(data)}, synthetic.Context(30))


def test_a_missing_bundle_fails_the_batch_until_it_is_there(
    started: Any, bundle_dir: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BundleError, match="upload the bundle"):
        call([synthetic.ride()])
    store.upload(started, "artifacts", bundle_dir)
    assert call([synthetic.ride("XYZ10"), b"?"]) == {"batchItemFailures": []}
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("ride_id") for line in printed] == [None, "XYZ10", None]
    assert printed[0]["reason"] == "not_json"
    assert printed[2]["Scored"] == 1


def test_an_s3_error_at_the_start_fails_the_batch_until_it_is_over(
    started: Any, bundle_dir: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upload(started, "artifacts", bundle_dir)
    load = handlers.model.load

    def down(*_: Any) -> Any:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "reduce your rate"}}, "GetObject")

    monkeypatch.setattr(handlers.model, "load", down)
    with pytest.raises(ClientError, match="SlowDown"):
        call([synthetic.ride()])
    monkeypatch.setattr(handlers.model, "load", load)
    assert call([synthetic.ride()]) == {"batchItemFailures": []}


def test_transient_s3_errors_at_the_start_are_retried(
    started: Any, bundle_dir: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upload(started, "artifacts", bundle_dir)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    faults = iter([503, 500])
    create = boto3.client

    def client(service: str, **options: Any) -> Any:
        made_here: Any = create(service, **options)  # type: ignore[call-overload] # any service

        def answer(request: Any, **_: Any) -> Any:
            status = next(faults, None)
            return status and synthetic.answer(request, status)

        made_here.meta.events.register_first("before-send.s3", answer)
        return made_here

    monkeypatch.setattr(handlers.boto3, "client", client)
    assert call([synthetic.ride()]) == {"batchItemFailures": []}
    assert next(faults, None) is None


def test_a_changed_model_never_scores(started: Any, bundle_dir: Any) -> None:
    prefix = store.upload(started, "artifacts", bundle_dir)
    started.put_object(Bucket="artifacts", Key=prefix + bundle.MODEL, Body=b"another model")
    with pytest.raises(BundleError, match="changed after export"):
        call([synthetic.ride()])


def test_a_model_of_another_version_never_scores(started: Any, bundle_dir: Any) -> None:
    store.upload(started, "artifacts", bundle_dir)
    body = (bundle_dir / bundle.MANIFEST).read_bytes().replace(b'"1"', b'"2"')
    started.put_object(
        Bucket="artifacts", Key=layout.model_prefix("scorewatch-green-taxi", "1") + bundle.MANIFEST, Body=body
    )
    with pytest.raises(BundleError, match="not scorewatch-green-taxi 1"):
        call([synthetic.ride()])


@pytest.mark.parametrize("identity", [b'"version":"2"', b'"name":"scorewatch-red-taxi"'])
def test_a_contract_of_another_model_never_scores(started: Any, bundle_dir: Any, identity: bytes) -> None:
    path = bundle_dir / bundle.CONTRACT
    name = identity.partition(b":")[0]
    model = json.loads(path.read_bytes())["model"]
    before = b'%s:"%s"' % (name, model[json.loads(name)].encode())
    changed = json.dumps(json.loads(path.read_bytes()), separators=(",", ":")).encode()
    assert before in changed
    path.write_bytes(changed.replace(before, identity))
    bundle.write_manifest(bundle_dir, "scorewatch-green-taxi", "1")
    store.upload(started, "artifacts", bundle_dir)
    with pytest.raises(BundleError, match=r"the contract is for scorewatch-.*, not scorewatch-green-taxi 1"):
        call([synthetic.ride()])


def test_the_model_is_loaded_once(started: Any, bundle_dir: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.upload(started, "artifacts", bundle_dir)
    loads = []
    load = handlers.model.load
    monkeypatch.setattr(handlers.model, "load", lambda *a: loads.append(a) or load(*a))
    call([synthetic.ride()])
    call([synthetic.ride()])
    assert len(loads) == 1


@pytest.mark.usefixtures("started")
def test_an_incomplete_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUTPUT_STREAM")
    with pytest.raises(SettingsError, match="OUTPUT_STREAM"):
        call([synthetic.ride()])
