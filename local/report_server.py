"""HTTP server of the report site: objects under `reports/`, to this machine's browser only.

Pages hold text of records, and any page that the browser has open can send requests to this server.
"""

import http.server
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from contract import layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TYPES = {"html": "text/html; charset=utf-8", "json": "application/json"}
_OTHER = "application/octet-stream"
# Pages are of another origin than the site: a script in one can't read the others.
_HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts allow-downloads; frame-ancestors 'none'; "
    "connect-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class PathError(ValueError):
    """The path names no object of the site."""


def object_name(path: str) -> str:
    """Return the name under `reports/` that a request's path asks for. Raises PathError."""
    try:
        name = unquote(path.partition("?")[0], errors="strict").removeprefix("/") or "index.html"
    except ValueError as error:
        raise PathError("the path is not UTF-8") from error
    if not name.isprintable() or "\\" in name:
        raise PathError("control characters or backslashes in the path")
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise PathError("empty or relative parts in the path")
    return name


def server(s3: "S3Client", bucket: str, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server on 127.0.0.1 of the bucket's `reports/` prefix alone."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers GET and HEAD with objects under `reports/`."""

        server_version = "Scorewatch"
        sys_version = ""

        def do_GET(self) -> None:  # named by the base class
            """Send the object named by the path, or the front page."""
            status, kind, body = self._found()
            self.send_response(status)
            for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # named by the base class

        def _found(self) -> tuple[HTTPStatus, str, bytes]:
            """Return status, content type and body of the answer; text of the request is not part of it."""
            own = self.connection.getsockname()[1]
            # Another name that resolves to this machine is a site that wants to read the reports.
            if self.headers.get_all("Host") not in ([f"127.0.0.1:{own}"], [f"localhost:{own}"]):
                return _refused(HTTPStatus.MISDIRECTED_REQUEST, "open the site as 127.0.0.1")
            return _read(s3, bucket, self.path)

        def log_message(self, *_: Any) -> None:
            """Discard the request log."""

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _read(s3: "S3Client", bucket: str, path: str) -> tuple[HTTPStatus, str, bytes]:
    try:
        name = object_name(path)
        body = s3.get_object(Bucket=bucket, Key=f"{layout.REPORTS}/{name}")["Body"].read()
    except PathError as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error))
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return _refused(HTTPStatus.NOT_FOUND, "no such report")
        return _refused(HTTPStatus.BAD_GATEWAY, error.response["Error"]["Code"])
    except BotoCoreError as error:
        return _refused(HTTPStatus.BAD_GATEWAY, type(error).__name__)
    return HTTPStatus.OK, _TYPES.get(name.rpartition(".")[2], _OTHER), body


def _refused(status: HTTPStatus, why: str) -> tuple[HTTPStatus, str, bytes]:
    return status, "text/plain; charset=utf-8", f"{status.phrase}: {why}\n".encode()
