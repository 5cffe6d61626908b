"""SQL of the Athena path, for Trino and for DuckDB."""

# ruff: noqa: S608  # statements hold names and limits of the bundle, quoted by duckdb_sql; no input

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from contract import bundle, names
from contract.schema import Contract, DType, Kind
from lambda_monitor.lake import duckdb_sql, texts
from lambda_monitor.profiles.profile import NumericSpec, ProfileSpec
from lambda_monitor.profiles.segments import TOP_LEVELS

_HOUR_MS = 3_600_000
_TRINO_MD5 = "lower(to_hex(md5(to_utf8({}))))"


class Dialect(StrEnum):
    """SQL dialect of the engine that runs the query."""

    TRINO = "trino"
    DUCKDB = "duckdb"


def dialect(rows: Callable[[str], list[dict[str, str]]]) -> Dialect:
    """Return the dialect of the engine; DuckDB writes type names in capitals."""
    answer = rows("SELECT typeof(1) AS one")[0]["one"]
    return Dialect.DUCKDB if answer.isupper() else Dialect.TRINO


def countable(specs: ProfileSpec) -> ProfileSpec:
    """Return the specs of all columns of prediction events, which have no target."""
    return msgspec.structs.replace(
        specs,
        numeric={n: spec for n, spec in specs.numeric.items() if n != bundle.TARGET_COLUMN},
        categorical={n: spec for n, spec in specs.categorical.items() if n != bundle.TARGET_COLUMN},
    )


