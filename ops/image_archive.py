"""Rewrite an image archive (`docker save`) without the times and names of its build.

A builder writes the time of the build into files, layers and configuration. Without these, the same content
has the same digest. Layers of the base image stay as they are.
"""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

# The first time that a zip file can store. Changed with this file's format: it is part of an image's tag.
EPOCH = 315_532_800
SBOM = "usr/share/scorewatch/sbom.cdx.json"
_CREATED = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
_TIMES = ("atime", "ctime", "mtime")
# Names of the build's container and of intermediate images, written by Docker's classic builder.
_BUILD_FIELDS = ("container", "container_config", "docker_version")
_GZIP = b"\x1f\x8b"


class ArchiveError(RuntimeError):
    """An image archive lacks a part, or has other base layers than expected."""


@dataclass(frozen=True)
class _Image:
    archive: tarfile.TarFile
    config: dict[str, Any]
    layers: list[str]
    tags: list[str]

    @classmethod
    def read(cls, archive: tarfile.TarFile) -> "_Image":
        [entry] = json.load(_member(archive, "manifest.json"))
        config = json.load(_member(archive, entry["Config"]))
        return cls(archive, config, entry["Layers"], entry.get("RepoTags") or [])

    def layer(self, number: int) -> IO[bytes]:
        """Return a layer as an uncompressed tar."""
        found = _member(self.archive, self.layers[number])
        start = found.read(len(_GZIP))
        found.seek(0)
        return cast(IO[bytes], gzip.GzipFile(fileobj=found)) if start == _GZIP else found


def normalise(source: Path, target: Path, base_layers: Sequence[str]) -> None:
    """Write the image archive `source` to `target`, with constant times in the layers above the base.

    `base_layers` are the base's diff ids. Raises ArchiveError if the image does not begin with them.
    """
    with (
        tarfile.open(source) as archive,
        tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as written,
        TemporaryDirectory(dir=target.parent) as folder,
    ):
        image = _Image.read(archive)
        found = image.config["rootfs"]["diff_ids"]
        if found[: len(base_layers)] != list(base_layers):
            raise ArchiveError("the image does not begin with the base image's layers: build it again")
        ids = []
        for number in range(len(image.layers)):
            path = Path(folder) / "layer.tar"
            with path.open("wb") as file:
                _copy_layer(image.layer(number), file, keep=number < len(base_layers))
            ids.append(_digest(path))
            with path.open("rb") as file:
                _add(written, f"{ids[-1]}.tar", file, path.stat().st_size)
        config = json.dumps(_configuration(image.config, ids, len(base_layers)), sort_keys=True).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        layers = [f"{found}.tar" for found in ids]
        manifest = json.dumps([{"Config": name, "RepoTags": image.tags, "Layers": layers}]).encode()
        _add(written, name, BytesIO(config), len(config))
        _add(written, "manifest.json", BytesIO(manifest), len(manifest))


def sbom(source: Path) -> bytes:
    """Return the bill of materials in the image archive `source`. Raises ArchiveError."""
    with tarfile.open(source) as archive:
        image = _Image.read(archive)
        for number in reversed(range(len(image.layers))):
            with tarfile.open(fileobj=image.layer(number)) as layer:
                if found := [member for member in layer if member.name.removeprefix("./") == SBOM]:
                    return cast(IO[bytes], layer.extractfile(found[-1])).read()
    raise ArchiveError(f"the image has no bill of materials at /{SBOM}")


def _copy_layer(source: IO[bytes], target: IO[bytes], *, keep: bool) -> None:
    if keep:
        while block := source.read(1 << 20):
            target.write(block)
        return
    with (
        tarfile.open(fileobj=source) as layer,
        tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as written,
    ):
        for member in _plain(layer):
            written.addfile(member, layer.extractfile(member) if member.isreg() else None)


def _plain(layer: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in layer:
        member.mtime = EPOCH
        member.uname = member.gname = ""
        member.pax_headers = {name: value for name, value in member.pax_headers.items() if name not in _TIMES}
        yield member


def _configuration(config: dict[str, Any], ids: list[str], base: int) -> dict[str, Any]:
    """Return the image's configuration without the build's time, container and intermediate images."""
    kept = {name: value for name, value in config.items() if name not in _BUILD_FIELDS}
    started = {**config.get("config", {})}
    started |= {name: "" for name in ("Hostname", "Image") if name in started}
    history, layers = [], 0
    for entry in config.get("history", []):
        # Steps of this build follow the base's last layer.
        history.append({**entry, "created": _CREATED} if layers >= base else entry)
        layers += not entry.get("empty_layer", False)
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{found}" for found in ids]}
    return {**kept, "created": _CREATED, "config": started, "history": history, "rootfs": rootfs}


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise ArchiveError(f"the image archive has no {name}")
    return found


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = size, EPOCH
    archive.addfile(entry, content)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
