"""Count hours with Athena, for windows too large for one function.

Each statement scans the partitions once and returns counts by the reference's bins and levels, so that
results are small whatever the window. Athena runs Trino's SQL; an embedded AWS may run DuckDB's. Here the
two differ only in how a field of JSON is read, a time parsed and a hash computed.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError

from contract import bundle
from contract.schema import Contract
from lambda_monitor.hours.accumulator import count_other
from lambda_monitor.hours.athena_sql import Query, countable, dialect
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ARRIVED, ID, IDENTITY, VERSION
from lambda_monitor.profiles.profile import (
    Categorical,
    CategoricalSpec,
    Numeric,
    NumericSpec,
    Profile,
    ProfileSpec,
)
from lambda_monitor.profiles.segments import TOP_LEVELS, Segments, Sums

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

# Rows of one hour's sample; the hours of a day together have several times the rows of a report.
SAMPLE_ROWS = 1_000
_FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0


class AthenaError(RuntimeError):
    """A query failed or did not end in time."""


class HourCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the records of a partition that arrived in one hour; see ledger.Part."""

    records: int
    newest: datetime | None
    duplicates: int
    others: dict[str, int]
    profile: Profile
    sample: pa.Table


class Runner:
    """Runs queries in one workgroup."""

    def __init__(
        self,
        athena: "AthenaClient",
        workgroup: str,
        database: str,
        seconds_left: Callable[[], float],
    ) -> None:
        self._athena = athena
        self._workgroup = workgroup
        self._database = database
        self._seconds_left = seconds_left

    def rows(self, query: str) -> list[dict[str, str]]:
        """Return the rows of the result by column, null as an empty text. Raises AthenaError."""
        names: list[str] = []
        rows: list[dict[str, str]] = []
        try:
            number = self._athena.start_query_execution(
                QueryString=query,
                WorkGroup=self._workgroup,
                QueryExecutionContext={"Database": self._database},
            )["QueryExecutionId"]
            self._wait(number)
            for page in self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=number):
                names = [column["Name"] for column in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
                for row in page["ResultSet"]["Rows"]:
                    values = (datum.get("VarCharValue", "") for datum in row["Data"])
                    rows.append(dict(zip(names, values, strict=True)))
        except (BotoCoreError, ClientError) as error:
            raise AthenaError(f"Athena refused a query: {error}") from error
        # The first row repeats the names.
        return rows[1:] if rows and list(rows[0].values()) == names else rows

    def _wait(self, number: str) -> None:
        pause = _FIRST_WAIT
        while True:
            execution = self._athena.get_query_execution(QueryExecutionId=number)["QueryExecution"]
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                return
            if state in _FINAL:
                reason = execution["Status"].get("StateChangeReason", "no reason given")
                raise AthenaError(f"Athena query {number} {state.lower()}: {reason}")
            if self._seconds_left() < pause:
                self._athena.stop_query_execution(QueryExecutionId=number)
                raise AthenaError(f"Athena query {number} did not end within the function's time")
            # Athena offers no way to wait but to poll the state.
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT)


