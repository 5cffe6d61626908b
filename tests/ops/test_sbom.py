"""The bill of materials against CycloneDX's schema, and its package URLs against their specification."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from contract.version import VERSION
from ops import sbom
from tests.checkout import ROOT

AMAZON = 'NAME="Amazon Linux"\nVERSION_ID="2023"\nID="amzn"\n'
RPM = r"""
[ "$1 $2" = "-qa --queryformat" ] || exit 2
printf 'bash\t5.2.15-1.amzn2023.0.2\tx86_64\nlibstdc++\t11.4.1-2.amzn2023\tx86_64\n'
"""


@pytest.fixture
def amazon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an rpm and an os-release as Amazon Linux has them."""
    (tmp_path / "rpm").write_text(f"#!/bin/sh\n{RPM}")
    (tmp_path / "rpm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "os-release").write_text(AMAZON)
    monkeypatch.setattr(sbom, "_OS_RELEASE", tmp_path / "os-release")


@pytest.mark.usefixtures("amazon")
def test_the_bill_is_valid() -> None:
    text = json.dumps(sbom.bill("scorewatch-predict", VERSION))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    for component in json.loads(text)["components"]:
        found = PackageURL.from_string(component["purl"])
        assert found.to_string() == component["purl"]
        assert found.version == component["version"]


@pytest.mark.usefixtures("amazon")
def test_system_packages_are_those_of_rpm() -> None:
    source, found = sbom.system_packages()
    assert source == "rpm"
    assert [component["purl"] for component in found] == [
        "pkg:rpm/amzn/bash@5.2.15-1.amzn2023.0.2?arch=x86_64&distro=amzn-2023",
        "pkg:rpm/amzn/libstdc%2B%2B@11.4.1-2.amzn2023?arch=x86_64&distro=amzn-2023",
    ]


def test_an_image_without_a_package_manager_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = sbom.bill("image", "1")["metadata"]["properties"]
    assert found == [{"name": "scorewatch:system-packages", "value": "none"}]


def test_every_locked_package_of_this_environment_is_listed_once() -> None:
    purls = [component["purl"] for component in sbom.python_packages()]
    assert len(purls) == len(set(purls))
    locked = (ROOT / "requirements/predict.txt").read_text().splitlines()
    names = {line.partition("==")[0] for line in locked if "==" in line}
    assert names <= {purl.partition("/")[2].partition("@")[0] for purl in purls}


def test_the_script_runs_alone_and_twice_alike() -> None:
    command = [sys.executable, ROOT / "ops/sbom.py", "scorewatch-predict"]
    runs = [subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    component = json.loads(runs[0])["metadata"]["component"]
    assert (component["name"], component["version"]) == ("scorewatch-predict", VERSION)
