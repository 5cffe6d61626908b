import dataclasses
from pathlib import Path

import pytest

from contract.schema import DType, Target
from training.errors import UseCaseError
from training.sources import DataLocation
from training.use_case import UseCase


def test_the_shipped_use_cases_are_found_by_file_name() -> None:
    assert UseCase.named("green_taxi").model_name == "scorewatch-green-taxi"
    assert UseCase.named("white_wine").id_dtype is DType.INT


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UseCaseError, match=r"'blue_taxi'.*green_taxi, white_wine"):
        UseCase.named("blue_taxi")


def test_a_file_without_a_declaration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("X = 1\n")
    with pytest.raises(UseCaseError, match="declares no USE_CASE"):
        UseCase.named(str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Tiny-Case"}, "lower case letters, digits and underscores, such as tiny_case"),
        ({"segments": ["shape"]}, r"\['shape'\] are not features"),
        ({"id_field": "Model"}, "use case tiny: id_field 'Model' clashes with field 'model'"),
        ({"demos": {}}, r"lacks \['drifted', 'normal'\]"),
    ],
)
def test_a_contradiction_is_refused(tiny: UseCase, change: dict[str, object], message: str) -> None:
    with pytest.raises(UseCaseError, match=message):
        dataclasses.replace(tiny, **change)


def test_a_target_among_the_features_is_refused(tiny: UseCase) -> None:
    with pytest.raises(UseCaseError, match="remove it from them"):
        dataclasses.replace(tiny, target=Target(name="size"))


def test_a_demo_is_reproducible_with_distinct_ids(tiny: UseCase) -> None:
    normal = tiny.demo("normal", 200)
    assert normal.equals(tiny.demo("normal", 200))
    drawn = [normal, tiny.demo("normal", 200, seed=1), tiny.demo("drifted", 200)]
    ids = [i for frame in drawn for i in frame["record_id"]]
    assert len(set(ids)) == 600


def test_integer_ids_are_distinct_too() -> None:
    wine = UseCase.named("white_wine")
    ids = [
        i
        for phase in ("normal", "drifted")
        for seed in (0, 1)
        for i in wine.demo(phase, 50, seed=seed)["customer_id"]
    ]
    assert len(set(ids)) == 200
    assert all(isinstance(i, int) for i in ids)


def test_a_demo_keeps_invalid_rows_without_a_target(tiny: UseCase) -> None:
    frame = tiny.demo("normal", 600)
    assert frame["price"].isna().sum() == 7
    assert frame["size"].notna().all()


def test_a_demo_draws_with_replacement_only_from_too_few_rows(tiny: UseCase) -> None:
    assert not tiny.demo("normal", 600).duplicated(["size", "time"]).any()
    assert tiny.demo("normal", 700)["record_id"].is_unique


def test_the_drifted_phase_selects(tiny: UseCase) -> None:
    assert tiny.demo("drifted", 50)["size"].min() > 5


def test_a_demo_title_names_synthetic_rows(tiny: UseCase) -> None:
    assert tiny.demo_title("normal") == "later rows (synthetic)"


def test_a_demo_title_names_real_rows(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREWATCH_DATA", str(real_data))
    taxi = UseCase.named("green_taxi")
    assert taxi.demo_title("drifted") == "April 2020, the city under lockdown (real)"
    rides = taxi.demo("drifted", 2_000, location=DataLocation(environ={"SCOREWATCH_DATA": str(real_data)}))
    assert rides["pickup_datetime"].dt.strftime("%Y-%m").eq("2020-04").all()
