"""Load rows, apply the rules, count what each drops, hash the rest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors

from training import column_types
from training.column_types import PRESENT, ColumnTypeError
from training.errors import UserError, user_code
from training.model_rows import DEFINED, plain, with_derived
from training.sources import DataLocation, Source

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

    from training.use_case import UseCase


class DataError(UserError, ValueError):
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
    """Return the valid rows of `raw`, in the declared types. Raises DataError.

    A row with a missing feature, target or time is dropped and counted, as by a rule, and so is one for
    which a derived feature is not defined, unless the feature is nullable.
    """
    failures = _failures(raw, use_case.rules)
    valid_rows = raw[~raw.index.isin(failures["index"])]
    if not valid_rows.empty:
        valid_rows = use_case.rules.validate(valid_rows)
    nullable = {field.name for field in use_case.sent if field.nullable}
    frame, missing = column_types.complete(valid_rows, [c for c in use_case.columns if c not in nullable])
    dropped = _counts(failures)
    for name, count in missing.items():
        dropped[f"{name}: {PRESENT}"] = dropped.get(f"{name}: {PRESENT}", 0) + count
    if not frame.empty:
        frame, undefined = with_derived(use_case, _typed(use_case, frame, described))
        dropped |= {f"{name}: {DEFINED}": count for name, count in undefined.items()}
    if frame.empty:
        counts = ", ".join(f"{rule} ({count:,})" for rule, count in dropped.items())
        raise DataError(
            f"none of {len(raw):,} rows of {', '.join(parts)} is valid; rows dropped by rule: {counts}: "
            "correct the rules or prepare()"
        )
    return Table(
        frame=frame.reset_index(drop=True),
        parts=parts,
        source=described,
        raw_rows=len(raw),
        dropped=dropped,
    )


def raw_part(use_case: "UseCase", part: str, source: Source, location: DataLocation) -> pd.DataFrame:
    """Return a part's rows before the rules are applied. Raises DataError."""
    with user_code(f"reading part {part!r}", "correct the source's function"):
        raw = source.read(part, location)
    with user_code("prepare()"):
        frame = use_case.prepare(raw)
    described = source.describe(part, location)
    _check_columns(use_case, frame, described)
    frame = frame[use_case.columns]
    with user_code("split()"):
        frame = use_case.split(frame, part) if use_case.split else frame
    if frame.empty:
        raise DataError(
            f"{described} has no rows for part {part!r}: correct the part's name in train, validation or "
            "demos, or the function that selects its rows"
        )
    return frame.reset_index(drop=True)


def valid(frame: pd.DataFrame, rules: "DataFrameSchema") -> pd.Series:
    """Return which rows pass every rule, as booleans on the frame's index."""
    return pd.Series(~frame.index.isin(_failures(frame, rules)["index"]), index=frame.index)


def frame_sha256(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a frame's column names, types and values."""
    digest = hashlib.sha256()
    for name in frame:
        values = frame[name]
        digest.update(f"{name}:{values.dtype.kind}:{len(values)}\n".encode())
        if values.dtype.kind in "iufM" and isinstance(values.dtype, np.dtype):
            whole = values.astype("datetime64[us]") if values.dtype.kind == "M" else values
            digest.update(whole.to_numpy().tobytes())
        else:
            # One text for every missing value, whatever the column's type has for it.
            texts = map(str, plain(values)) if values.hasnans else values.astype(str)
            digest.update("\x1f".join(texts).encode())
    return digest.hexdigest()


def _check_columns(use_case: "UseCase", frame: Any, described: str) -> None:
    """Raise DataError unless `frame` is a table that has each declared column once."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"prepare() returned {type(frame).__name__}: return a pandas DataFrame")
    if missing := [c for c in use_case.columns if c not in frame]:
        raise DataError(
            f"{described} has no column {', '.join(missing)}: add it in the use case's prepare(); "
            f"the columns are {', '.join(map(str, frame.columns))}"
        )
    if twice := [c for c in use_case.columns if list(frame.columns).count(c) > 1]:
        raise DataError(f"{described} has column {', '.join(twice)} more than once: rename one in prepare()")


def _typed(use_case: "UseCase", frame: pd.DataFrame, described: str) -> pd.DataFrame:
    """Return the rows in the declared types. Raises DataError."""
    try:
        found = {f.name: column_types.field(f, frame[f.name]) for f in use_case.sent}
        target = use_case.target
        found[target.name] = column_types.target(target, use_case.task, frame[target.name])
        if use_case.time_column and use_case.time_column not in found:
            found[use_case.time_column] = column_types.time(use_case.time_column, frame[use_case.time_column])
    except ColumnTypeError as error:
        raise DataError(f"{described}: {error}") from error
    return frame.assign(**found)


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
        raise DataError(_inapplicable(first))
    rows: pd.DataFrame = cases[~cases["check"].astype(str).str.startswith("dtype(")]
    return rows


def _inapplicable(case: pd.Series) -> str:
    """Return why a rule can't be applied to the table, and the fix."""
    check, found = str(case["check"]), case["failure_case"]
    if check == "column_in_dataframe":
        return (
            f"the rules name column {found}, which is not declared: remove it from the rules; they see the "
            "fields that are sent, target and time"
        )
    if check.startswith("dtype("):
        wanted = check.removeprefix("dtype('").removesuffix("')")
        return (
            f"column {case['column']} is {found}, its rule expects {wanted}: add coerce=True to its "
            "pa.Column, or convert it in prepare()"
        )
    return f"the rule {check} of column {case['column']} can't be applied ({found}): correct it, or prepare()"


def _counts(failures: pd.DataFrame) -> dict[str, int]:
    """Return the count of rows each rule drops.

    A row that breaks two rules counts under both.
    """
    cases = failures.drop_duplicates(["column", "check", "index"])
    checks = cases["check"].astype(str).replace({"not_nullable": PRESENT})
    named = cases["column"].astype(str) + ": " + checks
    return {str(name): int(count) for name, count in named.value_counts().items()}
