"""Life cycle of the embedded AWS: start, deploy, destroy, stop."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from contract import bundle, store
from contract.schema import Contract
from local import containers, images, traffic
from ops import alias, embedded
from ops.terraform import Terraform

Endpoint = embedded.Endpoint
STATE = embedded.LOCAL
_READY_SECONDS = 60
_STOP_SECONDS = 10
# Nobody waits five minutes for a local delivery.
_DELIVERY_SECONDS = 1
_LOCK = "lock"
_OVERRIDE = Path(__file__).with_name("local_override.tf.txt")
Progress = Callable[[str], None]


class StackError(RuntimeError):
    """The embedded AWS did not start; the message includes its log."""


@contextmanager
def embedded_aws(state_dir: Path = STATE, *, progress: Progress = print) -> Iterator[Endpoint]:
    """Run the embedded AWS for the duration of the block.

    It also ends when this process is killed: its standard input is a pipe from this process. Raises
    StackError, also if one already runs in `state_dir`.
    """
    endpoint, process = _launch(state_dir, progress, detached=False)
    try:
        yield endpoint
    finally:
        if process.stdin is not None:
            process.stdin.close()
        end_group(process.pid, process.wait)
        embedded.path(state_dir).unlink(missing_ok=True)


def check_free(state_dir: Path) -> None:
    """Raise StackError if an embedded AWS runs in the folder."""
    if embedded.read(state_dir) is not None:
        raise StackError(_occupied(state_dir))


def start(state_dir: Path = STATE, *, progress: Progress = print) -> Endpoint:
    """Start the embedded AWS detached, or return the running one. Raises StackError."""
    if (running := status(state_dir)) is not None:
        traffic.wait_for("the embedded AWS", lambda: running.listens() or None, seconds=_READY_SECONDS)
        return running
    return _launch(state_dir, progress, detached=True)[0]


def status(state_dir: Path = STATE) -> Endpoint | None:
    """Return the running embedded AWS of this folder, None if there is none."""
    return embedded.status(state_dir)


def stop(state_dir: Path = STATE) -> bool:
    """Stop the embedded AWS of this folder and delete its state; return whether it ran.

    Raises StackError if another process is starting one.
    """
    record = embedded.read(state_dir)
    if record is not None:
        end_group(record.pid, psutil.Process(record.pid).wait)
    if state_dir.is_dir():
        lock = _lock(state_dir)
        try:
            _clear(state_dir)
        finally:
            os.close(lock)
    return record is not None


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
    alias.serve_newest(endpoint.client("lambda"), outputs["release"])
    return outputs


def plan_is_empty(
    endpoint: Endpoint, bundle_dir: Path, *, progress: Progress = print, **variables: Any
) -> bool:
    """Return whether `deploy` would change nothing. Raises TerraformError."""
    contract = Contract.read(bundle_dir / bundle.CONTRACT)
    terraform = workspace(endpoint, contract.use_case, progress)
    terraform.init()
    return terraform.plan_is_empty(settings_for(endpoint, contract, variables))


def destroy(endpoint: Endpoint, bundle_dir: Path, *, progress: Progress = print, **variables: Any) -> None:
    """Destroy the resources of `deploy` with the same variables. Raises TerraformError."""
    contract = Contract.read(bundle_dir / bundle.CONTRACT)
    terraform = workspace(endpoint, contract.use_case, progress)
    terraform.init()
    settings = settings_for(endpoint, contract, {**variables, "force_destroy": True})
    terraform.apply(settings)
    terraform.destroy(settings)


def settings_for(endpoint: Endpoint, contract: Contract, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return Terraform's variables for a local run; image tags are content hashes."""
    account = endpoint.client("sts").get_caller_identity()["Account"]
    registry = (
        f"{account}.dkr.ecr.{endpoint.region}.amazonaws.com/scorewatch-{contract.use_case.replace('_', '-')}"
    )
    return {
        "use_case": contract.use_case,
        "model_version": contract.model.version,
        "id_column": contract.id_column,
        "delivery_interval_seconds": _DELIVERY_SECONDS,
        **{
            f"{name}_image": f"{registry}-{name}:{images.digest(endpoint.state_dir / 'images' / name, name)}"
            for name in images.DOCKERFILES
        },
        **more,
    }


def workspace(endpoint: Endpoint, use_case: str, progress: Progress = print) -> Terraform:
    """Return Terraform on a copy of infra/ with the local override added."""
    copy_root(endpoint.state_dir / "work", override=True)
    return endpoint.terraform(use_case, progress)


