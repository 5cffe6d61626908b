"""Statements of the Athena path as Athena runs them, which no engine here does."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from contract.schema import Contract, Kind
from lambda_monitor.hours import athena
from lambda_monitor.hours.athena import AthenaError, Runner
from lambda_monitor.hours.athena_sql import Dialect, Query, countable
from lambda_monitor.profiles.profile import ProfileSpec
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.synthetic import NOON, Stack, contract, reference, synthetic_rides


def with_known_levels(*zones: int) -> Contract:
    """Return a contract with two columns whose levels are known from training."""
    features = [
        msgspec.structs.replace(f, categories=list(zones)) if f.kind is Kind.CATEGORICAL else f
        for f in contract().features
    ]
    return contract(features=features)


def statements(declared: Contract, engine: Dialect = Dialect.TRINO) -> dict[str, str]:
    specs = countable(ProfileSpec.of(declared, reference()))
    query = Query("predictions", declared, specs, engine, id_column="ride_id")
    return {
        "counts": query.counts([NOON]),
        "new_levels": query.new_levels([NOON]),
        "sample": query.sample([NOON], 10),
    }


@pytest.mark.parametrize("name", ["counts", "new_levels", "sample"])
def test_trino_reads_the_table_once_in_each_statement(name: str) -> None:
    statement = statements(with_known_levels(1, 2))[name]
    # Trino runs a common table once for each place that names it.
    for table in ['"predictions"', *re.findall(r"(?:WITH|,) (\w+) AS \(SELECT", statement)]:
        assert len(re.findall(rf"FROM {table}\b|FROM {table}", statement)) == 1, table


@pytest.mark.parametrize("name", ["counts", "new_levels", "sample"])
def test_statements_are_athenas_sql(name: str) -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="make setup installs it")
    (parsed,) = sqlglot.parse(statements(with_known_levels(1, 2))[name], read="athena")
    assert parsed is not None


def test_keys_of_maps_are_read_as_written_and_in_lower_case() -> None:
    statement = statements(with_known_levels(1, 2))["counts"]
    assert "coalesce(element_at(features, 'PULocationID'), element_at(features, 'pulocationid'))" in statement
    assert "coalesce(element_at(features, 'trip_distance')" not in statement


def test_new_levels_of_several_columns_are_counted_apart(stack: Stack, tmp_path: Path) -> None:
    rides = synthetic_rides(60, seed=3)
    rides.loc[:4, "PULocationID"] = 9001
    rides.loc[5:6, "PULocationID"] = 9002
    rides.loc[:2, "DOLocationID"] = 9001
    stack.put(stack.events(rides, NOON))
    declared = with_known_levels(*range(1, 300))
    runner = Runner(DuckAthena(stack, tmp_path), "workgroup", "database", lambda: 60.0)  # type: ignore[arg-type]
    specs = ProfileSpec.of(declared, reference())

    found, _ = athena.AthenaCounter(runner, "predictions", declared, specs, "ride_id").count([NOON], [NOON])

    (counted,) = found[NOON].values()
    new = {name: column.new for name, column in counted.profile.categorical.items()}
    assert new["PULocationID"] == {"9001": 5, "9002": 2}
    assert new["DOLocationID"] == {"9001": 3}


@pytest.mark.parametrize("operation", ["start_query_execution", "get_query_execution", "paginate"])
def test_a_refused_call_is_an_athena_error(operation: str, stack: Stack, tmp_path: Path) -> None:
    stack.put(stack.events(synthetic_rides(3, seed=1), NOON))
    client = DuckAthena(stack, tmp_path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "slow down"}}, operation)

    setattr(client, operation, refuse)
    with pytest.raises(AthenaError, match="TooManyRequestsException"):
        Runner(client, "workgroup", "database", lambda: 60.0).rows("SELECT 1")  # type: ignore[arg-type]
