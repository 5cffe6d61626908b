"""Sources of rows: folder, download, synthetic rows, functions."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd

from training.download import fetch
from training.errors import UserError

FOLDER_VARIABLE = "SCOREWATCH_DATA"
SOURCE_VARIABLE = "SCOREWATCH_SOURCE"
# In the checkout, whatever the current folder.
DEFAULT_WORKDIR = Path(__file__).resolve().parents[1] / ".scorewatch"


class SourceError(UserError, RuntimeError):
    """No source, or not the requested one, can provide the rows."""


@dataclass(frozen=True)
class DataLocation:
    """Environment variables and work folder that sources read from."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    workdir: Path = DEFAULT_WORKDIR

    @property
    def cache(self) -> Path:
        """The folder of downloaded files."""
        return self.workdir / "cache"


class Source(Protocol):
    """Source of the raw rows of a part, such as a month."""

    @property
    def name(self) -> str:
        """The short name `--source` takes."""

    def missing(self, parts: Sequence[str], location: DataLocation) -> str | None:
        """Return why the source can't serve these parts, or None."""

    def describe(self, part: str, location: DataLocation) -> str:
        """Return the origin of a part's rows, for output and metadata."""

    def read(self, part: str, location: DataLocation) -> pd.DataFrame:
        """Return the raw rows of a part. Raises SourceError."""


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV (also compressed) or Parquet file by its ending. Raises SourceError."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if ".csv" in path.suffixes:
        # UCI files have semicolons, most others commas.
        return pd.read_csv(path, sep=";" if _semicolons(path) else ",")
    raise SourceError(f"{path} is neither CSV nor Parquet: convert it, or pass read_file to the source")


def _semicolons(path: Path) -> bool:
    if path.suffix != ".csv":
        return False
    with path.open() as lines:
        return ";" in lines.readline()


@dataclass(frozen=True)
class Folder:
    """Files in the folder SCOREWATCH_DATA; `{part}` in a pattern is the part."""

    patterns: Sequence[str]
    read_file: Callable[[Path], pd.DataFrame] = read_table
    name: str = "folder"

    def missing(self, parts: Sequence[str], location: DataLocation) -> str | None:
        """Return why the folder can't serve these parts."""
        if FOLDER_VARIABLE not in location.environ:
            return f"{FOLDER_VARIABLE} is not set"
        lacking = [p for p in parts if self._find(p, location) is None]
        if lacking:
            return f"{location.environ[FOLDER_VARIABLE]} has no {self.patterns[0].format(part=lacking[0])}"
        return None

    def describe(self, part: str, location: DataLocation) -> str:
        """Return the file's name."""
        found = self._find(part, location)
        return f"file {found.name}" if found else f"file {self.patterns[0].format(part=part)}"

    def read(self, part: str, location: DataLocation) -> pd.DataFrame:
        """Return the file's rows. Raises SourceError when it is missing."""
        found = self._find(part, location)
        if found is None:
            _check_folder([self], location)
            raise SourceError(
                f"{self.missing([part], location)}: set {FOLDER_VARIABLE} to a folder that holds it, "
                f"or choose another source with {SOURCE_VARIABLE}"
            )
        return self.read_file(found)

    def _find(self, part: str, location: DataLocation) -> Path | None:
        folder = Path(location.environ.get(FOLDER_VARIABLE, ""))
        if FOLDER_VARIABLE not in location.environ:
            return None
        candidates = (folder / pattern.format(part=part) for pattern in self.patterns)
        return next((path for path in candidates if path.is_file()), None)


@dataclass(frozen=True)
class Download:
    """Files by URL, cached, with their SHA-256 recorded and verified."""

    url: str
    read_file: Callable[[Path], pd.DataFrame] = read_table
    sha256: Mapping[str, str] = field(default_factory=dict)
    name: str = "download"

    def missing(self, parts: Sequence[str], location: DataLocation) -> str | None:
        """Return that downloads need an explicit request."""
        del parts, location
        return f"downloads need an explicit request ({SOURCE_VARIABLE}={self.name})"

    def describe(self, part: str, location: DataLocation) -> str:
        """Return the URL."""
        del location
        return self.url.format(part=part)

    def read(self, part: str, location: DataLocation) -> pd.DataFrame:
        """Return the file's rows. Raises DownloadError."""
        url = self.url.format(part=part)
        return self.read_file(fetch(url, location.cache, expected=self.sha256.get(part)))


@dataclass(frozen=True)
class Synthetic:
    """Synthetic rows of a generator fitted to real ones."""

    generate: Callable[[str], pd.DataFrame]
    fitted_to: str
    name: str = "synthetic"

    def missing(self, parts: Sequence[str], location: DataLocation) -> str | None:
        """Return None: a generator always serves."""
        del parts, location
        return None

    def describe(self, part: str, location: DataLocation) -> str:
        """Return that the rows are synthetic, and the generator's data."""
        del location
        return f"SYNTHETIC {part}, generator fitted to {self.fitted_to}"

    def read(self, part: str, location: DataLocation) -> pd.DataFrame:
        """Return synthetic rows, the same at every call."""
        del location
        return self.generate(part)


@dataclass(frozen=True)
class Rows:
    """Rows a function returns, such as a query's result."""

    load: Callable[[str], pd.DataFrame]
    about: str
    name: str = "rows"

    def missing(self, parts: Sequence[str], location: DataLocation) -> str | None:
        """Return None: a function always serves."""
        del parts, location
        return None

    def describe(self, part: str, location: DataLocation) -> str:
        """Return the declared description and the part."""
        del location
        return f"{self.about}, {part}"

    def read(self, part: str, location: DataLocation) -> pd.DataFrame:
        """Return the function's rows."""
        del location
        return self.load(part)


def choose(
    sources: Sequence[Source], parts: Sequence[str], location: DataLocation, wanted: str | None = None
) -> Source:
    """Return the requested source, else the first that can serve.

    `wanted` or SCOREWATCH_SOURCE requests one.

    Raises:
        SourceError: no source has that name, or none can serve.

    """
    by_name = {s.name: s for s in sources}
    wanted = wanted or location.environ.get(SOURCE_VARIABLE) or None
    if wanted is not None:
        if wanted not in by_name:
            raise SourceError(f"there is no source {wanted!r}: choose one of {', '.join(by_name)}")
        return by_name[wanted]
    _check_folder(sources, location)
    reasons = {s.name: s.missing(parts, location) for s in sources}
    for source in sources:
        if reasons[source.name] is None:
            return source
    raise SourceError("no source can serve: " + "; ".join(f"{n}: {r}" for n, r in reasons.items()))


def _check_folder(sources: Sequence[Source], location: DataLocation) -> None:
    """Raise SourceError where SCOREWATCH_DATA is no folder: another source would replace it unnoticed."""
    folder = location.environ.get(FOLDER_VARIABLE)
    if folder is not None and any(isinstance(s, Folder) for s in sources) and not Path(folder).is_dir():
        raise SourceError(
            f"{FOLDER_VARIABLE}={folder} is not a folder: correct the path, or unset it to use another source"
        )
