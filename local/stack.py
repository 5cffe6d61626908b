"""Life cycle of the embedded AWS: start, deploy, destroy, stop."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil

from contract import bundle, store
from contract.schema import Contract
from local import containers, images, traffic
from ops.terraform import Terraform

STATE = images.WORK / "local"
REGION = "us-east-1"
_READY_SECONDS = 60
_STOP_SECONDS = 10
_OVERRIDE = Path(__file__).with_name("local_override.tf.txt")
# Replaces the user's AWS settings, so that a local run never reaches a real account.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}
_FOREIGN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ROLE_ARN",
)
Progress = Callable[[str], None]


class StackError(RuntimeError):
    """The embedded AWS did not start; the message includes its log."""


@dataclass(frozen=True)
class Endpoint:
    """A running embedded AWS: address, and folder of its logs and Terraform state."""

    url: str
    state_dir: Path

    @property
    def env(self) -> dict[str, str]:
        """Process environment in which AWS clients reach this endpoint only."""
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        kept.pop("AWS_SESSION_TOKEN", None)
        return {**kept, **self.settings}

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables that select this endpoint."""
        return {**{k: v for k, v in _CREDENTIALS.items() if v}, "AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        """Return a boto3 client of one service."""
        create: Any = boto3.client  # the stubs overload each service's name
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        return create(service, endpoint_url=self.url, **keys)


@contextmanager
def embedded_aws(state_dir: Path = STATE, *, progress: Progress = print) -> Iterator[Endpoint]:
    """Run the embedded AWS for the duration of the block. Raises StackError.

    It also ends when this process is killed: its standard input is a pipe from this process.
    """
    stop(state_dir)
    endpoint, process = _launch(state_dir, progress, detached=False)
    try:
        yield endpoint
    finally:
        if process.stdin is not None:
            process.stdin.close()
        _end_group(process.pid, process.wait)
        _record(state_dir).unlink(missing_ok=True)


def start(state_dir: Path = STATE, *, progress: Progress = print) -> Endpoint:
    """Start the embedded AWS detached, or return the running one. Raises StackError."""
    if (running := status(state_dir)) is not None:
        return running
    return _launch(state_dir, progress, detached=True)[0]


def status(state_dir: Path = STATE) -> Endpoint | None:
    """Return the running embedded AWS of this folder, None if there is none."""
    record = _read(state_dir)
    if record is None or not _is_ours(record):
        return None
    return Endpoint(record["url"], state_dir)


def stop(state_dir: Path = STATE) -> bool:
    """Stop the embedded AWS of this folder and delete its state; return whether it ran."""
    record = _read(state_dir)
    ran = record is not None and _is_ours(record)
    if record is not None and ran:
        process = psutil.Process(record["pid"])
        _end_group(record["pid"], process.wait)
    # The emulator stores everything in memory: without it, the state is stale.
    shutil.rmtree(state_dir, ignore_errors=True)
    return ran


def deploy(
    endpoint: Endpoint, bundle_dir: Path, *, progress: Progress = print, **variables: Any
) -> dict[str, Any]:
    """Apply infra/ for the bundle's use case and version, upload the bundle, return Terraform's outputs.

    Applies a copy of the root that a real account gets (docs/design-notes.md). Raises TerraformError
    and BundleError.
    """
    contract = Contract.read(bundle_dir / bundle.CONTRACT)
    terraform = workspace(endpoint, contract.use_case, progress)
    terraform.init()
    settings = settings_for(endpoint, contract, variables)
    terraform.apply(settings)
    outputs = terraform.outputs()
    store.upload(endpoint.client("s3"), outputs["artifact_bucket"], bundle_dir)
    return outputs


def plan_is_empty(
    endpoint: Endpoint, bundle_dir: Path, *, progress: Progress = print, **variables: Any
) -> bool:
    """Return whether `deploy` would change nothing. Raises TerraformError."""
    contract = Contract.read(bundle_dir / bundle.CONTRACT)
    terraform = workspace(endpoint, contract.use_case, progress)
    terraform.init()
    return terraform.plan_is_empty(settings_for(endpoint, contract, variables))


def destroy(endpoint: Endpoint, bundle_dir: Path, *, progress: Progress = print) -> None:
    """Destroy the resources of `deploy`. Raises TerraformError."""
    contract = Contract.read(bundle_dir / bundle.CONTRACT)
    terraform = workspace(endpoint, contract.use_case, progress)
    terraform.init()
    settings = settings_for(endpoint, contract, {"force_destroy": True})
    terraform.apply(settings)
    terraform.destroy(settings)


def settings_for(endpoint: Endpoint, contract: Contract, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return Terraform's variables for a local run; image tags are content hashes."""
    account = endpoint.client("sts").get_caller_identity()["Account"]
    registry = f"{account}.dkr.ecr.{REGION}.amazonaws.com/scorewatch-{contract.use_case.replace('_', '-')}"
    return {
        "use_case": contract.use_case,
        "model_version": contract.model.version,
        "id_column": contract.id_column,
        **{f"{name}_image": f"{registry}-{name}:{images.digest(name)}" for name in images.DOCKERFILES},
        **more,
    }


def workspace(endpoint: Endpoint, use_case: str, progress: Progress = print) -> Terraform:
    """Return Terraform on a copy of infra/ with the local override added."""
    work = endpoint.state_dir / "work"
    shutil.rmtree(work, ignore_errors=True)
    ignore = shutil.ignore_patterns(
        "*_override.tf",
        "terraform.tfvars",
        "*.auto.tfvars",
        "*.py",
        "__pycache__",
        ".terraform*",
        "state",
        "tests",
    )
    shutil.copytree(images.ROOT / "infra", work / "infra", ignore=ignore)
    (work / "contract").mkdir()
    shutil.copy(images.ROOT / "contract/layout.json", work / "contract")
    shutil.copy(_OVERRIDE, work / "infra/local_override.tf")
    state = endpoint.state_dir / "terraform" / use_case
    return Terraform(work / "infra", state_dir=state, env=endpoint.env, progress=progress)


def _launch(
    state_dir: Path, progress: Progress, *, detached: bool
) -> "tuple[Endpoint, subprocess.Popen[bytes]]":
    listing = containers.build(progress) if containers.wanted() else images.prepare(progress)
    binary = images.emulator_binary(progress)
    python = images.environment("emulator", [images.ROOT / "requirements/emulator.txt"], progress)
    state_dir.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    endpoint = Endpoint(f"http://127.0.0.1:{port}", state_dir)
    arguments = [str(python), "-m", "local.emulator", str(state_dir.resolve()), str(listing), str(binary)]
    with (state_dir / "emulator.log").open("ab") as log:
        process = subprocess.Popen(
            [*arguments, *(["--detached"] if detached else [])],
            cwd=images.ROOT,
            env={**endpoint.env, **_emulator_settings(port)},
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    started = psutil.Process(process.pid).create_time()
    _record(state_dir).write_text(json.dumps({"pid": process.pid, "started": started, "url": endpoint.url}))
    try:
        traffic.wait_for("the embedded AWS", lambda: _ready(process, endpoint), seconds=_READY_SECONDS)
    except BaseException:
        _end_group(process.pid, process.wait)
        raise
    return endpoint, process


def _emulator_settings(port: int) -> dict[str, str]:
    return {
        "PYTHONPATH": str(images.ROOT),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": os.environ.get("SCOREWATCH_LOCAL_LOG", "WARNING"),
    }


def _ready(process: "subprocess.Popen[bytes]", endpoint: Endpoint) -> bool | None:
    if process.poll() is not None:
        log = (endpoint.state_dir / "emulator.log").read_text()[-2000:]
        raise StackError(f"The embedded AWS ended with code {process.returncode}:\n{log}")
    with socket.socket() as probe:
        port = int(endpoint.url.rpartition(":")[2])
        return True if probe.connect_ex(("127.0.0.1", port)) == 0 else None


def _end_group(group: int, wait: Callable[..., Any]) -> None:
    """End a process group by SIGTERM, then SIGKILL, including the functions' processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        try:
            wait(timeout=_STOP_SECONDS)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            continue


def _record(state_dir: Path) -> Path:
    return state_dir / "emulator.json"


def _read(state_dir: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(_record(state_dir).read_text())
    except FileNotFoundError:
        return None
    return record


def _is_ours(record: Mapping[str, Any]) -> bool:
    """Return whether the recorded process still runs; its pid may have been reused."""
    try:
        return bool(psutil.Process(record["pid"]).create_time() == record["started"])
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_lines(endpoint: Endpoint) -> str:
    """Return `export` lines that select this endpoint."""
    return "\n".join(f"export {name}={value}" for name, value in endpoint.settings.items())
