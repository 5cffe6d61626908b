"""The local HTTP server: requests, and the choice of the bundle."""

import http.client
import json
import shlex
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contract import bundle
from contract.bundle import BundleError
from contract.schema import DType, Feature, Kind, OutOfRange
from lambda_predict.decode import Decoded, Decoder
from lambda_predict.http import Service
from lambda_predict.model import read
from lambda_predict.score import Scorer
from local import serve
from ops import bundles
from tests.lambda_predict import synthetic
from tests.local.conftest import NAME


@pytest.fixture
def serving(model: synthetic.Model) -> Iterator[serve.Server]:
    with serve.Server(Scorer(model), 0, timeout=0.5) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    serving: serve.Server, body: bytes, method: str = "POST", path: str = "/predict", **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", serving.server_address[1], timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def send(serving: serve.Server, text: bytes) -> bytes:
    """Send raw bytes and return the whole answer, without closing the sending side first."""
    with socket.create_connection(("127.0.0.1", serving.server_address[1]), timeout=10) as connection:
        connection.sendall(text)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    "path", ["/predict", "/predict/", "/predict?x=1", "/predict?", "/predict/?a=b&c=d?e"]
)
def test_a_record_is_scored_whatever_the_query(serving: serve.Server, path: str, capsys: Any) -> None:
    status, body = ask(serving, synthetic.ride("XYZ10"), path=path)
    assert (status, body["ride_id"]) == (200, "XYZ10")
    assert '"ride_id":"XYZ10"' in capsys.readouterr().out


def test_requests_are_scored_one_at_a_time(serving: serve.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    score, scoring, overlapped = Service.respond, threading.Semaphore(1), threading.Event()

    def respond(*arguments: Any) -> Any:
        if not scoring.acquire(blocking=False):
            overlapped.set()
            return score(*arguments)
        # The other request arrives in the meantime.
        overlapped.wait(0.5)
        scoring.release()
        return score(*arguments)

    monkeypatch.setattr(Service, "respond", respond)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda name: ask(serving, synthetic.ride(name)), ("A", "B")))
    assert [status for status, _ in answers] == [200, 200]
    assert not overlapped.is_set()


def test_a_bad_record_is_rejected(serving: serve.Server) -> None:
    assert ask(serving, b"?")[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/predict", 405), ("PATCH", "/predict", 405), ("POST", "/", 404), ("POST", "//[", 404)],
)
def test_other_methods_and_paths_are_rejected(
    serving: serve.Server, method: str, path: str, status: int
) -> None:
    assert ask(serving, synthetic.ride(), method, path)[0] == status


def test_an_idempotency_key_is_the_identity(serving: serve.Server, capsys: Any) -> None:
    assert ask(serving, synthetic.ride(), Idempotency_Key="once")[0] == 200
    assert json.loads(capsys.readouterr().out)["record"]["sequence_number"] == "key:once"
    assert ask(serving, synthetic.ride(), Idempotency_Key="two words")[0] == 400


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("many", 400),
        ("", 400),
        ("-1", 400),
        ("1e3", 400),
        ("0x10", 400),
        ("1_000", 400),
        ("\u0665", 400),  # a digit, but not of ASCII
        ("\u00b2", 400),
        (str(10 * 1024 * 1024 + 1), 413),
        ("9" * 5_000, 413),
        ("9" * 60_000, 413),
    ],
)
def test_a_content_length_that_cannot_be_is_rejected(serving: serve.Server, length: str, status: int) -> None:
    head = f"POST /predict HTTP/1.1\r\nContent-Length: {length}\r\n\r\n"
    answer = send(serving, head.encode())
    assert answer.startswith(f"HTTP/1.0 {status} ".encode())
    assert len(answer) < 500


def test_a_body_above_the_limit_is_answered_after_it_was_sent(serving: serve.Server) -> None:
    assert ask(serving, b"x" * (11 * 1024 * 1024))[0] == 413


def test_leading_zeros_of_a_content_length_do_not_count(serving: serve.Server) -> None:
    body = synthetic.ride()
    head = f"POST /predict HTTP/1.1\r\nContent-Length: {'0' * 5_000}{len(body)}\r\n\r\n"
    assert send(serving, head.encode() + body).startswith(b"HTTP/1.0 200 ")


@pytest.mark.parametrize("part", [b"", b'{"ride_id"'])
def test_a_client_that_does_not_send_its_body_is_answered_after_a_time_out(
    serving: serve.Server, part: bytes
) -> None:
    answer = send(serving, b"POST /predict HTTP/1.1\r\nContent-Length: 20\r\n\r\n" + part)
    assert answer.startswith(b"HTTP/1.0 408 ")
    assert b"no bytes for 0.5 s: send the 20 bytes of Content-Length" in answer


