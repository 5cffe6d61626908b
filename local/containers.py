"""Build both images with Docker and describe how the emulator runs them."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from local import images, standin_base
from local.images import DOCKERFILES, ROOT, ImageError, UnavailableError
from local.standin_base import docker
from ops.docker_images import copy_context

AWS_BASE = "public.ecr.aws/lambda/python:3.12"
_REGISTRY = ("public.ecr.aws", 443)
_CONNECT_SECONDS = 5
# Characters of a failed build's output that are shown.
_SHOWN = 2_000


def wanted() -> bool:
    """Return whether functions run in containers, by SCOREWATCH_IMAGES. Raises ImageError."""
    given = os.environ.get("SCOREWATCH_IMAGES", "")
    if given not in {"", "docker"}:
        raise ImageError(f"SCOREWATCH_IMAGES is {given!r}: set it to docker, or unset it")
    return given == "docker"


def build(progress: Callable[[str], None] = print, folder: Path = images.WORK / "images") -> Path:
    """Build both images; return a listing as `images.prepare` does, with a Docker tag per image.

    The base is `BASE_IMAGE` if it is set, else AWS's, else a stand-in. Raises ImageError, which is
    UnavailableError if there is no engine or no base.
    """
    check_engine()
    base = base_image(progress)
    listing = images.prepare(progress, folder)
    entries = json.loads(listing.read_text())
    for name, dockerfile in DOCKERFILES.items():
        tag = f"scorewatch-{name}:{images.digest(folder / name, name)}"
        progress(f"building {tag} on {base}")
        _build(dockerfile, tag, base, folder)
        entries[name]["docker"] = tag
    built = listing.with_name("containers.json")
    built.write_text(json.dumps(entries, indent=2) + "\n")
    return built


def check_engine() -> None:
    """Raise UnavailableError unless a Docker engine responds."""
    if shutil.which("docker") is None:
        raise UnavailableError("docker was not found: install it, or leave IMAGES=docker out")
    done = docker("version", "--format", "{{.Server.Version}}")
    if done.returncode:
        raise UnavailableError(f"no Docker engine responds: start it ({done.stderr.strip()})")


def base_image(progress: Callable[[str], None]) -> str:
    """Return the base image to build on. Raises UnavailableError if there is none."""
    if given := os.environ.get("BASE_IMAGE"):
        return given
    if docker("image", "inspect", AWS_BASE).returncode == 0 or _pulled():
        return AWS_BASE
    tag = standin_base.build(progress)
    progress(f"AWS's base image can't be pulled here: {tag} stands in for it, and is not AWS's image")
    return tag


def _pulled() -> bool:
    # Docker itself waits minutes for a registry that does not answer.
    try:
        socket.create_connection(_REGISTRY, _CONNECT_SECONDS).close()
    except OSError:
        return False
    return docker("pull", "--quiet", AWS_BASE).returncode == 0


def _build(dockerfile: Path, tag: str, base: str, folder: Path) -> None:
    context = folder / f"{tag.partition(':')[0]}-context"
    shutil.rmtree(context, ignore_errors=True)
    copy_context(dockerfile, ROOT, context)
    done = docker(
        "build",
        # A machine without a bridge network builds on the host's.
        "--network=host",
        *("--build-arg", f"BASE_IMAGE={base}"),
        *("--file", str(dockerfile), "--tag", tag),
        str(context),
    )
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[-_SHOWN:]
        raise ImageError(f"docker build of {dockerfile} failed:\n{output}")
