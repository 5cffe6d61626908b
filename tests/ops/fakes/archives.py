"""Archives as `docker save` writes them: the format of Docker's image specification v1.2."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SBOM = b'{"bomFormat": "CycloneDX"}'
BASE_TIME = 1_700_000_000


def layer(files: Mapping[str, bytes], time: float) -> bytes:
    """Return a layer's tar, each entry of the given time, sorted by name."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), time, 0o644
            entry.pax_headers = {"atime": str(time + 1)}
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def configuration(layers: list[bytes], time: str, container: str) -> dict[str, Any]:
    """Return the configuration that Docker's classic builder writes."""
    return {
        "architecture": "amd64",
        "created": time,
        "container": container,
        "container_config": {"Hostname": container[:12]},
        "docker_version": "20.10.24",
        "config": {
            "Cmd": ["x.handler"],
            "Env": ["HOME=/tmp"],
            "Hostname": "",
            "Image": f"sha256:{container}",
        },
        "history": [
            {"created": "2023-11-14T22:13:20Z", "created_by": "base"},
            {"created": "2023-11-14T22:14:20Z", "created_by": "base's second layer"},
            {"created": time, "created_by": "COPY"},
            {"created": time, "created_by": "CMD", "empty_layer": True},
        ],
        "rootfs": {"type": "layers", "diff_ids": [digest(content) for content in layers]},
    }


def digest(content: bytes) -> str:
    """Return a digest as configurations name it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write_archive(
    path: Path,
    tag: str,
    *,
    time: str = "2026-01-02T03:04:05.678Z",
    seconds: float = 1_767_323_045.678,
    container: str = "c0ffee",
    compress: bool = False,
    content: bytes = b"handler = 1\n",
) -> None:
    """Write an image of two base layers and one of ours, built at `time` in `container`."""
    ours = layer({"usr/share/scorewatch/sbom.cdx.json": SBOM, "var/task/handler.py": content}, seconds)
    layers = [*BASE, ours]
    config = json.dumps(configuration(layers, time, container)).encode()
    names = [f"{digest(content)[7:]}/layer.tar" for content in layers]
    name = f"{digest(config)[7:]}.json"
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": names}]
    with tarfile.open(path, "w") as archive:
        for file, stored in zip(names, layers, strict=True):
            _add(archive, file, gzip.compress(stored) if compress else stored)
        _add(archive, name, config)
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


BASE = [layer({name: b"ID=amzn\n"}, BASE_TIME) for name in ("etc/os-release", "usr/lib/os-release")]
LAYERS = [digest(content) for content in BASE]
