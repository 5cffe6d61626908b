"""Terraform checks of `make lint` and `make test`."""

import os
import subprocess
import sys
from pathlib import Path

from ops.plugins import PLATFORMS
from ops.terraform import ROOT, WORK, Terraform, TerraformError

_REQUIREMENTS = ROOT.parent / "requirements/checkov.txt"
_CHECKOV_VENV = WORK / "venvs/checkov"


def terraform() -> Terraform:
    """Return Terraform on the root, without AWS settings."""
    return Terraform(ROOT, state_dir=WORK / "cache/terraform-checks", env=os.environ)


def fmt() -> None:
    """Check the format of every Terraform file. Raises TerraformError."""
    terraform().fmt_check()


def validate() -> None:
    """Check that the configuration is valid. Raises TerraformError."""
    root = terraform()
    root.init(backend=False)
    root.validate()


def test() -> None:
    """Run `terraform test` with a mocked provider. Raises TerraformError."""
    root = terraform()
    root.init(backend=False)
    root.test()


def lock() -> None:
    """Write infra/.terraform.lock.hcl for every supported platform. Raises TerraformError."""
    terraform().lock_providers(PLATFORMS)
    print("Written to infra/.terraform.lock.hcl. Next: git add infra/.terraform.lock.hcl, and commit.")


def checkov() -> None:
    """Run checkov. Raises TerraformError."""
    command = [
        str(_checkov_binary()),
        "--directory",
        str(ROOT),
        "--framework",
        "terraform",
        "--compact",
        "--quiet",
        "--skip-download",
    ]
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    if result.returncode:
        raise TerraformError(f"checkov found problems:\n{(result.stdout or result.stderr).strip()}")


def lint() -> None:
    """Run fmt, validate and checkov. Raises TerraformError."""
    fmt()
    validate()
    checkov()


def _checkov_binary() -> Path:
    """Return checkov's binary; reinstall its environment if the requirements changed."""
    wanted = _REQUIREMENTS.read_text()
    stamp = _CHECKOV_VENV / "requirements.txt"
    if not stamp.is_file() or stamp.read_text() != wanted:
        print("Installing checkov ...", flush=True)
        uv: list[str | Path] = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, _CHECKOV_VENV], check=True)
        subprocess.run(
            [*uv, "pip", "sync", "--python", _CHECKOV_VENV / "bin/python", "--require-hashes", _REQUIREMENTS],
            check=True,
        )
        stamp.write_text(wanted)
    return _CHECKOV_VENV / "bin/checkov"
