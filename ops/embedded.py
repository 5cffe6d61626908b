"""Record of a running embedded AWS: address, process, Terraform state."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
from botocore.exceptions import BotoCoreError

from ops.terraform import WORK, Terraform

# Region of an embedded AWS if the environment has none.
REGION = "us-east-1"
_PARTITION = "aws"
# Folders of `make local-up` and `make demo`, in the order in which they are searched.
LOCAL, DEMO = WORK / "local/", WORK / "demo/local"
FOLDERS: tuple[Path, ...] = (LOCAL, DEMO)
# Replaces the user's AWS settings, so that a local run never reaches a real account.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_FOREIGN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ROLE_ARN",
    "AWS_SESSION_TOKEN",
)
# Variables by which a user selects an AWS account or endpoint.
_SELECTORS = (
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True)
class Endpoint:
    """A running embedded AWS: address, folder of its logs and Terraform state, id of its instance, region."""

    url: str
    state_dir: Path
    instance: str = ""
    region: str = REGION

    @property
    def env(self) -> dict[str, str]:
        """Process environment in which AWS clients reach this endpoint only."""
        return {**{k: v for k, v in os.environ.items() if k not in _FOREIGN}, **self.settings}

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables that select this endpoint."""
        region = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        return {**_CREDENTIALS, **region, "AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        """Return a boto3 client of one service."""
        create: Any = boto3.client  # the stubs overload each service's name
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": self.region}
        return create(service, endpoint_url=self.url, **keys)

    def listens(self) -> bool:
        """Return whether a process listens on the port."""
        address = urlsplit(self.url)
        with socket.socket() as probe:
            return probe.connect_ex((address.hostname, address.port)) == 0

    def serves(self, use_case: str) -> bool:
        """Return whether a stack of the use case is applied to this instance."""
        states = self.state_dir / "terraform"
        current = (states / "instance").is_file() and (states / "instance").read_text() == self.instance
        return current and (states / use_case / "terraform.tfstate").is_file()

    def terraform(self, use_case: str, progress: Callable[[str], None] = print) -> Terraform:
        """Return Terraform on this instance's copy of infra/ and its state of one use case.

        The emulator stores everything in memory, so the state of an earlier instance is deleted.
        """
        states = self.state_dir / "terraform"
        owner = states / "instance"
        if not owner.is_file() or owner.read_text() != self.instance:
            shutil.rmtree(states, ignore_errors=True)
            states.mkdir(parents=True)
            owner.write_text(self.instance)
        root = self.state_dir / "work/infra"
        return Terraform(root, state_dir=states / use_case, env=self.env, progress=progress)


@dataclass(frozen=True)
class Record:
    """Process of an embedded AWS; `owner` is the pid of the process it ends with, None if detached."""

    pid: int
    started: float
    url: str
    instance: str
    owner: int | None
    region: str = REGION

    def write(self, folder: Path) -> None:
        """Write the record to its folder."""
        path(folder).write_text(json.dumps(vars(self)))

    def runs(self) -> bool:
        """Return whether the recorded process still runs; its pid may have been reused."""
        try:
            process = psutil.Process(self.pid)
            return bool(process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def ends(self) -> bool:
        """Return whether the process is about to end, because the process it belongs to has ended."""
        if self.owner is not None and not psutil.pid_exists(self.owner):
            return True
        try:
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True


def environment_region() -> str:
    """Return the environment's region if it is of the partition aws, else REGION."""
    found = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    try:
        partition = boto3.Session().get_partition_for_region(found)
    except BotoCoreError:
        return REGION
    return found if partition == _PARTITION else REGION


def path(folder: Path) -> Path:
    """Return the file of the record in `folder`."""
    return folder / "emulator.json"


def read(folder: Path) -> Record | None:
    """Return the record of the process that runs in `folder`, None if there is none."""
    try:
        fields = json.loads(path(folder).read_text())
    except FileNotFoundError:
        return None
    record = Record(**{"instance": "", "owner": None, **fields})
    return record if record.runs() else None


def status(folder: Path) -> Endpoint | None:
    """Return the embedded AWS that runs in `folder`, None if there is none."""
    record = read(folder)
    return None if record is None else Endpoint(record.url, folder, record.instance, record.region)


def find(url: str | None) -> Endpoint | None:
    """Return the running embedded AWS at `url`, None if there is none or `url` is None."""
    return next((found for found in _running() if url and _address(found.url) == _address(url)), None)


def select_running(use_case: str) -> Endpoint | None:
    """Select a running embedded AWS for this process; return it, None if nothing changed.

    One that serves the use case is preferred. The environment has precedence: nothing changes if it
    selects an account, profile or endpoint.
    """
    if any(os.environ.get(name) for name in _SELECTORS):
        return None
    running = _running()
    endpoint = next((found for found in running if found.serves(use_case)), next(iter(running), None))
    if endpoint is not None:
        os.environ.update(endpoint.settings)
    return endpoint


def _running() -> list[Endpoint]:
    return [endpoint for folder in FOLDERS if (endpoint := status(folder))]


def _address(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return "127.0.0.1" if parts.hostname == "localhost" else parts.hostname, parts.port
