import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops import docker_images, image_engines
from ops.deployment import DeploymentError

Calls = Callable[[], list[dict[str, Any]]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "lambda_x/__pycache__").mkdir(parents=True)
    (root / "lambda_x/__pycache__/handler.pyc").touch()
    (root / "lambda_x/handler.py").write_text("handler = 1\n")
    (root / "lambda_x/run").write_text("#!/bin/sh\n")
    (root / "lambda_x/run").chmod(0o755)
    (root / "lambda_x/Dockerfile").write_text(
        "# Comment\nFROM base\nCOPY requirements/x.txt requirements/\nRUN make\n"
        "COPY --chmod=644 lambda_x/ lambda_x/\n"
    )
    (root / "requirements").mkdir()
    (root / "requirements/x.txt").write_text("numpy\n")
    (root / "secret").write_text("not for the image")
    return root


@pytest.fixture
def docker(calls: Calls) -> image_engines.Engine:
    assert calls() == []
    return image_engines.Docker(os.environ)


def publish(docker: image_engines.Engine, root: Path, repository_url: str) -> str:
    return docker_images.publish(
        docker,
        boto3.client("ecr"),
        repository_url=repository_url,
        package="lambda_x",
        architecture="x86_64",
        root=root,
    )


@pytest.fixture
def repository_url(aws: str) -> str:
    assert aws
    return boto3.client("ecr").create_repository(repositoryName="predict")["repository"]["repositoryUri"]