class Query:
    """Statements over one table of prediction events, for one model version."""

    def __init__(
        self,
        table: str,
        contract: Contract,
        specs: ProfileSpec,
        engine: Dialect,
        between: tuple[datetime, datetime] | None = None,
        id_column: str = "",
    ) -> None:
        self._table = table
        self._id = duckdb_sql.name(id_column) if id_column else "NULL"
        self._contract = contract
        self._specs = specs
        self._trino = engine is Dialect.TRINO
        self._between = between
        self._names = specs.columns
        # grouping() gives one bit per key, 1 if the key isn't grouped by; the first key has the highest.
        self.whole = str(2 ** len(self._names) - 1)

    def kind(self, number: int) -> str:
        """Return the value of `kind` in rows that count by the key of that number."""
        return str(2 ** len(self._names) - 1 - 2 ** (len(self._names) - 1 - number))

    @property
    def has_known_levels(self) -> bool:
        """Whether any column has levels known in training, so that others are new."""
        return any(spec.known is not None for spec in self._specs.categorical.values())

    def counts(self, partitions: Sequence[datetime]) -> str:
        """Return the statement that counts records by partition, hour of arrival, and each key."""
        numbers = range(len(self._names))
        keys = ", ".join(f"k{n}" for n in numbers)
        sets = ["(part, arrival, used, version)", *(f"(part, arrival, used, k{n})" for n in numbers)]
        measures = [
            m for n, name in enumerate(self._names) if name in self._specs.numeric for m in self._sums(n)
        ]
        return (
            f"{self._rows(partitions)}, keyed AS (SELECT part, arrival, arrived, version, used, "
            f"{', '.join(self._key(n) for n in numbers)}, {', '.join(f'v{n}' for n in numbers)} FROM marked) "
            f"SELECT part, arrival, used, version, {keys}, grouping({keys}) AS kind, count(*) AS n, "
            f"max(arrived) AS newest{''.join(f', {m}' for m in measures)} "
            f"FROM keyed GROUP BY GROUPING SETS ({', '.join(sets)})"
        )

    def new_levels(self, partitions: Sequence[datetime]) -> str:
        """Return the statement for the commonest levels unknown in training, by column."""
        numbers = [
            number
            for number, name in enumerate(self._names)
            if name in self._specs.categorical and self._specs.categorical[name].known is not None
        ]
        unknown = [f"CASE WHEN {self._key(n, named=False)} = 'u' THEN v{n} END AS u{n}" for n in numbers]
        places = "".join(f" WHEN grouping(u{n}) = 0 THEN {n}" for n in numbers)
        # One scan: a common table that is named twice is read twice by Trino.
        return (
            f"{self._rows(partitions)}, unlisted AS (SELECT part, arrival, {', '.join(unknown)} FROM marked "
            f"WHERE used = 1), levels AS (SELECT part, arrival, CASE{places} END AS place, "
            f"{_first(f'u{n}' for n in numbers)} AS level, count(*) AS n FROM unlisted "
            f"GROUP BY GROUPING SETS ({', '.join(f'(part, arrival, u{n})' for n in numbers)})), ranked AS "
            "(SELECT *, row_number() OVER (PARTITION BY part, arrival, place ORDER BY n DESC, level) "
            "AS rank_ FROM levels WHERE level IS NOT NULL) "
            f"SELECT part, arrival, place, level, n FROM ranked WHERE rank_ <= {TOP_LEVELS}"
        )

    def sample(self, partitions: Sequence[datetime], rows: int) -> str:
        """Return the statement for the rows of lowest identity of each partition and hour."""
        values = [f"{value} AS v{n}" for n, value in enumerate(self._event_values())]
        values.append(f"{self._bounded(f'CAST({self._id} AS VARCHAR)')} AS id")
        return (
            f"{self._rows(partitions, values)}, ranked AS (SELECT *, row_number() OVER "
            f"(PARTITION BY part, arrival ORDER BY identity) AS rank_ FROM marked WHERE used = 1) "
            f"SELECT part, arrival, id, identity, arrived, "
            f"{', '.join(f'v{n}' for n in range(len(values) - 1))} "
            f"FROM ranked WHERE rank_ <= {rows} ORDER BY part, arrival, identity"
        )

    def _rows(self, partitions: Sequence[datetime], values: Sequence[str] | None = None) -> str:
        """Return the common table of events; `used` is 1 for the first copy of an own record."""
        if values is None:
            values = [f"{self._value(name)} AS v{n}" for n, name in enumerate(self._names)]
        version = duckdb_sql.text(self._contract.model.version)
        return (
            f"WITH events AS (SELECT {_concat('year', 'month', 'day', 'hour')} AS part, "
            f"{self._arrived()} AS arrived, {self._identity()} AS identity, "
            f"{self._bounded('CAST(model.version AS VARCHAR)')} AS version, {', '.join(values)} "
            f"FROM {duckdb_sql.name(self._table)} WHERE {_where(partitions)}), "
            "copies AS (SELECT *, row_number() OVER (PARTITION BY identity, version ORDER BY part) AS copy "
            f"FROM events{self._inside()}), "
            # A line without identity or time is not a prediction event: it is counted without an hour.
            "marked AS (SELECT *, CASE WHEN identity IS NULL OR version IS NULL THEN NULL "
            f"ELSE arrived - arrived % {_HOUR_MS} END AS arrival, "
            f"CASE WHEN version = {version} AND copy = 1 AND identity IS NOT NULL AND arrived IS NOT NULL "
            "THEN 1 ELSE 0 END AS used FROM copies)"
        )

    def _inside(self) -> str:
        if self._between is None:
            return ""
        start, end = (round(moment.timestamp() * 1000) for moment in self._between)
        return f" WHERE arrived >= {start} AND arrived < {end}"

    def _event_values(self) -> list[str]:
        """Return the columns of a sample as text: features, prediction, probability of a class."""
        names = [*self._contract.feature_names, bundle.PREDICTION_COLUMN]
        if (probability := bundle.probability_column(self._contract)) is not None:
            names.append(probability)
        whole = {f.name for f in self._contract.features if f.dtype is DType.INT}
        return [
            # A double would be written as 54.0, which is no whole number to readers.
            f"CAST(TRY_CAST({self._field('features', name)} AS BIGINT) AS VARCHAR)"
            if name in whole
            else f"CAST({self._value(name)} AS VARCHAR)"
            for name in names
        ]

    def _value(self, name: str) -> str:
        """Return a column of the event: a double if it is numeric, else text."""
        if name == bundle.PREDICTION_COLUMN:
            field = self._field("prediction", self._contract.target.name)
            labels = self._contract.target.labels or []
            whole = bool(labels) and all(isinstance(label, int) for label in labels)
        elif name == bundle.PROBABILITY_COLUMN:
            field, whole = self._field("prediction", "probability"), False
        elif name == bundle.POSITIVE_COLUMN:
            field, whole = self._positive(), False
        elif self._contract.feature(name).kind is Kind.TEXT:
            field, whole = texts.length_sql(self._field("features", name)), False
        else:
            field = self._field("features", name)
            whole = self._contract.feature(name).dtype is DType.INT
        if name in self._specs.numeric:
            return f"TRY_CAST({field} AS DOUBLE)"
        if whole:
            return f"CAST(TRY_CAST({field} AS BIGINT) AS VARCHAR)"
        return self._bounded(f"CAST({field} AS VARCHAR)")

    def _positive(self) -> str:
        """Return the probability of the positive class, for older events the complement; see events.py."""
        target = self._contract.target
        highest = f"TRY_CAST({self._field('prediction', 'probability')} AS DOUBLE)"
        label = f"CAST({self._field('prediction', target.name)} AS VARCHAR)"
        positive = duckdb_sql.text(str(target.positive))
        older = f"CASE WHEN {label} = {positive} THEN {highest} ELSE 1 - {highest} END"
        held = self._field("prediction", names.PROBABILITIES_FIELD) if self._trino else "to_json(prediction)"
        if self._trino:
            by_class = f"TRY(CAST(json_parse({held}) AS MAP(VARCHAR, DOUBLE)))"
            keys = dict.fromkeys((str(target.positive), str(target.positive).lower()))
            found = [f"TRY(element_at({by_class}, {duckdb_sql.text(key)}))" for key in keys]
        else:
            by_class = f"TRY_CAST({held} -> '{names.PROBABILITIES_FIELD}' AS MAP(VARCHAR, DOUBLE))"
            found = [f"{by_class}[{positive}]"]
        return f"coalesce({', '.join([*found, older])})"

    def _bounded(self, text: str) -> str:
        return texts.bounded_sql(text, _TRINO_MD5) if self._trino else texts.bounded_sql(text)

    def _field(self, holder: str, name: str) -> str:
        if not self._trino:
            return f"{holder}[{duckdb_sql.text(name)}]"
        # Athena's SerDe may give the keys of a map in lower case.
        keys = dict.fromkeys((name, name.lower()))
        return _first(f"element_at({holder}, {duckdb_sql.text(key)})" for key in keys)

    def _arrived(self) -> str:
        """Return the arrival in milliseconds since 1970."""
        if self._trino:
            return "CAST(round(to_unixtime(try(from_iso8601_timestamp(record.arrived_at))) * 1000) AS BIGINT)"
        return "epoch_ms(TRY_CAST(record.arrived_at AS TIMESTAMP))"

    def _identity(self) -> str:
        """Return the identity that events.py stores: the first half of MD5, in hex."""
        key = _concat("CAST(record.shard AS VARCHAR)", "'/'", "CAST(record.sequence_number AS VARCHAR)")
        digest = _TRINO_MD5.format(key) if self._trino else f"md5({key})"
        return f"substr({digest}, 1, 16)"

    def _key(self, number: int, *, named: bool = True) -> str:
        """Return the key a column counts by: the bin's number, or v and the level; n if missing."""
        name, value = self._names[number], f"v{number}"
        if name in self._specs.numeric:
            cases = "".join(
                f" WHEN {value} <= {_double(edge)} THEN '{place}'"
                for place, edge in enumerate(self._specs.numeric[name].edges)
            )
            last = f"'{len(self._specs.numeric[name].edges)}'"
        else:
            spec = self._specs.categorical[name]
            cases = f" WHEN {value} IN ({_texts(spec.levels)}) THEN {_concat(chr(39) + 'v' + chr(39), value)}"
            if spec.known:
                cases += f" WHEN {value} IN ({_texts(spec.known)}) THEN 'o'"
            last = "'o'" if spec.known is None else "'u'"
        key = f"CASE WHEN {value} IS NULL THEN 'n'{cases} ELSE {last} END"
        return f"{key} AS k{number}" if named else key

    def _sums(self, number: int) -> list[str]:
        spec: NumericSpec = self._specs.numeric[self._names[number]]
        value = f"v{number}"
        low, high = (_double(bound) for bound in spec.clip)
        clipped = (
            f"CASE WHEN {value} IS NULL THEN NULL WHEN {value} < {low} THEN {low} "
            f"WHEN {value} > {high} THEN {high} ELSE {value} END"
        )
        return [
            f"count({value}) AS count{number}",
            f"sum({clipped}) AS total{number}",
            f"sum(({clipped}) * ({clipped})) AS squares{number}",
            f"min({value}) AS low{number}",
            f"max({value}) AS high{number}",
            f"sum({_beyond(value, spec.minimum, spec.maximum)}) AS outside{number}",
            f"sum({_beyond(value, *spec.unusual)}) AS unusual{number}",
        ]


