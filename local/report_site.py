"""Report site of a private bucket, served on this machine with your credentials."""

import argparse
import http.server
import mimetypes
import sys
import webbrowser
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contract import layout
from lambda_monitor.reports import index

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def server(s3: "S3Client", bucket: str, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server on 127.0.0.1 of the bucket's `reports/` prefix alone."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Serves objects under `reports/`."""

        def do_GET(self) -> None:  # named by the base class
            """Send the object named by the path, or the front page."""
            name = unquote(urlsplit(self.path).path).lstrip("/") or "index.html"
            key = f"{layout.REPORTS}/{name}"
            try:
                body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                missing = error.response["Error"]["Code"] in {"NoSuchKey", "404"}
                status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.BAD_GATEWAY
                self.send_error(status, f"s3://{bucket}/{key}: {error.response['Error']['Code']}")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", mimetypes.guess_type(name)[0] or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Discard the request log."""

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)


def presigned(s3: "S3Client", bucket: str, hours: int) -> str:
    """Return the front page with presigned links valid for `hours`."""
    seconds = hours * 3600
    page = index.read(s3, bucket)
    for name in sorted(index.links(page)):
        key = f"{layout.REPORTS}/{name}"
        url = s3.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
        )
        page = page.replace(f'href="{name}"', f'href="{url}"')
    return page


def main(arguments: list[str] | None = None) -> int:
    """Open the site, or print it with presigned links; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.report_site", description=__doc__)
    parser.add_argument(
        "--use-case", default="green_taxi", help="use case whose stack is looked up (default: green_taxi)"
    )
    parser.add_argument("--bucket", help="lake bucket, instead of the stack's")
    parser.add_argument("--port", type=int, default=0, help="0 for a free port (default)")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument(
        "--presign",
        type=int,
        metavar="HOURS",
        help="print the front page with links valid that long, and exit",
    )
    given = parser.parse_args(arguments)
    s3 = boto3.client("s3")
    bucket = given.bucket or _bucket(given.use_case)
    try:
        rows = index.update(s3, bucket)
        if given.presign:
            print(presigned(s3, bucket, given.presign))
            return 0
    except (BotoCoreError, ClientError) as error:
        print(f"Cannot read the reports in s3://{bucket}: {error}", file=sys.stderr)
        return 1
    with server(s3, bucket, given.port) as one:
        address = f"http://127.0.0.1:{one.server_port}/"
        print(f"{rows} reports of s3://{bucket} at {address} (Ctrl-C stops)", flush=True)
        if not given.no_browser:
            webbrowser.open(address)
        try:
            one.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def _bucket(use_case: str) -> str:
    from ops import deployment  # noqa: PLC0415  # needs Terraform, which --bucket does not

    return str(deployment.outputs(use_case)["lake_bucket"])


if __name__ == "__main__":
    sys.exit(main())
