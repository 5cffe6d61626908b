import base64
import json
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from lambda_predict import handler as stream
from lambda_predict import http
from lambda_predict.score import Scorer
from lambda_predict.settings import Settings
from local import serve
from tests.lambda_predict import synthetic

SETTINGS = Settings("artifacts", "scorewatch-green-taxi", "1", "green_taxi", "output", "rejected")


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 2_100


class Stack:
    def __init__(self, patch: pytest.MonkeyPatch, model: synthetic.Model) -> None:
        self.output, self.rejected = synthetic.Sink(), synthetic.Sink()
        patch.setattr(stream, "start", lambda: (SETTINGS, Scorer(model), self.output, self.rejected))

    def ask(self, body: bytes, method: str = "POST", path: str = "/predict") -> tuple[int, Any]:
        event = {
            "rawPath": path,
            "requestContext": {"requestId": "request-1", "http": {"method": method}},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = http.handler(event, Context())
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> Stack:
    return Stack(monkeypatch, model)


def test_the_prediction_is_returned_and_published(stack: Stack) -> None:
    status, body = stack.ask(synthetic.ride("XYZ10"))
    assert status == 200
    assert list(body) == ["prediction", "ride_id", "model"]
    (line,) = stack.output.lines
    event = json.loads(line)
    assert (event["ride_id"], event["prediction"]) == ("XYZ10", body["prediction"])
    assert (event["record"]["shard"], event["record"]["sequence_number"]) == ("http", "request-1")


def test_a_bad_record_is_rejected_with_its_reason_and_kept(stack: Stack) -> None:
    status, body = stack.ask(synthetic.ride(trip_distance="far"))
    assert status == 400
    assert (body["reason"], body["field"]) == ("wrong_type", "ride.trip_distance")
    assert [json.loads(line)["reason"] for line in stack.rejected.lines] == ["wrong_type"]
    assert stack.output.lines == []


@pytest.mark.parametrize("extra", ['"\\ud800"', "1e999", "1" * 5000])
def test_a_record_that_lake_readers_cannot_parse_is_rejected(stack: Stack, extra: str) -> None:
    assert stack.ask(synthetic.ride()[:-2] + f', "x": {extra}}}}}'.encode())[0] == 400
    assert len(stack.rejected.lines) == 1


def test_a_body_with_a_lone_surrogate_is_rejected_and_kept(stack: Stack) -> None:
    event = {
        "rawPath": "/predict",
        "requestContext": {"requestId": "request-1", "http": {"method": "POST"}},
        "body": '{"ride_id": "\ud800"}',
    }
    answer = http.handler(event, Context())
    assert (answer["statusCode"], json.loads(answer["body"])["reason"]) == (400, "not_utf8")
    assert len(stack.rejected.lines) == 1


def test_a_record_above_the_streams_limit_is_rejected_and_kept(stack: Stack) -> None:
    status, body = stack.ask(synthetic.ride("x" * 1_100_000))
    assert (status, body["reason"]) == (413, "too_large")
    parts = [json.loads(line) for line in stack.rejected.lines]
    assert b"".join(base64.b64decode(part["data"]) for part in parts) == synthetic.ride("x" * 1_100_000)
    assert stack.output.lines == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/predict", 405), ("POST", "/", 404)])
def test_other_methods_and_paths_are_rejected(stack: Stack, method: str, path: str, status: int) -> None:
    assert stack.ask(synthetic.ride(), method, path)[0] == status
    assert stack.output.lines == []


def test_a_prediction_that_was_not_published_is_not_returned(stack: Stack) -> None:
    stack.output = synthetic.Sink(lambda lines: [False] * len(lines))
    status, body = stack.ask(synthetic.ride())
    assert status == 503
    assert "prediction" not in body


def test_the_local_server_answers(model: synthetic.Model, capsys: pytest.CaptureFixture[str]) -> None:
    with serve.Server(Scorer(model), 0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{serving.server_address[1]}/predict"
        with urllib.request.urlopen(url, serve.sample(model.contract).encode(), timeout=10) as answer:
            assert json.loads(answer.read())["ride_id"] == "try-1"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, b"?", timeout=10)
        assert refused.value.code == 400
        for length, status in ((str(11 * 1024 * 1024), 413), ("many", 400)):
            request = urllib.request.Request(url, b"{}", {"Content-Length": length})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=10)  # noqa: S310 - the server above
            assert refused.value.code == status
        serving.shutdown()
    assert '"ride_id":"try-1"' in capsys.readouterr().out