def _beyond(value: str, low: float | None, high: float | None) -> str:
    tests = [f"{value} {sign} {_double(b)}" for sign, b in (("<", low), (">", high)) if b is not None]
    return f"CASE WHEN {' OR '.join(tests)} THEN 1 ELSE 0 END" if tests else "0"


def _where(partitions: Sequence[datetime]) -> str:
    """Return the condition on the partition columns, one term per day."""
    days: dict[datetime, list[str]] = {}
    for moment in partitions:
        days.setdefault(moment.replace(hour=0), []).append(f"'{moment:%H}'")
    return " OR ".join(
        f"(year = '{day:%Y}' AND month = '{day:%m}' AND day = '{day:%d}' AND hour IN ({', '.join(hours)}))"
        for day, hours in days.items()
    )


def _double(value: float) -> str:
    # Trino parses 0.1 as a decimal and 1.0E-1 as a double.
    text = repr(float(value))
    return text if "e" in text else f"{text}E0"


def _first(values: Iterable[str]) -> str:
    """Return the first of `values` that is not null."""
    listed = list(values)
    return f"coalesce({', '.join(listed)})" if len(listed) > 1 else listed[0]


def _concat(*parts: str) -> str:
    return " || ".join(parts)


def _texts(values: Sequence[str]) -> str:
    return ", ".join(duckdb_sql.text(value) for value in values)
