"""LocalStack's community edition for the duration of a block, in an environment of its own."""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from local import images, npm, stack, traffic
from local.images import ROOT
from local.localstack.services import HEALTH
from ops import embedded

NAME = "scorewatch"
REQUIREMENTS = ROOT / "requirements/localstack.txt"
KINESIS = "kinesis-local"
# Where LocalStack looks for packages, below its root.
_PACKAGES = Path("var/lib/localstack/lib")
_READY_SECONDS = 120
_PROBE_SECONDS = 5
_SHOWN = 2_000
Progress = Callable[[str], None]


@contextmanager
def localstack(
    state_dir: Path, *, port: int | None = None, progress: Progress = print
) -> Iterator[stack.Endpoint]:
    """Run LocalStack for the duration of the block; yield its endpoint.

    It also ends when this process is killed. Raises StackError if it does not start, ImageError if a
    package can't be installed.
    """
    url = f"http://127.0.0.1:{port or stack.free_port()}"
    endpoint = stack.Endpoint(url, state_dir, "localstack", embedded.environment_region())
    if endpoint.listens():
        raise stack.StackError(f"Port {port} is in use: choose another one, make localstack PORT=...")
    # What an earlier instance left would be found as its state.
    shutil.rmtree(state_dir, ignore_errors=True)
    state_dir.mkdir(parents=True)
    listing = images.prepare(progress, state_dir / "images")
    process = _spawn(endpoint, listing, progress)
    try:
        traffic.wait_for("LocalStack", lambda: _ready(process, endpoint), seconds=_READY_SECONDS)
        yield endpoint
    finally:
        if process.stdin is not None:
            process.stdin.close()
        stack.end_group(process.pid, process.wait)


def _spawn(endpoint: stack.Endpoint, listing: Path, progress: Progress) -> "subprocess.Popen[bytes]":
    python = images.environment("localstack", [REQUIREMENTS], progress)
    packages = _root(endpoint) / _PACKAGES
    packages.mkdir(parents=True)
    # LocalStack looks for a folder per version.
    (packages / KINESIS).symlink_to(npm.package(KINESIS, progress).parent)
    env = environment(endpoint, listing, images.emulator_binary(progress))
    Path(env["TMPDIR"]).mkdir()
    with _log(endpoint).open("ab") as log:
        return subprocess.Popen(
            [str(python), "-m", "local.localstack.launcher"],
            cwd=endpoint.state_dir,
            env=env,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def environment(endpoint: stack.Endpoint, listing: Path, emulator: Path) -> dict[str, str]:
    """Return LocalStack's environment; all its files are in the endpoint's folder."""
    folder, root = endpoint.state_dir.resolve(), str(_root(endpoint))
    outer = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return outer | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(_entry_points(folder))]),
        "GATEWAY_LISTEN": endpoint.url.removeprefix("http://"),
        "FILESYSTEM_ROOT": root,
        "LOCALSTACK_VOLUME_DIR": root,
        # Removed with the endpoint's folder; the launcher puts S3's objects there.
        "TMPDIR": str(_root(endpoint) / "tmp"),
        # In a container LocalStack would use folders of the whole machine, and Docker's socket.
        "OVERRIDE_IN_DOCKER": "0",
        "DOCKER_HOST": f"unix://{root}/none",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        "KINESIS_PERSISTENCE": "0",
        "LAMBDA_RUNTIME_EXECUTOR": NAME,
        "SCOREWATCH_IMAGE_LISTING": str(listing.resolve()),
        "SCOREWATCH_EMULATOR": str(emulator),
        "SCOREWATCH_FUNCTION_LOGS": str(folder / "logs"),
    }


def _root(endpoint: stack.Endpoint) -> Path:
    return endpoint.state_dir.resolve() / "root"


def _entry_points(folder: Path) -> Path:
    """Write the entry point by which LocalStack finds our executor; return the folder to search."""
    plugins = folder / "plugins"
    info = plugins / "scorewatch_localstack-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scorewatch-localstack\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        f"[localstack.lambda.runtime_executor]\n{NAME} = local.localstack.executor:ImageExecutorPlugin\n"
    )
    return plugins


def _ready(process: "subprocess.Popen[bytes]", endpoint: stack.Endpoint) -> bool | None:
    if process.poll() is not None:
        text = _log(endpoint).read_text()[-_SHOWN:]
        raise stack.StackError(f"LocalStack ended with code {process.returncode}:\n{text}")
    try:
        with urllib.request.urlopen(endpoint.url + HEALTH, timeout=_PROBE_SECONDS):  # noqa: S310  http
            return True
    except (URLError, TimeoutError):
        return None


def _log(endpoint: stack.Endpoint) -> Path:
    return endpoint.state_dir / "localstack.log"
