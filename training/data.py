"""Load rows, apply the rules, count what each drops, hash the rest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from pandera.errors import SchemaErrors

from training.sources import DataLocation, Source

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

    from training.use_case import UseCase


class DataError(ValueError):
    """A source's rows lack what the use case needs."""


@dataclass(frozen=True)
class Table:
    """Valid rows, their origin, and the count of rows each rule dropped."""

    frame: pd.DataFrame
    parts: Sequence[str]
    source: str
    raw_rows: int
    dropped: dict[str, int]

    @property
    def sha256(self) -> str:
        """The hash of columns, types and values, the same on every machine."""
        return frame_sha256(self.frame)


def load(use_case: "UseCase", parts: Sequence[str], source: Source, location: DataLocation) -> Table:
    """Return the valid rows of `parts`, in order. Raises SourceError and DataError."""
    raw = pd.concat([raw_part(use_case, part, source, location) for part in parts], ignore_index=True)
    described = ", ".join(source.describe(part, location) for part in parts)
    return wrangle(use_case, raw, parts, described)


def wrangle(use_case: "UseCase", raw: pd.DataFrame, parts: Sequence[str], described: str) -> Table:
    """Return the valid rows of `raw`. Raises DataError when there are none."""
    failures = _failures(raw, use_case.rules)
    valid_rows = raw[~raw.index.isin(failures["index"])]
    if valid_rows.empty:
        raise DataError(f"no row of {', '.join(parts)} passes the rules: {_counts(failures)}")
    frame = use_case.rules.validate(valid_rows).reset_index(drop=True)
    return Table(frame=frame, parts=parts, source=described, raw_rows=len(raw), dropped=_counts(failures))


def raw_part(use_case: "UseCase", part: str, source: Source, location: DataLocation) -> pd.DataFrame:
    """Return a part's rows before the rules are applied. Raises DataError."""
    frame = use_case.prepare(source.read(part, location))
    if missing := [c for c in use_case.columns if c not in frame]:
        raise DataError(
            f"{source.describe(part, location)} has no column {', '.join(missing)}: add it in the use case's "
            f"prepare(); the columns are {', '.join(map(str, frame.columns))}"
        )
    frame = frame[use_case.columns]
    return (use_case.split(frame, part) if use_case.split else frame).reset_index(drop=True)


def valid(frame: pd.DataFrame, rules: "DataFrameSchema") -> pd.Series:
    """Return which rows pass every rule, as booleans on the frame's index."""
    return pd.Series(~frame.index.isin(_failures(frame, rules)["index"]), index=frame.index)


def frame_sha256(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a frame's column names, types and values."""
    digest = hashlib.sha256()
    for name in frame:
        values = frame[name]
        digest.update(f"{name}:{values.dtype.kind}:{len(values)}\n".encode())
        if values.dtype.kind in "iufM":
            plain = values.astype("datetime64[us]") if values.dtype.kind == "M" else values
            digest.update(plain.to_numpy().tobytes())
        else:
            digest.update("\x1f".join(values.astype(str)).encode())
    return digest.hexdigest()


def _failures(frame: pd.DataFrame, rules: "DataFrameSchema") -> pd.DataFrame:
    """Return pandera's failure cases of single rows.

    Raises DataError on a failure of the whole table.
    """
    try:
        rules.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases: pd.DataFrame = error.failure_cases
    else:
        return pd.DataFrame({"column": [], "check": [], "index": []})
    # A wrong column type follows from single values that can't be coerced.
    if (whole := cases[cases["index"].isna()]).size:
        first = whole.iloc[0]
        raise DataError(f"the rules can't be applied: {first['column']}: {first['check']}")
    rows: pd.DataFrame = cases[~cases["check"].astype(str).str.startswith("dtype(")]
    return rows


def _counts(failures: pd.DataFrame) -> dict[str, int]:
    """Return the count of rows each rule drops.

    A row that breaks two rules counts under both.
    """
    cases = failures.drop_duplicates(["column", "check", "index"])
    checks = cases["check"].astype(str).replace({"not_nullable": "is present"})
    named = cases["column"].astype(str) + ": " + checks
    return {str(name): int(count) for name, count in named.value_counts().items()}
