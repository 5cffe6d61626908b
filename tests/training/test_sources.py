import functools
import http.server
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.serving import serving
from training.download import DownloadError
from training.sources import DataLocation, Download, Folder, SourceError, Synthetic, choose, read_table

SYNTHETIC = Synthetic(lambda part: pd.DataFrame({"part": [part]}), fitted_to="nothing")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder over HTTP; return the folder and its URL."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, serving(server):
        yield folder, f"http://127.0.0.1:{server.server_port}"


def location(tmp_path: Path, **environ: str) -> DataLocation:
    return DataLocation(environ=environ, workdir=tmp_path)


def test_the_first_source_that_has_every_part_is_taken(tmp_path: Path) -> None:
    folder = Folder(patterns=["{part}.csv"])
    there = location(tmp_path, SCOREWATCH_DATA=str(tmp_path))
    assert choose([folder, SYNTHETIC], ["a", "b"], there) is SYNTHETIC
    for part in "ab":
        (tmp_path / f"{part}.csv").write_text("x\n1\n")
    assert choose([folder, SYNTHETIC], ["a", "b"], there) is folder
    assert folder.read("b", there)["x"].tolist() == [1]


def test_a_folder_names_the_missing_file(tmp_path: Path) -> None:
    folder = Folder(patterns=["{part}.csv"])
    assert folder.missing(["a"], location(tmp_path)) == "SCOREWATCH_DATA is not set"
    with pytest.raises(SourceError, match=r"has no a\.csv: set SCOREWATCH_DATA"):
        folder.read("a", location(tmp_path, SCOREWATCH_DATA=str(tmp_path)))


def test_downloads_need_an_explicit_request(tmp_path: Path) -> None:
    download = Download("http://127.0.0.1:1/{part}.csv")
    assert choose([download, SYNTHETIC], ["a"], location(tmp_path)) is SYNTHETIC
    assert choose([download, SYNTHETIC], ["a"], location(tmp_path, SCOREWATCH_SOURCE="download")) is download
    assert choose([download, SYNTHETIC], ["a"], location(tmp_path), "download") is download


def test_an_unknown_source_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"'lake'.*folder, synthetic"):
        choose([Folder(patterns=["x"]), SYNTHETIC], ["a"], location(tmp_path), "lake")


def test_without_a_source_every_reason_is_listed(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"folder: SCOREWATCH_DATA is not set; download: downloads need an"):
        choose([Folder(patterns=["x"]), Download("http://x/{part}")], ["a"], location(tmp_path))


def test_a_download_is_cached_and_its_checksum_verified(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, address = served
    (folder / "a.csv").write_text("x\n1\n")
    download = Download(address + "/{part}.csv")
    assert download.read("a", location(tmp_path))["x"].tolist() == [1]
    (folder / "a.csv").write_text("x\n2\n")
    assert download.read("a", location(tmp_path))["x"].tolist() == [1], "the cache serves"
    (tmp_path / "cache" / "a.csv").unlink()
    with pytest.raises(DownloadError, match="has SHA-256"):
        download.read("a", location(tmp_path))


def test_a_declared_checksum_is_verified_at_the_first_download(
    tmp_path: Path, served: tuple[Path, str]
) -> None:
    folder, address = served
    (folder / "a.csv").write_text("x\n1\n")
    with pytest.raises(DownloadError, match="expected 0000"):
        Download(address + "/{part}.csv", sha256={"a": "0" * 64}).read("a", location(tmp_path))


def test_a_failed_download_names_the_alternatives(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="SCOREWATCH_SOURCE=synthetic"):
        Download("http://127.0.0.1:1/{part}.csv").read("a", location(tmp_path))
    assert not list((tmp_path / "cache").iterdir()), "no partial file is left"


def test_tables_are_read_by_their_ending(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "semicolons.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "semicolons.csv", "t.csv.gz", "t.parquet"):
        assert read_table(tmp_path / name).equals(frame), name
    with pytest.raises(SourceError, match="neither CSV nor Parquet"):
        read_table(tmp_path / "t.xlsx")
