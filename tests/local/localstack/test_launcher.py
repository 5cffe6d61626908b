"""What the launcher replaces in LocalStack."""

import base64
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local import traffic
from local.localstack import firehose


class Provider:
    """The replaced methods of LocalStack's FirehoseProvider, as version 4.9.2 has them."""

    def _get_s3_object_path(self, stream_name: str, prefix: str, file_extension: str) -> str:
        return f"{prefix}{stream_name}{file_extension}"

    def _preprocess_records(self, processor: dict[str, Any], records: list[Any]) -> Any:
        return [processor["Type"], *records]


class Kinesis:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def list_shards(self, StreamName: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append(StreamName)
        return {"Shards": [{"ShardId": "s"}]}

    def get_shard_iterator(self, **_: str) -> dict[str, str]:
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str, **_: int) -> dict[str, Any]:  # noqa: N803
        first = ShardIterator == "0"
        return {"Records": [{"Data": b"a"}] if first else [], "NextShardIterator": "1"}


@pytest.fixture
def kinesis() -> Kinesis:
    return Kinesis()


@pytest.fixture
def launcher(load: Any, kinesis: Kinesis) -> ModuleType:
    found: ModuleType = load(
        "local.localstack.launcher",
        {
            "localstack.constants": {"VERSION": "4.9.2"},
            "localstack.aws.connect": {"connect_to": lambda **_: SimpleNamespace(kinesis=kinesis)},
            "localstack.runtime.main": {},
            "localstack.services.firehose.provider": {
                "FirehoseProvider": type("FirehoseProvider", (Provider,), {})
            },
            "localstack.services.s3.provider": {"DEFAULT_S3_TMP_DIR": "/tmp/localstack-s3-storage"},
            "localstack.utils.kinesis.kinesis_connector": {},
        },
    )
    return found


def test_object_keys_have_their_prefix_evaluated(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firehose, "now", lambda: datetime(2026, 3, 4, 5, tzinfo=UTC))
    launcher.evaluate_prefixes()
    provider = launcher.provider.FirehoseProvider()
    keys = [provider._get_s3_object_path("s", "p/!{timestamp:yyyy}/", "") for _ in range(2)]
    assert all(key.startswith("p/2026/s-1-2026-03-04-05-00-00-") for key in keys)
    assert len(set(keys)) == 2
    # Without a prefix LocalStack passes none.
    assert provider._get_s3_object_path("s", None, None).startswith("2026/03/04/05/s-1-")


def test_delimiters_are_appended_and_other_processors_are_localstacks(launcher: ModuleType) -> None:
    launcher.append_delimiters()
    process = launcher.provider.FirehoseProvider()._preprocess_records
    records = [{"Data": base64.b64encode(b"a")}]
    (found,) = process({"Type": "AppendDelimiterToRecord"}, records)
    assert base64.b64decode(found["Data"]) == b"a\n"
    assert process({"Type": "Lambda"}, records) == ["Lambda", *records]


def test_a_source_stream_is_read_until_it_is_stopped(launcher: ModuleType, kinesis: Kinesis) -> None:
    launcher.read_streams()
    delivered: list[Any] = []
    # LocalStack's own call.
    reader = launcher.kinesis_connector.listen_to_kinesis(
        stream_name="output",
        account_id="000000000000",
        region_name="us-east-1",
        listener_func=delivered.extend,
        wait_until_started=True,
        ddb_lease_table_suffix="-firehose-x",
    )
    traffic.wait_for("the record", lambda: delivered or None, seconds=10)
    reader.stop()
    reader.join(10)
    assert not reader.is_alive()
    assert [base64.b64decode(record["data"]) for record in delivered] == [b"a"]
    assert kinesis.asked == ["output"]


def test_another_version_is_refused(launcher: ModuleType) -> None:
    launcher.constants.VERSION = "4.10.0"
    with pytest.raises(SystemExit, match=r"need LocalStack 4\.9\.2, found 4\.10\.0"):
        launcher.main()


def test_objects_of_each_process_have_a_folder_of_their_own(
    launcher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    launcher.keep_objects_apart()
    folder = Path(launcher.s3.DEFAULT_S3_TMP_DIR)
    assert (folder.parent, folder.is_dir()) == (tmp_path, True)
