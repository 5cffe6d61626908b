"""A registry that answers by the OCI distribution specification, with Docker's token authentication."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.serving import serving

INDEX = "application/vnd.oci.image.index.v1+json"
TOKEN = "anonymous"  # noqa: S105  of the fake


@dataclass
class Registry:
    """Manifests by (repository, tag), and what a test changes."""

    port: int = 0
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    kind: str = INDEX
    token: bool = True
    # Header Docker-Content-Digest, if it isn't the manifest's.
    digest: str | None = None
    challenge: str | None = None
    calls: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self.port}"

    def add(self, repository: str, tag: str, architectures: list[str]) -> str:
        """Add an index; return its digest."""
        manifests = [{"platform": {"os": "linux", "architecture": name}} for name in architectures]
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
        self.manifests[repository, tag] = body
        return digest(body)


def digest(content: bytes) -> str:
    """Return a digest as the specification writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    """Answers for the registry of its server."""

    server: "Server"

    def do_GET(self) -> None:
        """Answer for a token or a manifest."""
        registry = self.server.registry
        registry.calls.append(self.path)
        url = urlsplit(self.path)
        if url.path == "/token":
            self._send(200, json.dumps({"access_token": TOKEN}).encode())
            return
        _, _, *repository, _, tag = url.path.split("/")
        name = "/".join(repository)
        if registry.token and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            realm = f'Bearer realm="http://{registry.address}/token",service="fake",'
            challenge = registry.challenge or f'{realm}scope="repository:{name}:pull"'
            self._fail(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
        elif (name, tag) not in registry.manifests or registry.kind not in self.headers.get("Accept", ""):
            self._fail(404, "MANIFEST_UNKNOWN", "manifest unknown", {})
        else:
            body = registry.manifests[name, tag]
            headers = {"Docker-Content-Digest": registry.digest or digest(body)}
            self._send(200, body, {**headers, "Content-Type": registry.kind})

    def _fail(self, code: int, name: str, message: str, headers: dict[str, str]) -> None:
        self._send(code, json.dumps({"errors": [{"code": name, "message": message}]}).encode(), headers)

    def _send(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Server(ThreadingHTTPServer):
    """Server of one registry, on a free port."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.registry = Registry(port=self.server_port)


@contextmanager
def serve() -> Iterator[Registry]:
    """Serve a registry on a free port."""
    with Server() as server, serving(server):
        yield server.registry
