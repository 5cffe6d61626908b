"""Parts of the alert benchmark: separate rows, shifts, judges, tables."""

import importlib.util
import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.alert_quality import flights, judges, nannyml_judge, shifts, synthetic, tables, wines
from benchmarks.alert_quality.measure import Measured
from benchmarks.alert_quality.nannyml_judge import Docket, NannyMLError
from contract.schema import Task
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.model import Model
from lambda_monitor.profiles.profile import Profile, ProfileSpec


@pytest.fixture
def watched() -> Any:
    reference = synthetic.rows("reference").rename(columns={"y": "target"}).assign(prediction=1.0)
    clip = {name: SimpleNamespace(clip=(-1e9, 1e9)) for name in synthetic.NUMERIC}
    return SimpleNamespace(
        reference=reference,
        names=[*synthetic.NUMERIC, "kind", "place"],
        compared=[*synthetic.NUMERIC, "kind", "place", "prediction"],
        categorical=["kind", "place"],
        contract=SimpleNamespace(task=Task.REGRESSION, target=SimpleNamespace(labels=None)),
        model=SimpleNamespace(profile_spec=SimpleNamespace(numeric=clip)),
        predicted=lambda rows: rows,
    )


@pytest.fixture
def rows() -> pd.DataFrame:
    return synthetic.rows("window", 1_000).rename(columns={"y": "target"})


def test_mean_moves_by_the_given_standard_deviations(watched: Any, rows: pd.DataFrame) -> None:
    moved = shifts.mean("x1", 0.2)(watched, rows)

    assert moved["x1"].mean() - rows["x1"].mean() == pytest.approx(0.2 * watched.reference["x1"].std())
    assert moved.drop(columns="x1").equals(rows.drop(columns="x1"))


def test_stretch_moves_only_the_mean_of_the_logarithm(watched: Any, rows: pd.DataFrame) -> None:
    positive = rows[rows["x1"] > 0]
    logs = np.log(shifts.stretch("x1", 0.5)(watched, positive)["x1"]), np.log(positive["x1"])

    deviation = np.log(watched.reference["x1"][watched.reference["x1"] > 0]).std()
    assert logs[0].mean() - logs[1].mean() == pytest.approx(0.5 * deviation)
    assert logs[0].std() == pytest.approx(logs[1].std())


@pytest.mark.parametrize(("column", "share"), [("place", 0.04), ("place", 0.20), ("x2", 0.04), ("x2", 0.2)])
def test_segment_has_about_the_given_share(watched: Any, column: str, share: float) -> None:
    inside = shifts.segment(watched, column, share)(watched.reference)

    assert inside.mean() == pytest.approx(share, rel=0.15)


def test_within_changes_only_the_segment_and_keeps_the_order(watched: Any, rows: pd.DataFrame) -> None:
    chosen = shifts.segment(watched, "place", 0.20)
    changed = shifts.within(chosen, shifts.times("x1", 2))(watched, rows)

    differs = changed["x1"] != rows["x1"]
    assert differs.equals(chosen(rows).rename("x1"))
    assert changed.index.equals(rows.index)


def test_suite_contains_every_kind_of_shift(watched: Any, rows: pd.DataFrame) -> None:
    suite = shifts.shifts(synthetic.SUITE, watched)

    kinds = ("mean", "spread", "moved to", "a new", "missing", "about 4%", "about 20%", "concept")
    assert [kind for kind in kinds if not any(kind in label for label in suite)] == []
    assert [label for label, change in suite.items() if change(watched, rows).equals(rows)] == []


def test_concept_shift_changes_no_feature(watched: Any, rows: pd.DataFrame) -> None:
    changed = shifts.concept(watched, rows)

    assert changed.drop(columns="target").equals(rows.drop(columns="target"))
    assert (changed["target"] / rows["target"]).to_numpy() == pytest.approx(4 / 3)


def test_the_two_windows_of_a_pair_share_no_row(watched: Any) -> None:
    pool = synthetic.rows("pool", 3_000).assign(number=range(3_000))
    windows = list(shifts.pairs(watched, pool, {"none": lambda _, r: r}, 3, seed=1))

    assert [(w.draw, w.step) for w in windows] == [(d, s) for d in range(3) for s in (0, 1)]
    for one, two in zip(windows[::2], windows[1::2], strict=True):
        assert not set(one.rows["number"]) & set(two.rows["number"])


def test_all_flights_of_a_day_are_in_one_part() -> None:
    if importlib.util.find_spec(flights.PACKAGE) is None:
        pytest.skip(f"{flights.PACKAGE} is not installed")
    days = [set(flights.read(f"winter/{role}/0")["date"]) for role in ("train", "reference", "held out")]

    assert all(len(d) == 30 for d in days)
    assert not any(a & b for a, b in itertools.combinations(days, 2))


