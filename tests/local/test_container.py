"""The command that runs a function's image."""

import pytest

from local import container, containers
from local.images import DOCKERFILES, ImageError

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
    with pytest.raises(ImageError, match="install it, or leave IMAGES=docker out"):
        containers.check_engine()


@pytest.mark.parametrize("path", DOCKERFILES.values(), ids=DOCKERFILES)
def test_the_base_image_is_an_argument_with_awss_as_default(path) -> None:
    lines = path.read_text().splitlines()
    assert f"ARG BASE_IMAGE={containers.AWS_BASE}" in lines
    assert "FROM ${BASE_IMAGE}" in lines
