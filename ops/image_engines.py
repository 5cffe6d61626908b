"""Engines that build and push images: Docker and Buildah, called by their commands."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from ops import image_archive
from ops.deployment import DeploymentError

# A build needs the package index; a machine may lack a bridge network.
_NETWORK = "--network=host"
_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
_SHOWN = 2_000
_NONE = """no engine builds images here: {docker}; {buildah}. Do one of these:
  start Docker, https://docs.docker.com/get-docker/
  install Buildah, which needs no daemon: apt-get install buildah, or dnf install buildah
  build elsewhere, and set image_repositories = false, predict_image and monitor_image (docs/deploy.md)"""


class Engine(Protocol):
    """What deployment needs of an engine. Each method raises DeploymentError."""

    @property
    def name(self) -> str:
        """The engine's command."""

    @property
    def env(self) -> Mapping[str, str]:
        """Environment of its command."""

    def base(self, name: str, architecture: str) -> str:
        """Pull a base image; return its id, which is the digest of its configuration."""

    def build(self, context: Path, tag: str, architecture: str, base: str, *, quiet: bool = False) -> None:
        """Build the Dockerfile of `context`, without times of the build: the same files, the same digest."""

    def has(self, tag: str) -> bool:
        """Return whether the engine has an image."""

    def identity(self, tag: str) -> str:
        """Return an image's id."""

    def save(self, tag: str, target: Path) -> None:
        """Write an image as an archive in Docker's format."""

    def push(self, tag: str, registry: str, user: str, password: str) -> None:
        """Log in, push an image, log out."""


def find(env: Mapping[str, str]) -> Engine:
    """Return Docker if its daemon responds, else Buildah. Raises DeploymentError if there is neither."""
    reasons = {}
    for engine in (Docker(env), Buildah(env)):
        try:
            engine.check()
        except DeploymentError as error:
            reasons[engine.name] = str(error)
        else:
            return engine
    raise DeploymentError(_NONE.format(**reasons))


