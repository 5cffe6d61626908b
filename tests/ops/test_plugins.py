import os
import platform
import re
import shutil
from pathlib import Path

import pytest

from ops import plugins, terraform, terraform_checks
from ops.terraform import Terraform, TerraformError
from tests.ops.conftest import Calls

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
TARGET = f"{platform.system().lower()}_{MACHINE}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def unpacked(mirror: Path, version: str = plugins.PROVIDER_VERSION, target: str = TARGET) -> Path:
    (mirror / plugins.PROVIDER / version / target).mkdir(parents=True)
    return mirror


@pytest.mark.parametrize("place", [".", "plugins", "share/terraform"])
def test_mirror_is_found_up_to_two_levels_deep(tmp_path: Path, place: str) -> None:
    mirror = unpacked(tmp_path / place)
    assert plugins.provider_mirror([tmp_path]) == mirror


def test_packed_mirror_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / plugins.PROVIDER
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_{plugins.PROVIDER_VERSION}_{TARGET}.zip").touch()
    assert plugins.provider_mirror([tmp_path]) == tmp_path / "mirror"


def test_deeper_mirror_is_not_found(tmp_path: Path) -> None:
    unpacked(tmp_path / "a/b/c")
    assert plugins.provider_mirror([tmp_path]) is None


@pytest.mark.parametrize(
    ("version", "target"), [("5.99.0", TARGET), (plugins.PROVIDER_VERSION, "plan9_mips")]
)
def test_mirror_of_another_version_or_platform_is_ignored(tmp_path: Path, version: str, target: str) -> None:
    unpacked(tmp_path, version, target)
    assert plugins.provider_mirror([tmp_path]) is None


def test_missing_roots_are_skipped(tmp_path: Path) -> None:
    mirror = unpacked(tmp_path / "there")
    assert plugins.provider_mirror([tmp_path / "nowhere", tmp_path / "there"]) == mirror


def test_mirror_is_written_to_the_cli_configuration(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = unpacked(home / ".terraform.d/plugins")
    monkeypatch.setattr(plugins, "mirror_roots", lambda _: (home / ".terraform.d",))
    env = plugins.with_plugin_settings({"HOME": str(home)}, tmp_path / "state", tmp_path / "cache")
    config = Path(env["TF_CLI_CONFIG_FILE"]).read_text()
    assert f'path    = "{mirror}"' in config
    assert "direct" in config


def test_missing_user_configuration_is_ignored(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "mirror_roots", lambda _: ())
    given = {"HOME": str(home), "TF_CLI_CONFIG_FILE": str(tmp_path / "missing")}
    env = plugins.with_plugin_settings(given, tmp_path / "state", tmp_path / "cache")
    assert "TF_CLI_CONFIG_FILE" not in env
    assert env["TF_PLUGIN_CACHE_DIR"] == str(tmp_path / "cache")
    assert (tmp_path / "cache").is_dir()


def test_user_configuration_has_precedence_over_a_mirror(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked(home)
    monkeypatch.setattr(plugins, "mirror_roots", lambda _: (home,))
    (home / ".terraformrc").touch()
    assert "TF_CLI_CONFIG_FILE" not in plugins.with_plugin_settings({"HOME": str(home)}, tmp_path, tmp_path)
    (tmp_path / "own.rc").touch()
    given = {
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(tmp_path / "own.rc"),
        "TF_PLUGIN_CACHE_DIR": "/mine",
    }
    assert plugins.with_plugin_settings(given, tmp_path, tmp_path) == given


def test_provider_version_equals_that_of_versions_tf() -> None:
    versions = (terraform.ROOT / "versions.tf").read_text()
    assert f'version = "= {plugins.PROVIDER_VERSION}"' in versions


def test_provider_lock_names_every_platform(calls: Calls) -> None:
    terraform_checks.lock()
    (call,) = calls()
    assert call["arguments"][:2] == ["providers", "lock"]
    assert {a.removeprefix("-platform=") for a in call["arguments"] if a.startswith("-platform=")} == {
        "linux_amd64",
        "linux_arm64",
        "darwin_amd64",
        "darwin_arm64",
        "windows_amd64",
    }


def test_lock_file_has_the_pinned_version_and_the_download_of_every_platform() -> None:
    text = (terraform.ROOT / ".terraform.lock.hcl").read_text()
    assert f'version     = "{plugins.PROVIDER_VERSION}"' in text
    downloads = set(re.findall(r'"zh:([0-9a-f]{64})"', text))
    assert len(downloads) >= len(plugins.PLATFORMS)


@pytest.mark.skipif(plugins.provider_mirror() is None, reason="there is no local provider mirror")
def test_lock_file_accepts_the_provider_and_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("versions.tf", ".terraform.lock.hcl"):
        shutil.copy(terraform.ROOT / name, tmp_path / name)
    # The tags are defined elsewhere.
    text = (tmp_path / "versions.tf").read_text().replace("local.tags", "{}")
    (tmp_path / "versions.tf").write_text(text)
    Terraform(tmp_path, state_dir=tmp_path / "state", env=os.environ).init()
    kept = (terraform.ROOT / ".terraform.lock.hcl").read_text()
    assert (tmp_path / ".terraform.lock.hcl").read_text() == kept


@pytest.mark.skipif(plugins.provider_mirror() is None, reason="there is no local provider mirror")
def test_a_committed_lock_file_is_compared_with_the_provider(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    source = f'aws = {{ source = "hashicorp/aws", version = "= {plugins.PROVIDER_VERSION}" }}'
    (folder / "main.tf").write_text(f"terraform {{\n  required_providers {{\n    {source}\n  }}\n}}\n")
    root = Terraform(folder, state_dir=tmp_path / "state", env=os.environ)
    root.init()
    lock = folder / ".terraform.lock.hcl"
    assert f'version     = "{plugins.PROVIDER_VERSION}"' in lock.read_text()
    lock.write_text(lock.read_text().replace('"h1:', '"h1:A'))
    with pytest.raises(TerraformError, match="checksum"):
        Terraform(folder, state_dir=tmp_path / "other", env=os.environ).init()
