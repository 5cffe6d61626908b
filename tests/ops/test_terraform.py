"""Real terraform on a root without providers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.terraform import Terraform, TerraformError

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")

MAIN = """
variable "text" {
  type = string
  validation {
    condition     = var.text != "bad"
    error_message = "text must not be bad: choose another."
  }
}
variable "other" {
  type    = string
  default = "none"
}
resource "terraform_data" "this" {
  input = var.text
}
output "text" {
  value = terraform_data.this.output
}
output "nothing" {
  value = null
}
"""

TEST_CASE = """
run "{}" {{
  variables {{
    text = "one"
  }}
  assert {{
    condition     = {}
    error_message = "no"
  }}
}}
"""


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def root(tmp_path: Path, lines: list[str]) -> Terraform:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/main.tf").write_text(MAIN)
    terraform = Terraform(tmp_path / "root", tmp_path / "state", dict(os.environ), progress=lines.append)
    terraform.init()
    return terraform


def test_apply_change_and_destroy(root: Terraform, lines: list[str]) -> None:
    assert root.outputs() == {}
    root.apply({"text": "one"})
    assert root.outputs() == {"text": "one"}
    assert "  created terraform_data.this (0s)" in lines
    assert root.plan_is_empty({"text": "one"})
    assert not root.plan_is_empty({"text": "two"})
    assert "  would update terraform_data.this" in lines
    root.destroy({"text": "one"})
    assert root.outputs() == {}
    assert "  deleted terraform_data.this (0s)" in lines


def test_root_folder_stays_unchanged(root: Terraform) -> None:
    root.apply({"text": "one"})
    assert {path.name for path in root.directory.iterdir()} == {"main.tf"}
    assert root.state_file.is_file()


def test_errors_include_terraforms_message(root: Terraform) -> None:
    with pytest.raises(TerraformError, match="text must not be bad: choose another"):
        root.apply({"text": "bad"})
    (root.directory / "main.tf").write_text("nonsense {")
    with pytest.raises(TerraformError, match="terraform validate failed"):
        root.validate()


def test_format_errors_name_the_file(root: Terraform) -> None:
    root.fmt_check()
    (root.directory / "crooked.tf").write_text('variable "x"   {\n}\n')
    with pytest.raises(TerraformError, match=r"crooked\.tf"):
        root.fmt_check()


def test_given_variables_override_variable_files(root: Terraform, tmp_path: Path) -> None:
    own = tmp_path / "own.tfvars"
    own.write_text('text  = "own"\nother = "own"\n')
    terraform = Terraform(root.directory, root.state_dir, root.env, var_files=(own,))
    assert terraform.evaluate("[var.text, var.other]", {"text": "given"}) == ["given", "own"]


def test_terraform_tests_are_run(root: Terraform, lines: list[str]) -> None:
    (root.directory / "tests").mkdir()
    case = root.directory / "tests/case.tftest.hcl"
    case.write_text(TEST_CASE.format("good", 'output.text == "one"'))
    root.test()
    assert "Success! 1 passed, 0 failed." in lines
    case.write_text(TEST_CASE.format("wrong", 'output.text == "two"'))
    with pytest.raises(TerraformError, match=r'run "wrong"\.\.\. fail'):
        root.test()


def test_missing_terraform_is_an_error_with_the_download_page(root: Terraform, tmp_path: Path) -> None:
    nowhere = Terraform(root.directory, root.state_dir, {**root.env, "PATH": str(tmp_path)})
    with pytest.raises(TerraformError, match=r"install 1\.11 or newer"):
        nowhere.validate()


def test_interrupt_ends_terraform_and_saves_the_state(root: Terraform, tmp_path: Path) -> None:
    started = tmp_path / "started"
    (root.directory / "main.tf").write_text(f"""
resource "terraform_data" "first" {{}}
resource "terraform_data" "second" {{
  depends_on = [terraform_data.first]
  provisioner "local-exec" {{
    command = "echo $PPID > {started}; exec sleep 60"
  }}
}}
""")
    # Tests run by a background shell ignore SIGINT, and child processes inherit that.
    script = f"""
import os, signal
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from ops.terraform import Terraform
Terraform(Path({str(root.directory)!r}), Path({str(root.state_dir)!r}), dict(os.environ)).apply({{}})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]
    )
    wait_for(lambda: started.is_file() and started.read_text().strip() != "")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    terraform_pid = int(started.read_text())
    wait_for(lambda: not alive(terraform_pid))
    assert "terraform_data" in root.state_file.read_text()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "condition not met within 30 s"
        time.sleep(0.02)