@dataclass(frozen=True)
class _Command:
    env: Mapping[str, str] = field(repr=False)
    name: str = ""

    def check(self) -> None:
        """Raise DeploymentError unless the engine responds."""
        if shutil.which(self.name, path=self.env.get("PATH")) is None:
            raise DeploymentError(f"{self.name} was not found")

    def push(self, tag: str, registry: str, user: str, password: str) -> None:
        """Log in, push an image, log out. Raises DeploymentError."""
        login = self._run(
            "login", "--username", user, "--password-stdin", registry, stdin=password, quiet=True
        )
        if login.returncode:
            raise DeploymentError(f"{registry} refused {self.name}'s login: {login.stderr.strip()}")
        try:
            if self._run("push", tag).returncode:
                raise DeploymentError(f"{self.name} push of {tag} failed: its output is above")
        finally:
            self._run("logout", registry, quiet=True)

    def _checked(self, action: str, *arguments: str, quiet: bool = True) -> str:
        done = self._run(*arguments, quiet=quiet)
        if done.returncode:
            output = (done.stderr or done.stdout or "").strip()[-_SHOWN:] if quiet else "its output is above"
            raise DeploymentError(f"{self.name} {action} failed: {output}")
        return (done.stdout or "").strip()

    def _pulled(self, name: str, pull: Sequence[str], inspect: Sequence[str]) -> str:
        pulled = self._run(*pull, quiet=True)
        found = self._run(*inspect, quiet=True)
        if found.returncode:
            raise DeploymentError(f"base image {name} can't be pulled: {pulled.stderr.strip()}")
        if pulled.returncode:
            print(f"  {name} can't be pulled: the copy on this machine is used")
        return found.stdout.strip()

    def _run(
        self, *arguments: str, stdin: str | None = None, quiet: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        # Attestations turn an image into an image index, which Lambda refuses.
        env = {**self.env, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        return subprocess.run(
            [self.name, *arguments], env=env, input=stdin, text=True, capture_output=quiet, check=False
        )


@dataclass(frozen=True)
class Docker(_Command):
    """The docker command with a given environment."""

    name: str = "docker"

    def check(self) -> None:
        """Raise DeploymentError unless docker is installed and its daemon responds."""
        super().check()
        answer = self._run("version", "--format", "{{.Server.Version}}", quiet=True)
        if answer.returncode:
            raise DeploymentError(f"docker's daemon does not respond ({answer.stderr.strip()})")

    def base(self, name: str, architecture: str) -> str:
        """Pull a base image; return its id. Raises DeploymentError."""
        pull = ("pull", "--quiet", "--platform", _PLATFORMS[architecture], name)
        return self._pulled(name, pull, ("image", "inspect", "--format", "{{.Id}}", name))

    def build(self, context: Path, tag: str, architecture: str, base: str, *, quiet: bool = False) -> None:
        """Build an image, then write it again without times of the build. Raises DeploymentError."""
        arguments = ("build", _NETWORK, "--platform", _PLATFORMS[architecture], "--tag", tag, str(context))
        self._checked(f"build of {tag}", *arguments, quiet=quiet)
        layers = json.loads(self._checked(f"inspect of {base}", *_inspect("{{json .RootFS.Layers}}", base)))
        with TemporaryDirectory(prefix="scorewatch-image-") as folder:
            built, plain = Path(folder) / "built.tar", Path(folder) / "plain.tar"
            self.save(tag, built)
            try:
                image_archive.normalise(built, plain, layers)
            except image_archive.ArchiveError as error:
                raise DeploymentError(f"{tag}: {error}") from None
            self._checked(f"load of {tag}", "load", "--quiet", "--input", str(plain))

    def has(self, tag: str) -> bool:
        """Return whether the daemon has an image."""
        return not self._run(*_inspect("{{.Id}}", tag), quiet=True).returncode

    def identity(self, tag: str) -> str:
        """Return an image's id. Raises DeploymentError."""
        return self._checked(f"inspect of {tag}", *_inspect("{{.Id}}", tag))

    def save(self, tag: str, target: Path) -> None:
        """Write an image as an archive. Raises DeploymentError."""
        self._checked(f"save of {tag}", "save", "--output", str(target), tag)


@dataclass(frozen=True)
class Buildah(_Command):
    """The buildah command with a given environment."""

    name: str = "buildah"

    def base(self, name: str, architecture: str) -> str:
        """Pull a base image; return its id. Raises DeploymentError."""
        pull = ("pull", "--quiet", "--platform", _PLATFORMS[architecture], name)
        return f"sha256:{self._pulled(name, pull, _described(name))}"

    def build(self, context: Path, tag: str, architecture: str, base: str, *, quiet: bool = False) -> None:
        """Build an image with a constant time. Raises DeploymentError."""
        arguments = (
            # The other format names the container of the build.
            *("build", _NETWORK, "--format", "oci", "--timestamp", str(image_archive.EPOCH)),
            *("--platform", _PLATFORMS[architecture], "--pull-never", "--tag", tag, str(context)),
        )
        self._checked(f"build of {tag} on {base}", *arguments, quiet=quiet)

    def has(self, tag: str) -> bool:
        """Return whether this machine has an image."""
        return not self._run(*_described(tag), quiet=True).returncode

    def identity(self, tag: str) -> str:
        """Return an image's id. Raises DeploymentError."""
        return f"sha256:{self._checked(f'inspect of {tag}', *_described(tag))}"

    def save(self, tag: str, target: Path) -> None:
        """Write an image as an archive. Raises DeploymentError."""
        self._checked(f"save of {tag}", "push", "--quiet", tag, f"docker-archive:{target}:{tag}")


def _inspect(form: str, name: str) -> tuple[str, ...]:
    return ("image", "inspect", "--format", form, name)


def _described(name: str) -> tuple[str, ...]:
    return ("inspect", "--type", "image", "--format", "{{.FromImageID}}", name)
