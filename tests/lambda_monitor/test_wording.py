"""Columns and values in the user's own words, in sentences of checks."""

import msgspec
import pytest

from contract.schema import Contract, ContractError, Target, Task
from lambda_monitor import wording
from tests.lambda_monitor.synthetic import contract

NAMED = contract(value_names={"PULocationID": "zone", "DOLocationID": {"71": "Flatbush"}})


@pytest.mark.parametrize(
    ("declared", "column", "expected"),
    [
        (NAMED, "trip_distance", "trip_distance"),
        (NAMED, "target", "duration"),
        (NAMED, "prediction", "predicted duration"),
        (
            contract(task=Task.CLASSIFICATION, target=Target(name="paid", labels=[0, 1], positive=1)),
            "positive_probability",
            "probability of paid 1",
        ),
        (
            contract(task=Task.CLASSIFICATION, target=Target(name="quality")),
            "probability",
            "probability of the predicted quality",
        ),
    ],
)
def test_a_column_has_the_targets_own_name(declared: Contract, column: str, expected: str) -> None:
    assert wording.column(declared, column) == expected


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("PULocationID", "71", "zone 71"),
        ("PULocationID", 'a "b"\n', "zone \"a 'b'\\n\""),
        ("DOLocationID", "71", "Flatbush (71)"),
        ("DOLocationID", "72", '"72"'),
        ("trip_distance", "71", '"71"'),
    ],
)
def test_a_value_has_its_declared_name_or_is_quoted(column: str, value: str, expected: str) -> None:
    assert wording.level(NAMED, column, value) == expected


def test_a_segment_names_its_column() -> None:
    assert wording.segment(NAMED, "PULocationID", "71") == "PULocationID zone 71"
    assert wording.segment(contract(), "PULocationID", "71") == 'PULocationID = "71"'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"PULocation": "zone"}, "'PULocation', which is no feature"),
        ({"PULocationID": ""}, "'': give 1 to 40 printable"),
        ({"PULocationID": {"71": "a\nb"}}, "give 1 to 40 printable"),
        ({"PULocationID": "z" * 41}, "give 1 to 40 printable"),
    ],
)
def test_a_wrong_declaration_is_refused(given: dict, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract(value_names=given)


def test_a_contract_of_an_earlier_release_has_no_names() -> None:
    earlier = msgspec.json.decode(contract().to_json())
    earlier.pop("value_names", None)

    assert Contract.from_json(msgspec.json.encode(earlier)).value_names == {}
    assert Contract.from_json(NAMED.to_json()).value_names == NAMED.value_names


def test_one_is_counted_in_the_singular() -> None:
    assert [wording.counted(number, "hour") for number in (0, 1, 24)] == ["0 hours", "1 hour", "24 hours"]
