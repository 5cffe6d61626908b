import pytest

from ops import __main__ as command_line
from ops import deployment
from ops.deployment import DeploymentError
from training import cli

REFUSED = 3


def test_retrain_passes_the_stacks_lake_to_training_and_returns_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[list[str]] = []

    def training(arguments: list[str]) -> int:
        given.append(arguments)
        return REFUSED

    monkeypatch.setattr(deployment, "outputs", lambda use_case: {"lake_bucket": f"lake-of-{use_case}"})
    monkeypatch.setattr(cli, "main", training)
    assert command_line.main(["retrain", "--use-case", "green_taxi", "--days", "7"]) == REFUSED
    options = cli.parser().parse_args(given[0])
    assert (options.use_case, options.bucket, options.days) == ("green_taxi", "lake-of-green_taxi", 7)


def test_retrain_without_a_stack_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def outputs(use_case: str) -> dict[str, str]:
        raise DeploymentError(f"{use_case} is not deployed here")

    monkeypatch.setattr(deployment, "outputs", outputs)
    assert command_line.main(["retrain", "--use-case", "green_taxi"]) == 1
    assert "green_taxi is not deployed here" in capsys.readouterr().err
