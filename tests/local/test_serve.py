"""The local HTTP server."""

import json
import threading
import urllib.error
import urllib.request

import pytest

from lambda_predict.score import Scorer
from local import serve
from tests.lambda_predict import synthetic


@pytest.fixture(scope="module")
def model() -> synthetic.Model:
    return synthetic.regression()


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
