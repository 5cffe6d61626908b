"""Report site of a private bucket, served on this machine with your credentials."""

import argparse
import errno
import html
import sys
import webbrowser
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contract import layout
from contract.session import session
from lambda_monitor.reports import index
from local.report_server import server
from ops import deployment
from ops.deployment import DeploymentError
from ops.terraform import TerraformError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

# S3's limit on presigned links, 7 days.
LONGEST_HOURS = 168


def signing_client(current: "boto3.Session", bucket: str) -> "S3Client":
    """Return a client that signs as S3 requires for encrypted objects: version 4, the bucket's region."""
    found = current.client("s3").head_bucket(Bucket=bucket)
    region = found.get("BucketRegion") or current.region_name
    return current.client("s3", region_name=region, config=Config(signature_version="s3v4"))


def presigned(s3: "S3Client", bucket: str, hours: int) -> str:
    """Return the front page with presigned links valid for `hours`; `s3` is a signing client."""
    seconds = hours * 3600
    page = index.read(s3, bucket)
    for name in sorted(index.links(page)):
        key = f"{layout.REPORTS}/{name}"
        url = s3.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
        )
        page = page.replace(f'href="{name}"', f'href="{html.escape(url)}"')
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
        type=_hours,
        metavar="HOURS",
        help=f"print the front page with links valid that long, at most {LONGEST_HOURS}, and exit",
    )
    given = parser.parse_args(arguments)
    try:
        bucket = given.bucket or str(deployment.running_outputs(given.use_case)["lake_bucket"])
    except (DeploymentError, TerraformError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    try:
        s3 = session().client("s3")
        rows = index.update(s3, bucket)
        if given.presign:
            print(presigned(signing_client(session(), bucket), bucket, given.presign))
            return 0
    except (BotoCoreError, ClientError) as error:
        print(f"Cannot read the reports in s3://{bucket}: {error}", file=sys.stderr)
        return 1
    return _serve(s3, bucket, rows, port=given.port, browser=not given.no_browser)


def _serve(s3: "S3Client", bucket: str, rows: int, *, port: int, browser: bool) -> int:
    try:
        site = server(s3, bucket, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"Port {port} is in use: choose another one, or --port 0 for a free one.", file=sys.stderr)
        return 1
    with site as one:
        address = f"http://127.0.0.1:{one.server_port}/"
        print(f"{rows} reports of s3://{bucket} at {address} (Ctrl-C stops)", flush=True)
        if browser:
            webbrowser.open(address)
        try:
            one.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def _hours(text: str) -> int:
    hours = int(text)
    if not 1 <= hours <= LONGEST_HOURS:
        raise argparse.ArgumentTypeError(f"{hours} is not 1 to {LONGEST_HOURS}: S3 limits a link to 7 days")
    return hours


if __name__ == "__main__":
    sys.exit(main())