class AthenaCounter:
    """Counts the records of partitions by SQL."""

    def __init__(
        self, runner: Runner, table: str, contract: Contract, specs: ProfileSpec, id_column: str = ""
    ) -> None:
        self._runner = runner
        self._table = table
        self._id_column = id_column
        self._contract = contract
        self._specs = countable(specs)

    def count(
        self,
        partitions: Sequence[datetime],
        among: Sequence[datetime],
        between: tuple[datetime, datetime] | None = None,
    ) -> tuple[dict[datetime, dict[datetime, HourCounts]], dict[datetime, int]]:
        """Return the counts of `partitions` by arrival hour, and the number of bad lines of each.

        A record is counted in the first of the partitions `among` that holds it and, if `between` is
        given, only if it arrived in that range. Raises AthenaError.
        """
        engine = dialect(self._runner.rows)
        query = Query(self._table, self._contract, self._specs, engine, between, self._id_column)
        rows = self._runner.rows(query.counts(among))
        fresh = self._runner.rows(query.new_levels(among)) if query.has_known_levels else []
        samples = self._samples(self._runner.rows(query.sample(among, SAMPLE_ROWS)))
        wanted = {f"{p:%Y%m%d%H}": p for p in partitions}
        grouped: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        for row in rows:
            if row["part"] in wanted:
                grouped[row["part"], row["arrival"]].append(row)
        found: dict[datetime, dict[datetime, HourCounts]] = {p: {} for p in partitions}
        bad: dict[datetime, int] = {}
        for (part, arrival), own in grouped.items():
            if not arrival:
                bad[wanted[part]] = sum(int(row["n"]) for row in own if row["kind"] == query.whole)
                continue
            new = [row for row in fresh if (row["part"], row["arrival"]) == (part, arrival)]
            counted = self._counted(query, own, new, samples.get((part, arrival)))
            found[wanted[part]][_moment(arrival)] = counted
        return found, bad

    def _counted(
        self,
        query: Query,
        rows: list[dict[str, str]],
        fresh: list[dict[str, str]],
        sample: pa.Table | None,
    ) -> HourCounts:
        version = self._contract.model.version
        whole = [row for row in rows if row["kind"] == query.whole]
        used = [row for row in rows if row["used"] == "1"]
        own = next((row for row in whole if row["used"] == "1"), None)
        others: dict[str, int] = {}
        for row in sorted((r for r in whole if r["version"] != version), key=lambda r: r["version"]):
            count_other(others, row["version"], int(row["n"]))
        return HourCounts(
            records=int(own["n"]) if own is not None else 0,
            newest=_moment(own["newest"]) if own is not None else None,
            duplicates=sum(int(r["n"]) for r in whole if r["used"] == "0" and r["version"] == version),
            others=others,
            profile=self._profile(query, own, used, fresh),
            sample=sample if sample is not None else self._samples_schema().empty_table(),
        )

    def _profile(
        self,
        query: Query,
        own: dict[str, str] | None,
        used: list[dict[str, str]],
        fresh: list[dict[str, str]],
    ) -> Profile:
        numeric, categorical = {}, {}
        for number, name in enumerate(self._specs.columns):
            keys = {row[f"k{number}"]: int(row["n"]) for row in used if row["kind"] == query.kind(number)}
            if name in self._specs.numeric:
                numeric[name] = _numeric(self._specs.numeric[name], keys, own or {}, number)
            else:
                new = {r["level"]: int(r["n"]) for r in fresh if r["place"] == str(number)}
                categorical[name] = _categorical(self._specs.categorical[name], keys, new)
        return Profile(
            rows=int(own["n"]) if own is not None else 0,
            numeric=numeric,
            categorical=categorical,
            segments=self._segments(query, used),
        )

    def _segments(self, query: Query, used: list[dict[str, str]]) -> Segments:
        spec = self._specs.segments
        if spec is None:
            return {}
        columns = self._specs.columns
        outcome = columns.index(spec.outcome)
        found: Segments = {}
        for name, levels in spec.levels.items():
            place = columns.index(name)
            rows = {
                r[f"k{place}"][1:]: r
                for r in used
                if r["kind"] == query.kind(place) and r[f"k{place}"][:1] == "v"
            }
            found[name] = {
                level: _sums(rows[level], outcome)
                for level in sorted(levels)
                if level in rows and int(rows[level][f"count{outcome}"])
            }
        return found

    def _samples_schema(self) -> pa.Schema:
        schema = events.schema(self._contract)
        return schema.remove(schema.get_field_index(VERSION))

    def _samples(self, rows: list[dict[str, str]]) -> dict[tuple[str, str], pa.Table]:
        """Return the sample of each hour; ids are null if the table has no id column."""
        grouped: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        for row in rows:
            grouped[row["part"], row["arrival"]].append(row)
        schema = self._samples_schema()
        places = {name: f"v{number}" for number, name in enumerate(_sampled(self._contract))}
        tables = {}
        for key, own in grouped.items():
            columns = {
                ID: pa.array([r["id"] or None for r in own], pa.string()),
                IDENTITY: pa.array([int(r["identity"], 16) for r in own], pa.uint64()),
                ARRIVED: pa.array([int(r["arrived"]) for r in own], pa.int64()).cast(
                    schema.field(ARRIVED).type
                ),
            }
            for name, place in places.items():
                texts = pa.array([r[place] or None for r in own], pa.string())
                columns[name] = texts.cast(schema.field(name).type)
            tables[key] = pa.table(columns, schema=schema)
        return tables


def _sampled(contract: Contract) -> Iterator[str]:
    """Yield the columns of a sample that are fields of events."""
    yield from contract.feature_names
    yield bundle.PREDICTION_COLUMN
    if (probability := bundle.probability_column(contract)) is not None:
        yield probability


def _numeric(spec: NumericSpec, keys: dict[str, int], own: dict[str, str], number: int) -> Numeric:
    bins = [keys.get(str(place), 0) for place in range(len(spec.edges) + 1)]
    return Numeric(
        count=sum(bins),
        missing=keys.get("n", 0),
        histogram=bins,
        total=float(own.get(f"total{number}") or 0.0),
        squares=float(own.get(f"squares{number}") or 0.0),
        low=float(own[f"low{number}"]) if own.get(f"low{number}") else None,
        high=float(own[f"high{number}"]) if own.get(f"high{number}") else None,
        outside=int(own.get(f"outside{number}") or 0),
        unusual=int(own.get(f"unusual{number}") or 0),
    )


def _sums(row: dict[str, str], outcome: int) -> Sums:
    return Sums(
        count=int(row[f"count{outcome}"]),
        total=float(row[f"total{outcome}"]),
        squares=float(row[f"squares{outcome}"]),
    )


def _categorical(spec: CategoricalSpec, keys: dict[str, int], new: dict[str, int]) -> Categorical:
    listed = {key[1:]: n for key, n in keys.items() if key.startswith("v")}
    levels = {level: listed[level] for level in spec.levels if level in listed}
    count = sum(n for key, n in keys.items() if key != "n")
    known = None if spec.known is None else set(spec.known)
    unknown = 0
    if known is not None:
        unknown = keys.get("u", 0) + sum(n for level, n in listed.items() if level not in known)
        new = {**new, **{level: n for level, n in listed.items() if level not in known}}
    return Categorical(
        count=count,
        missing=keys.get("n", 0),
        levels=dict(sorted(levels.items())),
        other=count - sum(levels.values()),
        unknown=unknown,
        new=dict(sorted(new.items(), key=lambda item: (-item[1], item[0]))[:TOP_LEVELS]),
    )


def _moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
