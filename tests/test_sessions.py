"""Settings of the integration tests' clients."""

from pathlib import Path
from typing import Any

import pytest

from contract.session import RegionError
from tests import sessions

NAMES = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
ENDPOINT = "http://127.0.0.1:4566"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def settings(client: Any) -> tuple[str, str, str, str | None]:
    keys = client._request_signer._credentials.get_frozen_credentials()
    return client.meta.endpoint_url, client.meta.region_name, keys.access_key, keys.token


def test_an_emulator_without_settings_gets_those_of_localstack_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
    assert settings(sessions.client("kinesis")) == (ENDPOINT, "us-east-1", "accesskey", None)


def test_an_emulator_gets_the_environments_region_and_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert settings(sessions.client("kinesis")) == (ENDPOINT, "eu-west-1", "own", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "temporary")
    assert settings(sessions.client("lambda")) == (ENDPOINT, "eu-west-1", "own", "temporary")


def test_an_account_gets_boto3s_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RegionError):
        sessions.client("kinesis")
    (tmp_path / "config").write_text(
        "[profile work]\nregion = eu-north-1\naws_access_key_id = own\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    address = "https://kinesis.eu-north-1.amazonaws.com"
    assert settings(sessions.client("kinesis")) == (address, "eu-north-1", "own", None)


@pytest.mark.parametrize("endpoint", ["", ENDPOINT])
def test_a_long_monitoring_run_is_awaited_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    config = sessions.client("lambda").meta.config
    assert config.read_timeout == 900
    assert config.retries["total_max_attempts"] == 1
