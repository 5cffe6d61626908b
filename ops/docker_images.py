"""Build and push the functions' images: tagged by content, deployed by digest."""

import base64
import hashlib
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ops import image_archive
from ops.deployment import DeploymentError
from ops.image_engines import Engine

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

REPOSITORY_ROOT = Path(__file__).resolve().parents[1]

_TAG_LENGTH = 16
_FROM = re.compile(r"^FROM (\S+)$", re.MULTILINE)
_NO_BASE = "{} names no base image: its first instruction must be FROM image"


def publish(
    engine: Engine,
    ecr: "ECRClient",
    *,
    repository_url: str,
    package: str,
    architecture: str,
    root: Path = REPOSITORY_ROOT,
) -> str:
    """Build and push `package`'s image unless its content is there; return its URI by digest.

    Raises DeploymentError.
    """
    dockerfile = root / package / "Dockerfile"
    registry, _, repository = repository_url.partition("/")
    base = wanted_base(engine, dockerfile)
    if base == base_image(dockerfile) and "@" not in base:
        print(f"  {base} is not pinned by digest: make base-lock pins it")
    tag = content_tag(dockerfile, root, architecture, engine.base(base, architecture))
    digest = _digest(ecr, repository, tag)
    if digest is None:
        build(engine, dockerfile, root, f"{repository_url}:{tag}", architecture, base)
        engine.push(f"{repository_url}:{tag}", registry, *_login(ecr))
        digest = _digest(ecr, repository, tag)
    else:
        print(f"  {package}: {tag} is already in the repository")
    if digest is None:
        raise DeploymentError(
            f"{repository_url}:{tag} was pushed, but the repository does not list it: run the command again"
        )
    return f"{repository_url}@{digest}"


def wanted_base(engine: Engine, dockerfile: Path) -> str:
    """Return the base to build on: `BASE_IMAGE`, else the Dockerfile's. Raises DeploymentError."""
    return engine.env.get("BASE_IMAGE") or base_image(dockerfile)


def build(
    engine: Engine,
    dockerfile: Path,
    root: Path,
    tag: str,
    architecture: str,
    base: str,
    *,
    quiet: bool = False,
) -> None:
    """Build an image of exactly the files that the Dockerfile copies from `root`. Raises DeploymentError."""
    with tempfile.TemporaryDirectory(prefix="scorewatch-") as folder:
        copy_context(dockerfile, root, Path(folder), base)
        engine.build(Path(folder), tag, architecture, base, quiet=quiet)


def write_sbom(engine: Engine, tag: str, target: Path) -> None:
    """Write the bill of materials in an image to `target`. Raises DeploymentError."""
    with tempfile.TemporaryDirectory(prefix="scorewatch-") as folder:
        archive = Path(folder) / "image.tar"
        engine.save(tag, archive)
        try:
            target.write_bytes(image_archive.sbom(archive))
        except image_archive.ArchiveError as error:
            raise DeploymentError(f"{tag}: {error}") from None


def copied_files(dockerfile: Path, root: Path) -> list[Path]:
    """Return the files that the Dockerfile copies, relative to `root`, sorted.

    Bytecode and Dockerfiles are not among them. Raises DeploymentError for a missing source.
    """
    files: set[Path] = set()
    for source in _copy_sources(dockerfile):
        path = root / source
        if not path.exists():
            raise DeploymentError(f"{dockerfile} copies {source}, which does not exist")
        found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        files |= {file.relative_to(root) for file in found if "__pycache__" not in file.parts}
    return sorted(file for file in files if file.name != "Dockerfile")


def copy_context(dockerfile: Path, root: Path, target: Path, base: str) -> None:
    """Copy the Dockerfile, on `base`, and its sources to `target`, with modes that no umask changes."""
    text, found = _FROM.subn(f"FROM {base}", dockerfile.read_text(), count=1)
    if not found:
        raise DeploymentError(_NO_BASE.format(dockerfile))
    (target / "Dockerfile").write_text(text)
    for file in copied_files(dockerfile, root):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, target / file)
        (target / file).chmod(0o755 if _executable(root / file) else 0o644)
    for folder in (path for path in target.rglob("*") if path.is_dir()):
        folder.chmod(0o755)


def base_image(dockerfile: Path) -> str:
    """Return the base image that the Dockerfile declares. Raises DeploymentError."""
    found = _FROM.search(dockerfile.read_text())
    if found is None:
        raise DeploymentError(_NO_BASE.format(dockerfile))
    return found.group(1)


def content_tag(dockerfile: Path, root: Path, architecture: str, base: str) -> str:
    """Return a hash of the image's files, their modes, its architecture and its base image's id as a tag."""
    about = f"{image_archive.EPOCH}\0{architecture}\0{base}\0".encode()
    steps = _FROM.sub("FROM", dockerfile.read_text(), count=1)
    digest = hashlib.sha256(about + steps.encode())
    for file in copied_files(dockerfile, root):
        content = (root / file).read_bytes()
        # The context's modes are those of copy_context: of a file's mode only this reaches the image.
        executable = _executable(root / file)
        digest.update(f"\0{file.as_posix()}\0{executable}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_TAG_LENGTH]


def _executable(file: Path) -> bool:
    return bool(file.stat().st_mode & stat.S_IXUSR)


def _copy_sources(dockerfile: Path) -> Iterator[str]:
    for line in dockerfile.read_text().splitlines():
        instruction, *arguments = line.split() or [""]
        if instruction == "COPY":
            yield from [argument for argument in arguments if not argument.startswith("--")][:-1]


def _digest(ecr: "ECRClient", repository: str, tag: str) -> str | None:
    try:
        images = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except ecr.exceptions.ImageNotFoundException:
        return None
    return images[0]["imageDigest"] if images else None


def _login(ecr: "ECRClient") -> tuple[str, str]:
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password