def copy_root(work: Path, *, override: bool) -> None:
    """Copy infra/ without the user's overrides; add that of an emulator, or else the provider's hashes."""
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
    source = _OVERRIDE if override else images.ROOT / "infra/.terraform.lock.hcl"
    shutil.copy(source, work / "infra" / ("local_override.tf" if override else source.name))


def _launch(
    state_dir: Path, progress: Progress, *, detached: bool
) -> "tuple[Endpoint, subprocess.Popen[bytes]]":
    lock = _lock(state_dir)
    try:
        _clear(state_dir)
        prepare = containers.build if containers.wanted() else images.prepare
        listing = prepare(progress, state_dir / "images")
        url, region = f"http://127.0.0.1:{free_port()}", embedded.environment_region()
        endpoint = Endpoint(url, state_dir, uuid.uuid4().hex, region)
        process = _spawn(endpoint, listing, lock, progress, detached=detached)
    finally:
        os.close(lock)
    started = psutil.Process(process.pid).create_time()
    owner = None if detached else os.getpid()
    record = embedded.Record(process.pid, started, endpoint.url, endpoint.instance, owner, endpoint.region)
    record.write(state_dir)
    try:
        traffic.wait_for("the embedded AWS", lambda: _ready(process, endpoint), seconds=_READY_SECONDS)
    except BaseException:
        end_group(process.pid, process.wait)
        raise
    return endpoint, process


def _spawn(
    endpoint: Endpoint, listing: Path, lock: int, progress: Progress, *, detached: bool
) -> "subprocess.Popen[bytes]":
    binary = images.emulator_binary(progress)
    python = images.environment("emulator", [images.ROOT / "requirements/emulator.txt"], progress)
    arguments = [str(endpoint.state_dir.resolve()), str(listing), str(binary)]
    with (endpoint.state_dir / "emulator.log").open("ab") as log:
        return subprocess.Popen(
            [str(python), "-m", "local.emulator", *arguments, *(["--detached"] if detached else [])],
            cwd=images.ROOT,
            env={**endpoint.env, **_emulator_settings(endpoint)},
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock],  # held for as long as the emulator runs
        )


def _lock(state_dir: Path) -> int:
    """Return a file descriptor that holds the folder's lock. Raises StackError if another process does."""
    state_dir.mkdir(parents=True, exist_ok=True)
    lock = os.open(state_dir / _LOCK, os.O_CREAT | os.O_RDWR)
    deadline = time.monotonic() + _STOP_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            record = embedded.read(state_dir)
            # The process of a demo that was killed holds the lock until its last thread has ended.
            if (record is None or record.ends()) and time.monotonic() < deadline:
                time.sleep(traffic.POLL_SECONDS)
                continue
            os.close(lock)
            raise StackError(_occupied(state_dir)) from error
        return lock


def _occupied(state_dir: Path) -> str:
    record = embedded.read(state_dir)
    if record is None:
        return f"Another process is starting an embedded AWS in {state_dir}: wait until it is ready."
    fix = "run make local-down" if record.owner is None else f"Ctrl-C in its terminal, or kill {record.owner}"
    found = f"An embedded AWS already runs in {state_dir}: {record.url}, process {record.pid}."
    return f"{found}\nTo stop it: {fix}."


def _clear(state_dir: Path) -> None:
    """Delete everything in the folder but its lock."""
    for entry in state_dir.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()


def _emulator_settings(endpoint: Endpoint) -> dict[str, str]:
    return {
        "PYTHONPATH": str(images.ROOT),
        "GATEWAY_PORT": endpoint.url.rpartition(":")[2],
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "MINISTACK_REGION": endpoint.region,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": os.environ.get("SCOREWATCH_LOCAL_LOG", "WARNING"),
    }


def _ready(process: "subprocess.Popen[bytes]", endpoint: Endpoint) -> bool | None:
    if process.poll() is not None:
        log = (endpoint.state_dir / "emulator.log").read_text()[-2000:]
        raise StackError(f"The embedded AWS ended with code {process.returncode}:\n{log}")
    return endpoint.listens() or None


def end_group(group: int, wait: Callable[..., Any]) -> None:
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


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_lines(endpoint: Endpoint) -> str:
    """Return `export` lines that select this endpoint."""
    return "\n".join(f"export {name}={value}" for name, value in endpoint.settings.items())
