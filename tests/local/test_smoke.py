"""Questions, removal and interruption of the smoke test; its run is an integration test."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local import smoke
from local.smoke import Smoke, SmokeError
from ops import cost, deployment, image_engines
from ops.terraform import TerraformError
from tests import checkout

NAME = "smoke_1a2b3c4d"
REMOVAL = f"make smoke REMOVE={NAME}"


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(image_engines.Docker, "check", lambda _: None)
    monkeypatch.setattr(deployment, "identity", lambda: ("123456789012", "eu-west-1"))
    monkeypatch.setattr(smoke, "WORK", tmp_path)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the steps by ones that only record their names; return the record."""
    done: list[str] = []
    monkeypatch.setattr(Smoke, "_train", lambda *_: done.append("train"))
    monkeypatch.setattr(Smoke, "remove", lambda *_: done.append("remove"))
    return done


def fail(error: BaseException) -> Callable[..., Any]:
    def raising(*_: object) -> None:
        raise error

    return raising


@pytest.mark.parametrize("answer", ["", "y", "no", "YES!"])
def test_nothing_is_created_unless_the_answer_is_yes(
    steps: list[str], answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert smoke.main([]) == 1
    text = capsys.readouterr().out
    assert "Nothing was created." in text
    assert steps == []
    assert "account 123456789012, region eu-west-1" in text
    assert f"at most ${cost.for_hours(2):.2f}, 2 hours of the stack in docs/cost.md" in text


def test_no_standard_input_is_no(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", fail(EOFError()))
    assert smoke.main([]) == 1
    assert (steps, "Nothing was created." in capsys.readouterr().out) == ([], True)


def test_removal_follows_success_failure_and_interruption(
    steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    outcomes: list[tuple[Callable[..., Any], int, str]] = [
        (lambda *_: [], 0, "passed"),
        (lambda *_: ["the drifted window raised no alert"], 1, "no alert"),
        (fail(TerraformError("apply failed")), 1, "apply failed"),
        (fail(KeyboardInterrupt()), 130, "Interrupted"),
        (fail(ValueError("a defect")), -1, ""),
    ]
    for loop, code, text in outcomes:
        monkeypatch.setattr(Smoke, "_loop", loop)
        if code < 0:
            with pytest.raises(ValueError, match="a defect"):
                smoke.main([])
        else:
            assert smoke.main([]) == code
        printed = capsys.readouterr()
        assert text in printed.out + printed.err
        assert "make smoke REMOVE=smoke_" in printed.out
    assert steps == ["train", "remove"] * len(outcomes)


@pytest.mark.parametrize("error", [TerraformError("destroy failed"), KeyboardInterrupt()])
def test_a_failed_removal_prints_the_command_that_removes_the_stack(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Smoke, "_root", fail(error))
    assert smoke.main(["--remove", NAME]) in {1, 130}
    assert f"Remove it with: {REMOVAL}" in capsys.readouterr().out


def test_removal_goes_on_after_the_output_was_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Root:
        state_dir = tmp_path / "state"
        destroyed = ""

        def destroy(self, variables: dict[str, Any]) -> None:
            sys.stdout.write("deleted\n")
            self.destroyed = variables["use_case"]

    root = Root()
    root.state_dir.mkdir()
    (root.state_dir / "scorewatch.tfvars.json").write_text(f'{{"use_case": "{NAME}"}}')
    monkeypatch.setattr(Smoke, "_root", lambda _: root)
    monkeypatch.setattr(Smoke, "_check_gone", lambda _: None)
    monkeypatch.setattr(smoke, "_delete_queue", lambda _: None)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        Smoke(NAME).remove()
        monkeypatch.undo()
        with suppress(BrokenPipeError):
            closed.close()
    assert root.destroyed == NAME
    assert not root.state_dir.exists()


def test_what_remains_is_listed_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke, "_GONE_SECONDS", 0)
    monkeypatch.setattr(smoke.leftovers, "by_name", lambda *_: ["aws_kinesis_stream left-input"])
    monkeypatch.setattr(
        smoke.leftovers, "keys", lambda *_: (["aws_kms_key arn"], ["other, until 2026-12-01"])
    )
    with pytest.raises(SmokeError, match="aws_kinesis_stream left-input\n  aws_kms_key arn"):
        Smoke(NAME)._check_gone()
    assert "KMS deletes key other, until 2026-12-01" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["green_taxi", "smoke_", "smoke_1A2B3C4D", "../x"])
def test_only_stacks_of_smoke_tests_are_removed(
    steps: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        smoke.main(["--remove", name])
    assert "is not the name of a smoke test" in capsys.readouterr().err
    assert steps == []


def test_the_printed_command_is_one_of_the_makefile() -> None:
    assert Smoke(NAME).removal() == REMOVAL
    done = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.ready", *REMOVAL.split()[1:]],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"-m local.smoke --use-case green_taxi --remove {NAME}" in done.stdout
