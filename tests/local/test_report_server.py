"""The report site's server: headers, refused requests, no text of a request in its answer."""

import socket
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from local.report_server import PathError, object_name, server
from tests.serving import serving

PAGE = "reports/m/w/report.html"


@pytest.fixture
def port() -> Iterator[int]:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake")
        for key in (PAGE, "reports/index.html", "predictions/secret", "reports/m/w/x.svg"):
            s3.put_object(Bucket="lake", Key=key, Body=b"<p>content</p>")
        with server(s3, "lake") as one, serving(one):
            yield one.server_port


def ask(port: int, path: str, *, method: str = "GET", host: str | None = None) -> tuple[str, dict, str]:
    """Return status line, headers and body of the answer to a request as it is written."""
    name = f"127.0.0.1:{port}" if host is None else host
    lines = [f"{method} {path} HTTP/1.1", f"Host: {name}" if name else "X: y", "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    status, *fields = head.split("\r\n")
    return status, dict(field.split(": ", 1) for field in fields), body


def test_a_page_is_sent_with_headers_that_confine_it(port: int) -> None:
    status, headers, body = ask(port, "/m/w/report.html?x=1")

    assert (status, body) == ("HTTP/1.0 200 OK", "<p>content</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox allow-scripts" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert ask(port, "/m/w/x.svg")[1]["Content-Type"] == "application/octet-stream"


def test_head_has_no_body(port: int) -> None:
    status, headers, body = ask(port, "/", method="HEAD")
    assert (status, headers["Content-Length"], body) == ("HTTP/1.0 200 OK", "14", "")


@pytest.mark.parametrize(
    "path",
    [
        "/x%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a<script>alert(1)</script>",
        "/%00",
        "/%e2%80%a8",
        "/../predictions/secret",
        "/%2e%2e/predictions/secret",
        "/m/%2e%2e/%2e%2e/predictions/secret",
        "/m//predictions/secret",
        "/m\\..\\x",
        "/%ff",
    ],
)
def test_a_path_that_is_not_a_plain_name_is_refused(port: int, path: str) -> None:
    status, headers, body = ask(port, path)

    assert status == "HTTP/1.0 400 Bad Request"
    assert "Set-Cookie" not in headers
    assert "script" not in body


def test_a_missing_page_is_not_found_without_its_name(port: int) -> None:
    status, _, body = ask(port, "/<script>.html")
    assert status == "HTTP/1.0 404 Not Found"
    assert "script" not in body


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1"])
def test_another_host_name_is_refused(port: int, host: str) -> None:
    status, _, body = ask(port, "/m/w/report.html", host=host)
    assert status.startswith("HTTP/1.0 421 ")
    assert "content" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(port: int, method: str) -> None:
    assert ask(port, "/", method=method)[0].startswith("HTTP/1.0 501 ")


def test_names_are_decoded_once() -> None:
    assert object_name("/m/a%2520b") == "m/a%20b"
    assert object_name("/") == "index.html"
    with pytest.raises(PathError):
        object_name("/a/%2e")