def test_a_wine_is_in_one_part_and_splits_differ() -> None:
    wines_ = pd.DataFrame({"alcohol": np.arange(5_000) / 100, "pH": 3.0})
    parts = {
        split: [
            set(wines.use_case(split).split(wines_, part).index)
            for part in ("train", "validation", "held out")
        ]
        for split in ("1", "2")
    }

    assert all(sum(map(len, sides)) == len(set.union(*sides)) == 5_000 for sides in parts.values())
    assert [len(side) / 5_000 for side in parts["1"]] == pytest.approx([0.31, 0.19, 0.5], abs=0.03)
    assert parts["1"][0] != parts["2"][0]


def test_interval_without_alarms_is_wider_than_zero() -> None:
    low, high = tables.interval(0, 2_400)

    assert low == 0
    assert high == pytest.approx(0.0016, abs=1e-4)


def test_within_two_counts_pairs_of_one_split() -> None:
    alarms = pd.DataFrame(
        {"split": ["a", "a", "a", "a", "b", "b"], "draw": [0, 0, 1, 1, 0, 0], "judge": [1, 0, 0, 0, 1, 1]}
    ).astype({"judge": bool})

    assert tables.seen(alarms, "judge") == (0.5, pytest.approx(2 / 3))


def test_table_reports_undetected_ramps() -> None:
    verdicts = [
        {"kind": kind, "label": label, "split": "a", "size": 1_000, "draw": draw, "step": step}
        | {"Scorewatch": kind == "ramp" and draw == 0 and step >= 4}
        for kind, label, steps in (
            ("calm", "days", (0,)),
            ("shift", "mean", (0, 1)),
            ("ramp", "x", range(1, 11)),
        )
        for draw in (0, 1)
        for step in steps
    ]
    text = "\n".join(tables.lines(Measured("Made", "about", pd.DataFrame(verdicts), agreement=(3, 4))))

    assert "| 4.0, 50% never |" in text
    assert "| days, 1,000 rows | 2 | 0.0 [0.0, 65.8] |" in text
    assert "in 3 of 4 columns" in text


def test_nannyml_verdicts_are_assigned_to_their_windows(
    watched: Any, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = rows.assign(prediction=1.0)
    docket = Docket(tmp_path)
    docket.add(watched, [(0, asked[:100]), (1, asked[:200]), (2, asked[100:200])])

    def judged(_: list[str]) -> None:
        tasks = json.loads((tmp_path / "tasks.json").read_text())
        sizes = [len(pq.read_table(task["windows"])) // task["size"] for task in tasks]
        answers = [
            {"univariate": [task["size"] == 200] * n, "multivariate": [False] * n, "performance": [True] * n}
            for task, n in zip(tasks, sizes, strict=True)
        ]
        (tmp_path / "tasks.verdicts.json").write_text(json.dumps(answers))

    monkeypatch.setattr(nannyml_judge, "run_in", judged)
    found = docket.verdicts(tmp_path)

    assert sorted(found) == [0, 1, 2]
    assert [found[place][nannyml_judge.UNIVARIATE] for place in (0, 1, 2)] == [False, True, False]
    assert all(verdict[nannyml_judge.LABELLED] for verdict in found.values())


def test_a_failing_judge_reports_the_cause(tmp_path: Path) -> None:
    docket = Docket(tmp_path)

    with pytest.raises(NannyMLError, match="it fails: no message"):
        docket.verdicts(Path("/bin/false"))


def test_seasons_count_is_judged_by_that_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = synthetic.rows("window", 200).rename(columns={"y": "target"}).assign(prediction=1.0)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    contract: Any = SimpleNamespace(
        **{f: getattr(synthetic.USE_CASE, f) for f in ("task", "features", "target", "segments")}
    )
    spec = ProfileSpec.of(contract, table)
    fields: Any = {"contract": contract, "reference": table, "profile_spec": spec, "thresholds": None}
    model = Model(**fields, baseline=Profile.of(table, spec), check_config=CheckConfig())
    seasons = []
    monkeypatch.setattr(
        judges.columns, "check_columns", lambda given, _: seasons.append(given.check_config.seasonality) or []
    )
    monkeypatch.setattr(judges.columns, "check_performance", lambda *_: [])
    watched: Any = SimpleNamespace(model=model, names=[*synthetic.NUMERIC, "kind", "place"])

    assert judges.scorewatch(watched, rows) == ([], [], [], [])
    assert seasons == ["ignore", "count"]
