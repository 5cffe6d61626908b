"""Contents of the container images as local folders and environments."""

import fcntl
import hashlib
import json
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".scorewatch"
# Keys are the suffixes of the ECR repositories' names.
DOCKERFILES = {"predict": ROOT / "lambda_predict/Dockerfile", "monitor": ROOT / "lambda_monitor/Dockerfile"}
EXPORTER = ROOT / "local/prometheus/Dockerfile"
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "Dockerfile")


class ImageError(RuntimeError):
    """An image's files or packages could not be prepared."""


class UnavailableError(ImageError):
    """No Docker engine responds, or there is no base image to build on."""


@dataclass(frozen=True)
class Dockerfile:
    """Parts of a Dockerfile: copied folders, requirements, command, environment."""

    folders: list[tuple[str, str]]
    requirements: str
    command: str
    env: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Dockerfile":
        """Read the file at `path`. Raises ImageError for an unsupported form."""
        text = path.read_text().replace("\\\n", " ").replace("${LAMBDA_TASK_ROOT}/", "")
        lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
        copies = [tuple(rest.split()) for word, rest in lines if word == "COPY"]
        folders = [(source, target) for source, target in copies if source.endswith("/")]
        requirements = [source for source, _ in copies if source.startswith("requirements/")]
        commands = [json.loads(rest)[0] for word, rest in lines if word == "CMD"]
        env = dict(part.split("=", 1) for word, rest in lines if word == "ENV" for part in shlex.split(rest))
        if not folders or len(requirements) != 1 or len(commands) != 1:
            raise ImageError(
                f"{path} needs COPY FOLDER/ lines, one COPY requirements/FILE, and one CMD [...]"
            )
        return cls(folders, requirements[0], commands[0], env)


def prepare(progress: Callable[[str], None] = print, folder: Path = WORK / "images") -> Path:
    """Write every image to `folder` and update its environment; return the file that lists them.

    Raises ImageError.
    """
    entries = {}
    for name, path in DOCKERFILES.items():
        dockerfile = Dockerfile.read(path)
        root = folder / name
        python = environment(name, [ROOT / dockerfile.requirements], progress)
        _copy(dockerfile, root)
        entries[name] = {
            "root": str(root.resolve()),
            "python": str(python),
            "command": dockerfile.command,
            "env": dockerfile.env,
        }
    listing = folder / "images.json"
    listing.write_text(json.dumps(entries, indent=2) + "\n")
    return listing


def digest(root: Path, name: str) -> str:
    """Return a hash of the files of the image at `root` and of its requirements."""
    dockerfile = Dockerfile.read(DOCKERFILES[name])
    found = hashlib.sha256((ROOT / dockerfile.requirements).read_bytes())
    for path in sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def environment(
    name: str, requirements: list[Path], progress: Callable[[str], None], *extra: str, hashes: bool = True
) -> Path:
    """Install exactly `requirements` into environment `name`; return its interpreter. Raises ImageError."""
    folder = WORK / "venvs" / name
    python, stamp = folder / "bin/python", folder / ".requirements"
    wanted = hashlib.sha256(b"\0".join(path.read_bytes() for path in requirements)).hexdigest() + sys.version
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be installing it
        if stamp.is_file() and stamp.read_text() == wanted:
            return python
        progress(f"installing the packages of {name}")
        _install(folder, requirements, extra, hashes=hashes)
        stamp.write_text(wanted)
    return python


def _install(folder: Path, requirements: list[Path], extra: tuple[str, ...], *, hashes: bool) -> None:
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    files = [part for path in requirements for part in ("--requirements", str(path))]
    _uv(
        "pip",
        "install",
        "--quiet",
        "--compile-bytecode",
        *(["--require-hashes"] if hashes else []),
        "--python",
        str(folder / "bin/python"),
        *extra,
        *files,
    )


def emulator_binary(progress: Callable[[str], None] = print) -> Path:
    """Return AWS's Runtime Interface Emulator for this machine. Raises ImageError."""
    python = environment("rie", [ROOT / "requirements/rie.txt"], progress, "--no-deps")
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    found = list(
        python.parents[1].glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
    )
    if not found:
        raise ImageError(f"the Runtime Interface Emulator for {machine} is not in {python.parents[1]}")
    found[0].chmod(0o755)
    return found[0]


def _copy(dockerfile: Dockerfile, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for source, target in dockerfile.folders:
        shutil.copytree(ROOT / source, root / target, ignore=_IGNORED)


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise ImageError("uv was not found: run make setup")
    result = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise ImageError(f"uv {' '.join(arguments[:2])} failed:\n{result.stderr.strip()}")
