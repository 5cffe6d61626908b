"""data.lock: source, rows, parameters and packages of a run, to repeat it."""

from importlib.metadata import version
from pathlib import Path
from typing import Self

import msgspec

from contract.schema import Struct
from training.data import DataError, Table
from training.use_case import Params

FILE = "data.lock"
PACKAGES = ("numpy", "pandas", "scikit-learn", "skl2onnx")


class LockedTable(Struct, frozen=True, kw_only=True):
    """Identity of the rows of one role: parts, origin, SHA-256, counts."""

    parts: list[str]
    origin: str
    sha256: str
    raw_rows: int
    rows: int

    @classmethod
    def of(cls, table: Table) -> Self:
        """Return the identity of a table."""
        return cls(
            parts=list(table.parts),
            origin=table.source,
            sha256=table.sha256,
            raw_rows=table.raw_rows,
            rows=len(table.frame),
        )

    def check(self, role: str, table: Table) -> None:
        """Raise DataError when `table` isn't the one that was locked."""
        if table.sha256 != self.sha256:
            raise DataError(
                f"the {role} rows are not those of the lock: {len(table.frame):,} rows from {table.source} "
                f"with SHA-256 {table.sha256[:12]}..., the lock has {self.rows:,} from {self.origin} with "
                f"{self.sha256[:12]}...: provide the locked files, or train without --lock"
            )


class Lock(Struct, frozen=True, kw_only=True):
    """Source, rows, parameters and package versions of a run."""

    use_case: str
    source: str
    params: Params
    train: LockedTable
    validation: LockedTable
    packages: dict[str, str]

    @classmethod
    def of(cls, use_case: str, source: str, params: Params, train: Table, validation: Table) -> Self:
        """Return the lock of a run."""
        return cls(
            use_case=use_case,
            source=source,
            params=params,
            train=LockedTable.of(train),
            validation=LockedTable.of(validation),
            packages={name: version(name) for name in PACKAGES},
        )

    def to_json(self) -> bytes:
        """Return data.lock, indented, with a final newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a data.lock. Raises DataError when it isn't one."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise DataError(f"{path} can't be read as a data.lock: {error}") from error

    def other_packages(self) -> dict[str, str]:
        """Return the packages whose installed version differs, with both versions."""
        installed = {name: version(name) for name in self.packages}
        return {n: f"{v} locked, {installed[n]} here" for n, v in self.packages.items() if installed[n] != v}
