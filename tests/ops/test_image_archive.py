import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ops import image_archive
from ops.image_archive import EPOCH, ArchiveError
from tests.ops.fakes import archives

LATER = {"time": "2027-05-06T07:08:09Z", "seconds": 1_809_673_689.25, "container": "decaf"}


def normalised(folder: Path, **build: Any) -> Path:
    archives.write_archive(folder / "built.tar", "image:1", **build)
    target = folder / "plain.tar"
    image_archive.normalise(folder / "built.tar", target, archives.LAYERS)
    return target


def parts(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    """Return an archive's configuration and layers."""
    with tarfile.open(path) as archive:
        read = lambda name: archive.extractfile(name).read()  # type: ignore[union-attr]  # noqa: E731
        [entry] = json.loads(read("manifest.json"))
        assert entry["RepoTags"] == ["image:1"]
        return json.loads(read(entry["Config"])), [read(name) for name in entry["Layers"]]


def test_two_builds_of_the_same_content_are_one_image(tmp_path: Path) -> None:
    first = normalised(tmp_path).read_bytes()
    assert normalised(tmp_path, **LATER).read_bytes() == first
    assert normalised(tmp_path, **LATER, compress=True).read_bytes() == first
    assert normalised(tmp_path, content=b"handler = 2\n").read_bytes() != first


def test_the_base_image_stays_as_it_is(tmp_path: Path) -> None:
    config, layers = parts(normalised(tmp_path))
    assert layers[:2] == archives.BASE
    base, ours = config["history"][:2], config["history"][2:]
    assert [entry["created"] for entry in base] == ["2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z"]
    assert {entry["created"] for entry in ours} == {"1980-01-01T00:00:00Z"}


def test_layers_keep_files_and_modes_without_times(tmp_path: Path) -> None:
    config, layers = parts(normalised(tmp_path))
    assert config["rootfs"]["diff_ids"] == [archives.digest(content) for content in layers]
    with tarfile.open(fileobj=io.BytesIO(layers[2])) as layer:
        members = layer.getmembers()
        assert layer.extractfile("var/task/handler.py").read() == b"handler = 1\n"  # type: ignore[union-attr]
    assert {(m.mtime, m.mode, tuple(m.pax_headers)) for m in members} == {(EPOCH, 0o644, ())}


def test_what_the_image_runs_is_kept_and_what_built_it_is_not(tmp_path: Path) -> None:
    config, _ = parts(normalised(tmp_path))
    assert config["config"] == {"Cmd": ["x.handler"], "Env": ["HOME=/tmp"], "Hostname": "", "Image": ""}
    assert not {"container", "container_config", "docker_version"} & set(config)


def test_a_layer_that_docker_saved_as_a_link_is_read(tmp_path: Path) -> None:
    built = tmp_path / "built.tar"
    archives.write_archive(built, "image:1")
    with tarfile.open(built) as archive, tarfile.open(tmp_path / "linked.tar", "w") as written:
        for member in archive:
            content = archive.extractfile(member)
            if member.name.startswith(archives.LAYERS[0][7:]):
                link = tarfile.TarInfo(member.name)
                link.type, link.linkname = tarfile.SYMTYPE, "../0/layer.tar"
                written.addfile(link)
                member.name = "0/layer.tar"
            written.addfile(member, content)
    image_archive.normalise(tmp_path / "linked.tar", tmp_path / "plain.tar", archives.LAYERS)
    assert (tmp_path / "plain.tar").read_bytes() == normalised(tmp_path).read_bytes()


def test_an_image_on_another_base_is_refused(tmp_path: Path) -> None:
    archives.write_archive(tmp_path / "built.tar", "image:1")
    with pytest.raises(ArchiveError, match="does not begin with the base image's layers"):
        image_archive.normalise(tmp_path / "built.tar", tmp_path / "plain.tar", ["sha256:other"])


def test_the_bill_of_materials_is_read_from_the_image(tmp_path: Path) -> None:
    assert image_archive.sbom(normalised(tmp_path)) == archives.SBOM


def test_an_image_without_a_bill_of_materials_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_archive, "SBOM", "usr/share/other")
    archives.write_archive(tmp_path / "built.tar", "image:1")
    with pytest.raises(ArchiveError, match="no bill of materials at /usr/share/other"):
        image_archive.sbom(tmp_path / "built.tar")
