"""Bundle files, and the manifest with their checksums."""

import hashlib
from pathlib import Path
from typing import Self

import msgspec

from contract import names
from contract.schema import Contract, Struct, Task
from contract.version import VERSION

MODEL = "model.onnx"
CONTRACT = "contract.json"
REFERENCE = "reference.parquet"
THRESHOLDS = "thresholds.json"
METRICS = "metrics.json"
MANIFEST = "manifest.json"
FILES = (MODEL, CONTRACT, REFERENCE, THRESHOLDS, METRICS)
# User configuration of checks; without the file every check runs with its defaults.
CHECKS = "checks.json"
OPTIONAL_FILES = (CHECKS,)

# Columns of reference.parquet besides features and inputs; time only if the data has it.
PREDICTION_COLUMN = names.PREDICTION_COLUMN
PROBABILITY_COLUMN = names.PROBABILITY_COLUMN
POSITIVE_COLUMN = names.POSITIVE_COLUMN
TARGET_COLUMN = names.TARGET_COLUMN
TIME_COLUMN = names.TIME_COLUMN

# Metadata of model.onnx: its classes as JSON, in the order of its probabilities.
CLASSES_KEY = "scorewatch.classes"


def probability_column(contract: Contract) -> str | None:
    """Return the column of the probability that is monitored, None for a regression.

    It is the positive class's, or the predicted class's if no class is positive.
    """
    if contract.task is Task.REGRESSION:
        return None
    return PROBABILITY_COLUMN if contract.target.positive is None else POSITIVE_COLUMN


def input_column(name: str) -> str:
    """Return the column of reference.parquet that has an input; no feature has such a name."""
    return f"@{name}"


class BundleError(RuntimeError):
    """A bundle is incomplete or differs from its manifest."""


class FileEntry(Struct, frozen=True, kw_only=True):
    """SHA-256 in hex and size in bytes of one file."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Name, version and checksums of a bundle; `manifest.json`.

    `scorewatch` is the version of Scorewatch that exported it, empty for bundles of 0.1.0. Unknown
    fields are ignored, so that an earlier release reads bundles of a later one.
    """

    name: str
    version: str
    files: dict[str, FileEntry]
    scorewatch: str = ""

    def to_json(self) -> bytes:
        """Return `manifest.json`, indented, with a final newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse `manifest.json`. Raises BundleError if it is invalid."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise BundleError(f"{MANIFEST} can't be read: {error}") from error

    def verify(self, file: str, data: bytes) -> bytes:
        """Return `data` if its SHA-256 is the manifest's for `file`. Raises BundleError."""
        entry = self.files.get(file)
        if entry is None:
            raise BundleError(f"bundle {self.name} {self.version} has no {file}: export it again")
        digest = hashlib.sha256(data).hexdigest()
        if digest != entry.sha256:
            raise BundleError(
                f"{file} of bundle {self.name} {self.version} has SHA-256 {digest[:12]}..., not "
                f"{entry.sha256[:12]}... as in the manifest: it was changed after export; "
                "export and upload a new version"
            )
        return data


def write_manifest(directory: Path, name: str, version: str) -> Manifest:
    """Write `manifest.json` of the files in `directory`. Raises BundleError if one is missing."""
    if missing := [f for f in FILES if not (directory / f).is_file()]:
        raise BundleError(f"{directory} lacks {', '.join(missing)}: a bundle needs {', '.join(FILES)}")
    present = [*FILES, *(f for f in OPTIONAL_FILES if (directory / f).is_file())]
    files = {f: _entry(directory / f) for f in present}
    manifest = Manifest(name=name, version=version, files=files, scorewatch=VERSION)
    (directory / MANIFEST).write_bytes(manifest.to_json())
    return manifest


def _entry(path: Path) -> FileEntry:
    data = path.read_bytes()
    return FileEntry(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
