"""`python -m local.serve`: score over HTTP on this machine, without AWS."""

import argparse
import json
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contract import bundle
from contract.bundle import BundleError, Manifest
from contract.schema import Contract, DType, Feature
from lambda_predict import http, identity
from lambda_predict.model import Model
from lambda_predict.publish import Print
from lambda_predict.score import Scorer

BUNDLES = Path(".scorewatch/bundles")
_LONGEST_BODY = 10 * 1024 * 1024
_SECONDS = 30.0


def read(folder: Path) -> Model:
    """Return the model of the bundle in `folder`, verified. Raises BundleError and OSError."""
    manifest = Manifest.from_json((folder / bundle.MANIFEST).read_bytes())
    contract, onnx = (
        manifest.verify(name, (folder / name).read_bytes()) for name in (bundle.CONTRACT, bundle.MODEL)
    )
    return Model(Contract.from_json(contract), onnx)


def newest(use_case: str) -> Path:
    """Return the newest exported bundle of a use case. Raises BundleError if none."""
    name = f"scorewatch-{use_case.replace('_', '-')}"
    versions = [p.parent for p in (BUNDLES / name).glob(f"*/{bundle.MANIFEST}")]
    if not versions:
        raise BundleError(f"{BUNDLES / name} holds no bundle: run make train USE_CASE={use_case}")
    return max(versions, key=lambda p: (len(p.name), p.name))


class Server(ThreadingHTTPServer):
    """HTTP server on 127.0.0.1 that prints its events, as with TEST_RUN; port 0 takes a free one."""

    def __init__(self, scorer: Scorer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.service = http.Service(scorer, Print(), Print())


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal():
            words = f"Content-Length is {length!r}: send the body's size in bytes"
            self._send(HTTPStatus.BAD_REQUEST, {"message": words})
            return
        if int(length) > _LONGEST_BODY:
            words = f"the body has {length} bytes, the limit is {_LONGEST_BODY}: send a smaller record"
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"message": words})
            return
        request = http.Request(
            method=self.command,
            path=self.path,
            data=self.rfile.read(int(length)),
            request_id=http.request_id(),
            key=self.headers.get(identity.HEADER),
        )
        answer = self.server.service.respond(request, lambda: _SECONDS, datetime.now(UTC))
        self._send(answer.status, answer.body)

    def _send(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET = do_PUT = do_DELETE = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, *_: object) -> None:
        """Write no access log: the printed events are the log."""


def sample(contract: Contract) -> str:
    """Return an example record of the contract as JSON."""
    payload = {feature.name: _value(feature) for feature in contract.features}
    return json.dumps({contract.id_field: "try-1", contract.payload_field: payload})


def _value(feature: Feature) -> int | float | str:
    if feature.categories:
        return feature.categories[0]
    value = feature.minimum if feature.minimum is not None else 1.0
    if feature.dtype is DType.STR:
        return "a"
    return int(value) if feature.dtype is DType.INT else value


def main() -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.serve", description=__doc__)
    parser.add_argument("--use-case", default="green_taxi")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    try:
        folder = newest(options.use_case)
        scorer = Scorer(read(folder))
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    with Server(scorer, options.port) as serving:
        url = f"http://127.0.0.1:{serving.server_address[1]}{http.PATH}"
        print(f"{folder} at {url}. Try:\n  curl -d '{sample(scorer.model.contract)}' {url}", flush=True)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print("stopped")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
