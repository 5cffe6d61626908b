"""Download a file once, show progress and verify its checksum."""

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from training.errors import UserError

CONNECT_SECONDS = 10
CHUNK = 1 << 20
CHECKSUMS = "sha256.json"


class DownloadError(UserError, RuntimeError):
    """A file can't be downloaded, or its checksum differs."""


def fetch(url: str, cache: Path, *, expected: str | None = None) -> Path:
    """Return the cached path of `url`; download it where it is missing.

    Its SHA-256 must be `expected` or, without that, the one `sha256.json` recorded at the first
    download. Raises DownloadError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / Path(urlsplit(url).path).name
    known = _read_checksums(cache)
    expected = expected or known.get(url)
    if not path.is_file():
        _download(url, path)
    digest = sha256_of(path)
    if expected is not None and digest != expected:
        raise DownloadError(
            f"{path} has SHA-256 {digest}, expected {expected}: delete it to download it again; if the "
            f"publisher changed the file on purpose, remove its line from {cache / CHECKSUMS} too"
        )
    if url not in known:
        (cache / CHECKSUMS).write_text(json.dumps({**known, url: digest}, indent=2, sort_keys=True) + "\n")
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_checksums(cache: Path) -> dict[str, str]:
    path = cache / CHECKSUMS
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    return known


def _download(url: str, path: Path) -> None:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise DownloadError(f"{url} is not an http(s) address")
    partial = path.with_name(path.name + ".part")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer,  # noqa: S310 (scheme checked above)
            partial.open("wb") as file,
            Progress(*columns) as progress,
        ):
            task = progress.add_task(path.name, total=int(answer.headers.get("Content-Length") or 0) or None)
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                progress.advance(task, len(chunk))
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        partial.unlink(missing_ok=True)
        raise DownloadError(
            f"{url} can't be downloaded ({error}): check the network, put the file into the folder "
            "SCOREWATCH_DATA names, or choose SCOREWATCH_SOURCE=synthetic"
        ) from error
    partial.replace(path)
