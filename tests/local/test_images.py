from pathlib import Path

import pytest

from local.images import DOCKERFILES, ROOT, Dockerfile, ImageError


@pytest.mark.parametrize("name", DOCKERFILES)
def test_image_has_only_its_package_and_the_contract(name: str) -> None:
    found = Dockerfile.read(DOCKERFILES[name])
    assert {source for source, _ in found.folders} == {"contract/", f"lambda_{name}/"}
    assert all(target == source for source, target in found.folders)
    assert found.requirements == f"requirements/{name}.txt"
    assert found.command == f"lambda_{name}.handler.handler"
    assert (ROOT / found.requirements).is_file()


@pytest.mark.parametrize("name", DOCKERFILES)
def test_image_names_an_unprivileged_user(name: str) -> None:
    lines = DOCKERFILES[name].read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert int(users[-1]) > 0
    assert lines.index(f"USER {users[-1]}") > max(
        n for n, line in enumerate(lines) if line.startswith("RUN ")
    )


def test_dockerfile_line_continuations_and_variables_are_parsed(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(
        "FROM x\nCOPY requirements/p.txt ${LAMBDA_TASK_ROOT}/r.txt\nCOPY a/ ${LAMBDA_TASK_ROOT}/a/\n"
        'ENV HOME=/tmp \\\n    QUIET="1"\nCMD ["a.b"]\n'
    )
    found = Dockerfile.read(path)
    assert found.folders == [("a/", "a/")]
    assert found.env == {"HOME": "/tmp", "QUIET": "1"}


def test_dockerfile_without_requirements_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text('FROM x\nCOPY a/ a/\nCMD ["a.b"]\n')
    with pytest.raises(ImageError, match="requirements"):
        Dockerfile.read(path)