def test_tag_depends_on_content_architecture_and_base_only(root: Path) -> None:
    dockerfile = root / "lambda_x/Dockerfile"
    tag = docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base")
    (root / "secret").write_text("changed, but not copied")
    (root / "lambda_x/__pycache__/handler.pyc").write_text("changed, but bytecode")
    assert docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base") == tag
    tags = {tag, docker_images.content_tag(dockerfile, root, "arm64", "sha256:base")}
    (root / "requirements/x.txt").write_text("numpy==2\n")
    tags.add(docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base"))
    (root / "lambda_x/handler.py").rename(root / "lambda_x/other.py")
    tags.add(docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base"))
    dockerfile.write_text(dockerfile.read_text() + "USER 1\n")
    tags.add(docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base"))
    tags.add(docker_images.content_tag(dockerfile, root, "x86_64", "sha256:newer"))
    assert len(tags) == 6


def test_tag_follows_the_mode_that_reaches_the_image(root: Path) -> None:
    dockerfile, handler = root / "lambda_x/Dockerfile", root / "lambda_x/handler.py"
    tags = []
    for mode in (0o644, 0o600, 0o755):
        handler.chmod(mode)
        tags.append(docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base"))
    assert tags[0] == tags[1] != tags[2]


def test_pinning_the_same_base_keeps_the_tag(root: Path) -> None:
    dockerfile = root / "lambda_x/Dockerfile"
    tag = docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base")
    dockerfile.write_text(dockerfile.read_text().replace("FROM base", f"FROM base@sha256:{'0' * 64}"))
    assert docker_images.content_tag(dockerfile, root, "x86_64", "sha256:base") == tag


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_the_build_gets_the_same_modes_whatever_the_umask(root: Path, tmp_path: Path, umask: int) -> None:
    for path in [root, *root.rglob("*")]:
        path.chmod((0o777 if path.is_dir() or path.name == "run" else 0o666) & ~umask)
    before = os.umask(umask)
    try:
        (tmp_path / "context").mkdir()
        docker_images.copy_context(root / "lambda_x/Dockerfile", root, tmp_path / "context", "base")
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path / "context")): oct(path.stat().st_mode)[-3:]
        for path in (tmp_path / "context").rglob("*")
    }
    del modes["Dockerfile"]
    assert modes == {
        "lambda_x": "755",
        "lambda_x/handler.py": "644",
        "lambda_x/run": "755",
        "requirements": "755",
        "requirements/x.txt": "644",
    }


@pytest.mark.parametrize("package", ["lambda_predict", "lambda_monitor"])
def test_dockerfiles_install_the_lock_alone_and_compile_by_hash(package: str) -> None:
    text = (ROOT / package / "Dockerfile").read_text()
    assert "pip install --no-cache-dir --no-compile --no-deps --require-hashes" in text
    assert text.count("compileall") == text.count("--invalidation-mode unchecked-hash") == 2
    # A build by hand copies the checkout's modes.
    assert text.rindex("COPY ") < text.index("RUN chmod -R u=rwX,go=rX . ")
    base = docker_images.base_image(ROOT / package / "Dockerfile")
    assert base.partition("@")[0] == "public.ecr.aws/lambda/python:3.12"


def test_a_newer_base_image_is_built_on_and_a_given_one_is_used(
    docker: image_engines.Engine,
    calls: Calls,
    root: Path,
    repository_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(docker, root, repository_url)
    monkeypatch.setenv("FAKE_DOCKER_BASE", "sha256:newer")
    publish(docker, root, repository_url)
    monkeypatch.setenv("BASE_IMAGE", "mine:1")
    monkeypatch.setenv("FAKE_DOCKER_BASE", "sha256:mine")
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "pull")
    publish(docker, root, repository_url)
    builds = [call["from"] for call in calls() if call["arguments"][0] == "build"]
    assert builds == ["FROM base", "FROM base", "FROM mine:1"]


def test_a_base_without_a_digest_is_named(
    docker: image_engines.Engine,
    root: Path,
    repository_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(docker, root, repository_url)
    assert "base is not pinned by digest: make base-lock pins it" in capsys.readouterr().out
    dockerfile = root / "lambda_x/Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("FROM base", f"FROM base@sha256:{'0' * 64}"))
    publish(docker, root, repository_url)
    assert "not pinned" not in capsys.readouterr().out


def test_a_base_image_that_is_nowhere_is_named(
    docker: image_engines.Engine, root: Path, repository_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "image")
    with pytest.raises(DeploymentError, match="base image base can't be pulled"):
        publish(docker, root, repository_url)


def test_missing_source_is_named(root: Path) -> None:
    shutil.rmtree(root / "requirements")
    with pytest.raises(DeploymentError, match=r"copies requirements/x\.txt, which does not exist"):
        docker_images.copied_files(root / "lambda_x/Dockerfile", root)


@pytest.mark.parametrize("package", ["lambda_predict", "lambda_monitor"])
def test_dockerfiles_copy_package_contract_and_locked_requirements(package: str) -> None:
    copied = docker_images.copied_files(ROOT / package / "Dockerfile", ROOT)
    assert Path(package) / "handler.py" in copied
    assert Path("contract/layout.json") in copied
    assert Path("requirements") / f"{package.removeprefix('lambda_')}.txt" in copied
    assert {path.parts[0] for path in copied} - {"ops"} == {package, "contract", "requirements"}
    assert [path for path in copied if path.parts[0] == "ops"] == [Path("ops/sbom.py")]


def test_publish_builds_pushes_and_returns_the_digest(
    docker: image_engines.Engine, calls: Calls, root: Path, repository_url: str
) -> None:
    uri = publish(docker, root, repository_url)
    tag = docker_images.content_tag(root / "lambda_x/Dockerfile", root, "x86_64", "sha256:base")
    found = boto3.client("ecr").describe_images(repositoryName="predict")["imageDetails"]
    assert uri == f"{repository_url}@{found[0]['imageDigest']}"
    assert found[0]["imageTags"] == [tag]

    pull, _, build, _, save, load, login, push, logout = calls()
    assert pull["arguments"] == ["pull", "--quiet", "--platform", "linux/amd64", "base"]
    assert set(build["context"]) == {
        "Dockerfile",
        "lambda_x/handler.py",
        "lambda_x/run",
        "requirements/x.txt",
    }
    assert build["arguments"][1:4] == ["--network=host", "--platform", "linux/amd64"]
    assert (save["arguments"][0], load["arguments"][0]) == ("save", "load")
    assert push["arguments"] == ["push", f"{repository_url}:{tag}"]
    assert logout["arguments"] == ["logout", repository_url.partition("/")[0]]
    assert login["password"]
    assert login["password"] not in login["arguments"]


def test_published_content_is_not_built_again(
    docker: image_engines.Engine, calls: Calls, root: Path, repository_url: str
) -> None:
    first = publish(docker, root, repository_url)
    assert publish(docker, root, repository_url) == first
    assert [call["arguments"][0] for call in calls()].count("build") == 1


@pytest.mark.parametrize("step", ["build", "save", "load", "login", "push"])
def test_failed_step_is_named(
    docker: image_engines.Engine, root: Path, repository_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DOCKER_FAILS", step)
    with pytest.raises(DeploymentError, match=f"{step}"):
        publish(docker, root, repository_url)


def test_push_that_the_repository_does_not_list_is_an_error(
    docker: image_engines.Engine, root: Path, repository_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DOCKER_LOSES_PUSH", "1")
    with pytest.raises(DeploymentError, match="the repository does not list it"):
        publish(docker, root, repository_url)
