"""Build and push the functions' images: tagged by content, deployed by digest."""

import base64
import hashlib
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ops.deployment import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

REPOSITORY_ROOT = Path(__file__).resolve().parents[1]

_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
_TAG_LENGTH = 16


@dataclass(frozen=True)
class Docker:
    """The docker command with a given environment."""

    env: Mapping[str, str] = field(repr=False)

    def check(self) -> None:
        """Raise DeploymentError unless docker is installed and its daemon responds."""
        if shutil.which("docker", path=self.env.get("PATH")) is None:
            raise DeploymentError("docker was not found: install it, https://docs.docker.com/get-docker/")
        answer = self._run("version", "--format", "{{.Server.Version}}", quiet=True)
        if answer.returncode:
            raise DeploymentError(f"docker's daemon does not respond: start it ({answer.stderr.strip()})")

    def base(self, dockerfile: Path, architecture: str) -> tuple[str, str]:
        """Return name and id of the image to build on: `BASE_IMAGE`, else the Dockerfile's, pulled anew.

        Raises DeploymentError.
        """
        name = self.env.get("BASE_IMAGE") or base_image(dockerfile)
        platform = _PLATFORMS[architecture]
        pulled = self._run("pull", "--quiet", "--platform", platform, name, quiet=True)
        found = self._run("image", "inspect", "--format", "{{.Id}}", name, quiet=True)
        if found.returncode:
            raise DeploymentError(f"base image {name} can't be pulled: {pulled.stderr.strip()}")
        if pulled.returncode:
            print(f"  {name} can't be pulled: the copy on this machine is used")
        return name, found.stdout.strip()

    def build(self, dockerfile: Path, context: Path, tag: str, architecture: str, base: str) -> None:
        """Build an image for Lambda on `base`. Raises DeploymentError."""
        arguments = (
            "--platform",
            _PLATFORMS[architecture],
            "--build-arg",
            f"BASE_IMAGE={base}",
            "--file",
            str(dockerfile),
            "--tag",
            tag,
        )
        if self._run("build", *arguments, str(context)).returncode:
            raise DeploymentError(f"docker build of {dockerfile} failed: its output is above")

    def push(self, tag: str, registry: str, user: str, password: str) -> None:
        """Log in, push an image, log out. Raises DeploymentError."""
        login = self._run(
            "login", "--username", user, "--password-stdin", registry, stdin=password, quiet=True
        )
        if login.returncode:
            raise DeploymentError(f"{registry} refused docker's login: {login.stderr.strip()}")
        try:
            if self._run("push", tag).returncode:
                raise DeploymentError(f"docker push of {tag} failed: its output is above")
        finally:
            self._run("logout", registry, quiet=True)

    def _run(
        self, *arguments: str, stdin: str | None = None, quiet: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        # Attestations turn an image into an image index, which Lambda refuses.
        env = {**self.env, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        return subprocess.run(
            ["docker", *arguments], env=env, input=stdin, text=True, capture_output=quiet, check=False
        )


def publish(
    docker: Docker,
    ecr: "ECRClient",
    *,
    repository_url: str,
    package: str,
    architecture: str,
    root: Path = REPOSITORY_ROOT,
) -> str:
    """Build and push `package`'s image unless its content is there; return its URI by digest.

    Raises DeploymentError.
    """
    dockerfile = root / package / "Dockerfile"
    registry, _, repository = repository_url.partition("/")
    base, identity = docker.base(dockerfile, architecture)
    tag = content_tag(dockerfile, root, architecture, identity)
    digest = _digest(ecr, repository, tag)
    if digest is None:
        with tempfile.TemporaryDirectory(prefix="scorewatch-") as folder:
            copy_context(dockerfile, root, Path(folder))
            docker.build(dockerfile, Path(folder), f"{repository_url}:{tag}", architecture, base)
        docker.push(f"{repository_url}:{tag}", registry, *_login(ecr))
        digest = _digest(ecr, repository, tag)
    else:
        print(f"  {package}: {tag} is already in the repository")
    if digest is None:
        raise DeploymentError(
            f"{repository_url}:{tag} was pushed, but the repository does not list it: run the command again"
        )
    return f"{repository_url}@{digest}"


def copied_files(dockerfile: Path, root: Path) -> list[Path]:
    """Return the files that the Dockerfile copies, relative to `root`, sorted, without bytecode.

    Raises DeploymentError for a missing source.
    """
    files: set[Path] = set()
    for source in _copy_sources(dockerfile):
        path = root / source
        if not path.exists():
            raise DeploymentError(f"{dockerfile} copies {source}, which does not exist")
        found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        files |= {file.relative_to(root) for file in found if "__pycache__" not in file.parts}
    return sorted(files)


def copy_context(dockerfile: Path, root: Path, target: Path) -> None:
    """Copy the Dockerfile's sources, and nothing else, to `target`."""
    for file in copied_files(dockerfile, root):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, target / file)


def base_image(dockerfile: Path) -> str:
    """Return the base image that the Dockerfile declares. Raises DeploymentError."""
    found = re.search(r"^(?:ARG BASE_IMAGE=|FROM )([^\s$]+)$", dockerfile.read_text(), re.MULTILINE)
    if found is None:
        raise DeploymentError(f"{dockerfile} names no base image: add ARG BASE_IMAGE=... before FROM")
    return found.group(1)


def content_tag(dockerfile: Path, root: Path, architecture: str, base: str) -> str:
    """Return a hash of the image's content, architecture and base image's id as a tag."""
    digest = hashlib.sha256(f"{architecture}\0{base}\0".encode() + dockerfile.read_bytes())
    for file in copied_files(dockerfile, root):
        content = (root / file).read_bytes()
        # The Dockerfiles make everything readable, so that of the mode only this reaches the image.
        executable = bool((root / file).stat().st_mode & stat.S_IXUSR)
        digest.update(f"\0{file.as_posix()}\0{executable}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_TAG_LENGTH]


def _copy_sources(dockerfile: Path) -> Iterator[str]:
    for line in dockerfile.read_text().splitlines():
        instruction, *arguments = line.split() or [""]
        if instruction == "COPY":
            yield from [argument for argument in arguments if not argument.startswith("--")][:-1]


def _digest(ecr: "ECRClient", repository: str, tag: str) -> str | None:
    try:
        images = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except ecr.exceptions.ImageNotFoundException:
        return None
    return images[0]["imageDigest"] if images else None


def _login(ecr: "ECRClient") -> tuple[str, str]:
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password
