import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pandas as pd
import pytest
from moto import mock_aws

from contract import bundle, layout
from contract.events import RecordRef, prediction_type
from contract.schema import Contract
from contract.timestamps import timestamp
from lambda_predict.model import Model
from tests.training.conftest import TINY
from training import records, tracking
from training.data import DataError
from training.pipeline import Trained, train
from training.retrain import labelled_records, retrain
from training.tracking import RegistryError
from training.use_case import UseCase

LAKE = "lake"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW = START + timedelta(hours=3)


@pytest.fixture(scope="module")
def champion(train_tiny: Callable[..., Trained]) -> Trained:
    return train_tiny()


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=LAKE)
        yield client


def score(trained: Trained, frame: pd.DataFrame, start: datetime = START) -> list[bytes]:
    """Return prediction events as the Lambda writes them, one per second."""
    contract = Contract.read(trained.bundle / bundle.CONTRACT)
    model = Model(contract, (trained.bundle / bundle.MODEL).read_bytes())
    predictions = model.predict([frame[f].tolist() for f in contract.feature_names])
    event = prediction_type(contract)
    lines = []
    for number, data in enumerate(records.encode(contract, frame)):
        sent = json.loads(data)
        moment = timestamp(start + timedelta(seconds=number))
        scored = event(
            record_id=sent["record_id"],
            payload=msgspec.Raw(json.dumps(sent["thing"]).encode()),
            features=sent["thing"],
            prediction=predictions[number],
            model=contract.model,
            record=RecordRef(shard="shardId-0", sequence_number=f"{number:056d}", arrived_at=moment),
            scored_at=moment,
        )
        lines.append(msgspec.json.encode(scored) + b"\n")
    return lines


def put(s3: Any, root: str, lines: list[bytes], name: str = "part", start: datetime = START) -> None:
    key = f"{layout.hour_prefix(root, start)}{name}.gz"
    s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(b"".join(lines)))


def fill(
    s3: Any, trained: Trained, tiny: UseCase, count: int, shift: float = 0.0, start: datetime = START
) -> pd.DataFrame:
    frame = tiny.demo("normal", count).assign(price=lambda f: f["price"] + shift)
    contract = Contract.read(trained.bundle / bundle.CONTRACT)
    put(s3, layout.PREDICTIONS, score(trained, frame, start), start=start)
    put(s3, layout.GROUND_TRUTH, records.ground_truth(contract, frame), start=start)
    return frame


def test_labelled_records_are_distinct_joined_by_id_and_ordered(
    s3: Any, champion: Trained, tiny: UseCase
) -> None:
    frame = fill(s3, champion, tiny, 300)
    put(s3, layout.PREDICTIONS, score(champion, frame)[:100], "delivered-again")
    contract = Contract.read(champion.bundle / bundle.CONTRACT)
    found = labelled_records(contract, s3, LAKE, START, NOW)
    expected = frame.dropna(subset=["price"])
    assert found["size"].tolist() == expected["size"].tolist()
    assert found["price"].tolist() == expected["price"].tolist()


def test_only_the_window_is_read(s3: Any, champion: Trained, tiny: UseCase) -> None:
    fill(s3, champion, tiny, 300)
    contract = Contract.read(champion.bundle / bundle.CONTRACT)
    assert len(labelled_records(contract, s3, LAKE, START, START + timedelta(seconds=50))) <= 50
    assert labelled_records(contract, s3, LAKE, START + timedelta(days=1), NOW + timedelta(days=1)).empty


def test_after_a_shift_the_retrained_model_becomes_champion(
    s3: Any, champion: Trained, tiny: UseCase, workdir: Path
) -> None:
    """Every price is 20 higher, so the champion's error is 20."""
    fill(s3, champion, tiny, 2_000, shift=20.0)
    messages: list[str] = []
    trained = retrain(str(TINY), s3, LAKE, workdir, now=NOW, progress=messages.append)
    assert trained.champion
    assert trained.source == "lake"
    assert trained.metrics["rmse"] < 3
    assert any("labelled records since" in line for line in messages)
    lock = json.loads((trained.page.parent / "data.lock").read_text())
    assert lock["train"]["rows"] == pytest.approx(3 * lock["validation"]["rows"], abs=30)
    assert lock["train"]["origin"].startswith("lake s3://lake ")
    again = train(str(TINY), workdir, lock=trained.page.parent / "data.lock", progress=messages.append)
    assert again.metrics == trained.metrics, "the run stores its rows, so it can be repeated"


def test_too_few_labels_are_refused_with_advice(
    s3: Any, champion: Trained, tiny: UseCase, workdir: Path
) -> None:
    fill(s3, champion, tiny, 300)
    with pytest.raises(DataError, match="are too few, 1,000 are needed: wait for labels"):
        retrain(str(TINY), s3, LAKE, workdir, now=NOW, progress=lambda _: None)


def test_without_a_champion_retraining_is_refused(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="has no alias champion"):
        retrain(str(TINY), s3, LAKE, tmp_path, now=NOW, progress=lambda _: None)
    assert tracking.tracking_uri(tmp_path).endswith("mlflow.db")
