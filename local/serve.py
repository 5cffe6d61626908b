"""`python -m local.serve`: score over HTTP on this machine, without AWS."""

import argparse
import contextlib
import errno
import json
import shlex
import sys
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contract import bundle, times
from contract.bundle import BundleError
from contract.schema import Contract, ContractError, DType, Feature, Field
from lambda_predict import http, identity
from lambda_predict.model import read
from lambda_predict.publish import Print
from lambda_predict.score import Scorer
from ops import bundles
from ops.deployment import DeploymentError
from ops.terraform import WORK

_LONGEST_BODY = 10 * 1024 * 1024
# A client reads its answer once its body is taken: bodies up to this size are read and dropped.
_LONGEST_DROPPED = 100 * 1024 * 1024
_MOST_DIGITS = len(str(_LONGEST_DROPPED))
# Longest wait for the next bytes of a request.
_SECONDS = 30.0
_LAST_PORT = 65_535
_PIECE = 65_536
_EXAMPLES: dict[DType, bool | str] = {DType.STR: "a", DType.BOOL: True, DType.TIMESTAMP: times.EXAMPLE}


def champion(use_case: str, version: str | None = None) -> Path:
    """Return the exported bundle of `version` (None: the champion).

    Raises BundleError if there is none, DeploymentError if the registry can't be read.
    """
    name = f"scorewatch-{use_case.replace('_', '-')}"
    folder = WORK / "bundles" / name
    if not any(folder.glob(f"*/{bundle.MANIFEST}")):
        raise BundleError(f"{folder} holds no bundle: run make train USE_CASE={use_case}")
    wanted = version or bundles.champion(name)
    if wanted is None:
        raise BundleError(
            f"{name} has no champion: run make train USE_CASE={use_case}, or make a version champion with "
            f"make promote USE_CASE={use_case}"
        )
    if not (folder / wanted / bundle.MANIFEST).is_file():
        raise BundleError(
            f"{folder} holds no bundle of version {wanted}: run make train USE_CASE={use_case}, or copy the "
            "bundle from the machine that trained it"
        )
    return folder / wanted


class Server(ThreadingHTTPServer):
    """HTTP server on 127.0.0.1 that prints its events, as with TEST_RUN; port 0 takes a free one."""

    def __init__(self, scorer: Scorer, port: int, timeout: float = _SECONDS) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.service = http.Service(scorer, Print(), Print())
        # A scorer takes one request at a time, as in Lambda.
        self.scoring = threading.Lock()
        self.seconds = timeout

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected; print other errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.seconds)

    def _answer(self) -> None:
        data = self._body()
        if data is None:
            return
        request = http.Request(
            method=self.command,
            path=self.path.partition("?")[0],
            data=data,
            request_id=http.request_id(),
            key=self.headers.get(identity.HEADER),
        )
        with self.server.scoring:
            answer = self.server.service.respond(request, lambda: _SECONDS, datetime.now(UTC))
        self._send(answer.status, answer.body)

    def _body(self) -> bytes | None:
        """Return the body, None if the request was answered with an error instead."""
        if "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "chunked bodies are not read: send Content-Length")
            return None
        length = self.headers.get("Content-Length", "0").strip()
        if not (length.isascii() and length.isdigit()):
            words = f"Content-Length is {length[:40]!r}: send the body's size in bytes, as digits"
            self._refuse(HTTPStatus.BAD_REQUEST, words)
            return None
        # Counting digits first: int() refuses more than some thousands.
        digits = length.lstrip("0") or "0"
        if len(digits) > _MOST_DIGITS or int(digits) > _LONGEST_BODY:
            if len(digits) <= _MOST_DIGITS:
                self._drop(min(int(digits), _LONGEST_DROPPED))
            words = f"the body is longer than {_LONGEST_BODY:,} bytes: send a smaller record"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
            return None
        try:
            data = self.rfile.read(int(digits))
        except TimeoutError:
            words = f"no bytes for {self.server.seconds:g} s: send the {digits} bytes of Content-Length"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, words)
            return None
        if len(data) < int(digits):
            words = f"the body ended after {len(data)} of {digits} bytes: correct Content-Length"
            self._refuse(HTTPStatus.BAD_REQUEST, words)
            return None
        return data

    def _drop(self, size: int) -> None:
        with contextlib.suppress(TimeoutError):
            while size and (piece := self.rfile.read1(min(size, _PIECE))):
                size -= len(piece)

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._send(status, {"message": words})

    def _send(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names http.server calls

    def log_message(self, *_: object) -> None:
        """Write no access log: the printed events are the log."""


def sample(contract: Contract) -> str:
    """Return an example record of the contract as JSON."""
    payload = {field.name: _value(field) for field in contract.sent}
    return json.dumps({contract.id_field: "try-1", contract.payload_field: payload})


def _value(field: Field) -> int | float | str:
    if isinstance(field, Feature) and field.categories:
        return field.categories[0]
    if field.dtype in _EXAMPLES:
        return _EXAMPLES[field.dtype]
    low, high = (field.minimum, field.maximum) if isinstance(field, Feature) else (None, None)
    # The number nearest to 1 in the range: a feature derived from 0 may not be defined.
    value = max(1.0 if low is None else low, 1.0)
    value = value if high is None else min(value, high)
    return int(value) if field.dtype is DType.INT else value


def _port(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give 0 to {_LAST_PORT}, 0 for a free one")
    return int(text)


def _listen(scorer: Scorer, port: int) -> Server:
    """Return the server. Raises DeploymentError if the port can't be used."""
    try:
        return Server(scorer, port)
    except OSError as error:
        reason = "in use" if error.errno == errno.EADDRINUSE else f"not available ({error.strerror})"
        raise DeploymentError(
            f"port {port} is {reason}: stop what listens there, or choose another: make serve PORT=8081"
        ) from error


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.serve", description=__doc__)
    parser.add_argument("--use-case", default="green_taxi")
    parser.add_argument("--version", help="model version to serve; default: the champion")
    parser.add_argument("--port", type=_port, default=8080, help="default: %(default)s; 0: a free one")
    options = parser.parse_args(arguments)
    try:
        folder = champion(options.use_case, options.version)
        model = read(folder)
        serving = _listen(Scorer(model), options.port)
    except (BundleError, ContractError, DeploymentError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    with serving:
        url = f"http://127.0.0.1:{serving.server_address[1]}{http.PATH}"
        print(f"{folder} at {url}. Try:", flush=True)
        print(f"  curl -d {shlex.quote(sample(model.contract))} {url}", flush=True)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print("stopped")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
