"""Where rows come from. A use case lists its sources; the first that can serve is taken."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd

from training.download import fetch

FOLDER_VARIABLE = "SCOREWATCH_DATA"
SOURCE_VARIABLE = "SCOREWATCH_SOURCE"


class SourceError(RuntimeError):
    """No source, or not the one asked for, can give the rows."""


@dataclass(frozen=True)
class DataLocation:
    """What sources know of the machine: its environment and where they may keep files."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    workdir: Path = Path(".scorewatch")

    @property
    def cache(self) -> Path:
        """The folder of downloaded files."""
        return self.workdir / "cache"


class Source(Protocol):
    """A way to get the raw rows of a part, such as a month."""

    @property
    def name(self) -> str:
        """The short name `--source` takes."""

    def missing(self, parts: Sequence[str], place: DataLocation) -> str | None:
        """Return why the source can't serve these parts unasked, or None when it can."""

    def describe(self, part: str, place: DataLocation) -> str:
        """Return the origin of a part's rows in words a person can check."""

    def read(self, part: str, place: DataLocation) -> pd.DataFrame:
        """Return the raw rows of a part. Raises SourceError."""


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV (also compressed) or Parquet file by its ending. Raises SourceError."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if ".csv" in path.suffixes:
        # UCI writes semicolons, most others commas.
        return pd.read_csv(path, sep=";" if _semicolons(path) else ",")
    raise SourceError(f"{path} is neither CSV nor Parquet: convert it or give the source a read_file")


def _semicolons(path: Path) -> bool:
    if path.suffix != ".csv":
        return False
    with path.open() as lines:
        return ";" in lines.readline()


@dataclass(frozen=True)
class Folder:
    """Files in the folder SCOREWATCH_DATA names; `{part}` in a pattern stands for the part."""

    patterns: Sequence[str]
    read_file: Callable[[Path], pd.DataFrame] = read_table
    name: str = "folder"

    def missing(self, parts: Sequence[str], place: DataLocation) -> str | None:
        """Return why the folder can't serve these parts."""
        if FOLDER_VARIABLE not in place.environ:
            return f"{FOLDER_VARIABLE} is not set"
        lacking = [p for p in parts if self._find(p, place) is None]
        if lacking:
            return f"{place.environ[FOLDER_VARIABLE]} has no {self.patterns[0].format(part=lacking[0])}"
        return None

    def describe(self, part: str, place: DataLocation) -> str:
        """Return the file's name."""
        found = self._find(part, place)
        return f"file {found.name}" if found else f"file {self.patterns[0].format(part=part)}"

    def read(self, part: str, place: DataLocation) -> pd.DataFrame:
        """Return the file's rows. Raises SourceError when it isn't there."""
        found = self._find(part, place)
        if found is None:
            raise SourceError(
                f"{self.missing([part], place)}: set {FOLDER_VARIABLE} to a folder that holds it, "
                f"or choose another source with {SOURCE_VARIABLE}"
            )
        return self.read_file(found)

    def _find(self, part: str, place: DataLocation) -> Path | None:
        folder = Path(place.environ.get(FOLDER_VARIABLE, ""))
        if FOLDER_VARIABLE not in place.environ:
            return None
        candidates = (folder / pattern.format(part=part) for pattern in self.patterns)
        return next((path for path in candidates if path.is_file()), None)


@dataclass(frozen=True)
class Download:
    """Files by URL, kept in the cache; their SHA-256 is recorded at first and verified ever after."""

    url: str
    read_file: Callable[[Path], pd.DataFrame] = read_table
    sha256: Mapping[str, str] = field(default_factory=dict)
    name: str = "download"

    def missing(self, parts: Sequence[str], place: DataLocation) -> str | None:
        """Return why nothing is downloaded: nobody asked."""
        del parts, place
        return f"downloads are made only when asked for ({SOURCE_VARIABLE}={self.name})"

    def describe(self, part: str, place: DataLocation) -> str:
        """Return the URL."""
        del place
        return self.url.format(part=part)

    def read(self, part: str, place: DataLocation) -> pd.DataFrame:
        """Return the file's rows. Raises SourceError when it can't be had or isn't the one known."""
        url = self.url.format(part=part)
        return self.read_file(fetch(url, place.cache, expected=self.sha256.get(part)))


@dataclass(frozen=True)
class Generated:
    """Rows made up by a generator that was fitted to real ones; called synthetic everywhere."""

    generate: Callable[[str], pd.DataFrame]
    fitted_to: str
    name: str = "synthetic"

    def missing(self, parts: Sequence[str], place: DataLocation) -> str | None:
        """Return None: a generator always serves."""
        del parts, place
        return None

    def describe(self, part: str, place: DataLocation) -> str:
        """Return that the rows are synthetic, and what the generator was fitted to."""
        del place
        return f"SYNTHETIC {part}, generator fitted to {self.fitted_to}"

    def read(self, part: str, place: DataLocation) -> pd.DataFrame:
        """Return generated rows, the same at every call."""
        del place
        return self.generate(part)


@dataclass(frozen=True)
class Rows:
    """Rows a function returns: a table of an installed package, a query of your own."""

    load: Callable[[str], pd.DataFrame]
    about: str
    name: str = "rows"

    def missing(self, parts: Sequence[str], place: DataLocation) -> str | None:
        """Return None: the function is there."""
        del parts, place
        return None

    def describe(self, part: str, place: DataLocation) -> str:
        """Return what the use case says of the rows."""
        del place
        return f"{self.about}, {part}"

    def read(self, part: str, place: DataLocation) -> pd.DataFrame:
        """Return the function's rows."""
        del place
        return self.load(part)


def choose(
    sources: Sequence[Source], parts: Sequence[str], place: DataLocation, wanted: str | None = None
) -> Source:
    """Return the source asked for by `wanted` or SCOREWATCH_SOURCE, else the first that serves.

    Raises:
        SourceError: no source has that name, or none can serve.

    """
    by_name = {s.name: s for s in sources}
    wanted = wanted or place.environ.get(SOURCE_VARIABLE) or None
    if wanted is not None:
        if wanted not in by_name:
            raise SourceError(f"there is no source {wanted!r}: choose one of {', '.join(by_name)}")
        return by_name[wanted]
    reasons = {s.name: s.missing(parts, place) for s in sources}
    for source in sources:
        if reasons[source.name] is None:
            return source
    raise SourceError("no source can serve: " + "; ".join(f"{n}: {r}" for n, r in reasons.items()))
