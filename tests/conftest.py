"""What several packages' tests share."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data; skip where there is none."""
    folder = Path(os.environ.get("SCOREWATCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set SCOREWATCH_DATA to a folder that holds it")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _read_services_once() -> Iterator[None]:
    """Keep what botocore reads of its services, for the new session of each block of moto."""
    read, listed = functools.cache(JSONFileLoader().load_file), Loader.list_available_services
    lists: dict[tuple[str, ...], Any] = {}

    def services(loader: Loader, type_name: str) -> Any:
        key = (type_name, *loader.search_paths)
        if key not in lists:
            lists[key] = listed(loader, type_name)
        return lists[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        patch.setattr(Loader, "list_available_services", services)
        yield


@pytest.fixture(autouse=True)
def _no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep unit tests from ever reaching an account."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
