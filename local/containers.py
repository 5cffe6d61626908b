"""Build the images and describe how the emulator runs them in Docker."""

import json
import os
import platform
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from local import images, standin_base
from local.images import DOCKERFILES, EXPORTER, ROOT, ImageError, UnavailableError
from local.standin_base import docker
from ops import docker_images, image_engines
from ops.deployment import DeploymentError

_REGISTRY = ("public.ecr.aws", 443)
_CONNECT_SECONDS = 5
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


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
    engine = check_engine()
    base = base_image(progress)
    listing = images.prepare(progress, folder)
    entries = json.loads(listing.read_text())
    for name, tag in build_tags(engine, base, progress).items():
        entries[name]["docker"] = tag
    built = listing.with_name("containers.json")
    built.write_text(json.dumps(entries, indent=2) + "\n")
    return built


def build_tags(
    engine: image_engines.Engine,
    base: str,
    progress: Callable[[str], None],
    dockerfiles: Mapping[str, Path] = DOCKERFILES,
) -> dict[str, str]:
    """Build images on `base` for this machine; return their tags by name. Raises ImageError."""
    tags = {}
    try:
        identity = engine.identity(base) if engine.has(base) else engine.base(base, ARCHITECTURE)
        for name, dockerfile in dockerfiles.items():
            content = docker_images.content_tag(dockerfile, ROOT, ARCHITECTURE, identity)
            tags[name] = f"scorewatch-{name}:{content}"
            if engine.has(tags[name]):
                progress(f"{tags[name]} on {base} is built already")
                continue
            progress(f"building {tags[name]} on {base}")
            docker_images.build(engine, dockerfile, ROOT, tags[name], ARCHITECTURE, base, quiet=True)
    except DeploymentError as error:
        raise ImageError(str(error)) from None
    return tags


def build_with_sboms(
    progress: Callable[[str], None] = print, folder: Path = images.WORK / "images"
) -> dict[str, str]:
    """Build the functions' and the exporter's image with Docker or Buildah; write their bills of materials.

    Returns their tags by name. Raises ImageError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        engine = image_engines.find(os.environ)
        # The stand-in is made with Docker.
        given = isinstance(engine, image_engines.Docker)
        base = base_image(progress) if given else docker_images.wanted_base(engine, DOCKERFILES["predict"])
        tags = build_tags(engine, base, progress, {**DOCKERFILES, "exporter": EXPORTER})
        for name, tag in tags.items():
            path = folder / f"{name}.cdx.json"
            docker_images.write_sbom(engine, tag, path)
            progress(f"{tag}: {engine.identity(tag)}, its packages are in {path}")
    except DeploymentError as error:
        raise ImageError(str(error)) from None
    return tags


def check_engine() -> image_engines.Docker:
    """Return Docker. Raises UnavailableError unless its daemon responds: containers run in it."""
    engine = image_engines.Docker(os.environ)
    try:
        engine.check()
    except DeploymentError as error:
        raise UnavailableError(f"{error}: start it, or leave IMAGES=docker out") from None
    return engine


def base_image(progress: Callable[[str], None]) -> str:
    """Return the base image to build on. Raises UnavailableError if there is none."""
    if given := os.environ.get("BASE_IMAGE"):
        return given
    declared = docker_images.base_image(DOCKERFILES["predict"])
    if docker("image", "inspect", declared).returncode == 0 or _pulled(declared):
        return declared
    tag = standin_base.build(progress)
    progress(f"AWS's base image can't be pulled here: {tag} stands in for it, and is not AWS's image")
    return tag


def _pulled(name: str) -> bool:
    # Docker itself waits minutes for a registry that does not answer.
    try:
        socket.create_connection(_REGISTRY, _CONNECT_SECONDS).close()
    except OSError:
        return False
    return docker("pull", "--quiet", name).returncode == 0
