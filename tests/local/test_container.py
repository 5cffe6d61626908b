"""The command that runs a function's image."""

import os
from pathlib import Path

import pytest

from local import container, containers, standin_base
from local.images import ImageError, UnavailableError

CONFIG = {"MemorySize": 1769, "EphemeralStorage": {"Size": 1024}}


def command(**config: object) -> list[str]:
    env = {"AWS_SECRET_ACCESS_KEY": "hidden", "MODEL_NAME": "m"}
    return container.command("image:1", {**CONFIG, **config}, env, ["--address=x"], "package.handler")


def test_a_function_is_read_only_bounded_and_unprivileged() -> None:
    found = command()
    assert "--read-only" in found
    assert found[found.index("--tmpfs") + 1].startswith("/tmp:")
    assert "size=1024m" in found[found.index("--tmpfs") + 1]
    assert found[found.index("--memory") + 1] == found[found.index("--memory-swap") + 1] == "1769m"
    assert found[found.index("--cpus") + 1] == "1.00"
    assert found[found.index("--user") + 1].split(":")[0] != "0"


@pytest.mark.parametrize(("memory", "cpus"), [(128, "0.07"), (512, "0.29"), (3538, "2.00")])
def test_the_share_of_a_cpu_follows_the_memory(memory: int, cpus: str) -> None:
    found = command(MemorySize=memory)
    assert found[found.index("--cpus") + 1] == cpus


def test_values_of_variables_are_not_on_the_command_line() -> None:
    found = command()
    assert "hidden" not in " ".join(found)
    assert found[found.index("--env") :][:2] == ["--env", "AWS_SECRET_ACCESS_KEY"]


def test_the_handler_runs_under_the_emulator_of_the_image() -> None:
    found = command()
    assert found[found.index("--entrypoint") + 1].endswith("aws-lambda-rie")
    assert found[-4:] == ["python", "-m", "awslambdaric", "package.handler"]


def test_an_unknown_way_to_run_images_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREWATCH_IMAGES", "podman")
    with pytest.raises(ImageError, match="set it to docker"):
        containers.wanted()


def test_a_base_image_given_by_hand_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_IMAGE", "registry.example/python:3.12")
    assert containers.base_image(print) == "registry.example/python:3.12"


def test_without_docker_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ImageError, match="docker was not found: start it, or leave IMAGES=docker out"):
        containers.check_engine()


@pytest.mark.parametrize("fault", ["no root", "no debootstrap", "no network"])
def test_without_a_base_image_the_comparison_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    answers = {"docker": "exit 1", "debootstrap": "echo unreachable >&2; exit 1", "tar": "exit 1"}
    for name, body in answers.items():
        if (fault, name) != ("no debootstrap", "debootstrap"):
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000 if fault == "no root" else 0)
    reason = "unreachable" if fault == "no network" else "needs root and debootstrap"
    with pytest.raises(UnavailableError, match=reason):
        standin_base.build(lambda _: None)


def test_without_an_engine_the_comparison_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho no daemon >&2; exit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"daemon does not respond \(no daemon\): start it"):
        containers.build(lambda _: None, tmp_path)