def test_a_client_that_sends_nothing_is_disconnected(serving: serve.Server) -> None:
    assert send(serving, b"") == b""
    assert ask(serving, synthetic.ride())[0] == 200


def test_a_body_that_ends_early_is_rejected(serving: serve.Server) -> None:
    with socket.create_connection(("127.0.0.1", serving.server_address[1]), timeout=10) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 20\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        assert b"the body ended after 2 of 20 bytes" in b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_chunked_body_is_rejected_with_the_fix(serving: serve.Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert b"send Content-Length" in send(serving, head)


@pytest.mark.usefixtures("exported")
def test_a_port_in_use_is_reported(
    serving: serve.Server, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(bundles, "champion", lambda _: "2")
    port = serving.server_address[1]
    assert serve.main(["--port", str(port)]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"port {port} is in use: stop what listens there")
    assert message.count("\n") == 1


@pytest.mark.parametrize("port", ["-1", "65536", "http", "\u0665"])
def test_a_port_that_cannot_be_is_rejected(port: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        serve.main([f"--port={port}"])
    assert "is not a port: give 0 to 65535" in capsys.readouterr().err


def test_the_champion_is_served_not_the_newest(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient  # noqa: PLC0415  imports for seconds

    from training import tracking  # noqa: PLC0415  as above

    monkeypatch.delenv(tracking.TRACKING_VARIABLE, raising=False)
    client = MlflowClient(tracking.tracking_uri(exported))
    client.create_registered_model(NAME)
    for _ in range(3):
        client.create_model_version(NAME, str(exported))
    with pytest.raises(BundleError, match="has no champion: run make train USE_CASE=green_taxi"):
        serve.champion("green_taxi")
    client.set_registered_model_alias(NAME, tracking.CHAMPION, "2")
    client.set_registered_model_alias(NAME, tracking.CHALLENGER, "3")
    found = serve.champion("green_taxi")
    assert found == exported / "bundles" / NAME / "2"
    assert read(found).contract.model.name == NAME
    client.set_registered_model_alias(NAME, tracking.CHAMPION, "3")
    with pytest.raises(BundleError, match=r"holds no bundle of version 3: run make train"):
        serve.champion("green_taxi")


def test_a_version_can_be_served_without_the_registry(exported: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(bundles, "champion", pytest.fail)
    assert serve.champion("green_taxi", "10") == exported / "bundles" / NAME / "10"


def test_without_bundles_the_registry_is_not_asked(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(serve, "WORK", tmp_path)
    monkeypatch.setattr(bundles, "champion", pytest.fail)
    assert serve.main(["--use-case", "green_taxi"]) == 1
    assert capsys.readouterr().err.endswith("holds no bundle: run make train USE_CASE=green_taxi\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / bundle.MODEL).unlink(), "model.onnx"),
        (lambda folder: (folder / bundle.MODEL).write_bytes(b"x"), "has SHA-256"),
        (lambda folder: (folder / bundle.MANIFEST).write_bytes(b"{"), "manifest.json can't be read"),
    ],
)
def test_a_damaged_bundle_is_reported_in_one_line(
    exported: Path, damage: Any, words: str, capsys: Any
) -> None:
    damage(exported / "bundles" / NAME / "10")
    assert serve.main(["--version", "10", "--port", "0"]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("exported")
def test_an_unreadable_registry_is_reported(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "bogus://registry")
    assert serve.main(["--port", "0"]) == 1
    assert "the registry at bogus://registry can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "bounds", [{}, {"minimum": 5}, {"maximum": -5}, {"minimum": 3, "maximum": 4}, {"maximum": 0}]
)
@pytest.mark.parametrize("dtype", [DType.INT, DType.FLOAT])
def test_the_example_record_is_valid(dtype: DType, bounds: dict[str, float]) -> None:
    features = [
        Feature(name="o'neill", kind=Kind.CATEGORICAL, dtype=DType.STR, categories=["d'or", "b"]),
        Feature(name="free text", kind=Kind.CATEGORICAL, dtype=DType.STR),
        Feature(name="x", kind=Kind.NUMERIC, dtype=dtype, out_of_range=OutOfRange.REJECT, **bounds),
    ]
    contract = synthetic.contract(features=features)
    example = serve.sample(contract)
    (found,) = Decoder(contract).decode([example.encode()])
    assert isinstance(found, Decoded)
    assert shlex.split(f"curl -d {shlex.quote(example)} url")[2] == example
