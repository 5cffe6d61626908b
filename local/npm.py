"""Locked npm packages, each in a folder of its own."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from local import images
from local.images import ImageError

_SHOWN = 2_000


def package(name: str, progress: Callable[[str], None] = print) -> Path:
    """Return the folder with the package of `requirements/<name>`, named by its version; install it once.

    Raises ImageError if npm fails.
    """
    source, folder = images.ROOT / "requirements" / name, images.WORK / "venvs" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    [version] = json.loads((source / "package.json").read_text())["dependencies"].values()
    target: Path = folder / version
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be installing it
        if (target / "node_modules/.package-lock.json").is_file():
            return target
        if shutil.which("npm") is None or shutil.which("node") is None:
            raise ImageError(f"{name} needs node and npm: install them (Debian: nodejs npm)")
        progress(f"installing the packages of {name}")
        shutil.copytree(source, target, dirs_exist_ok=True)
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=target, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ImageError(f"npm ci failed:\n{done.stderr.strip()[-_SHOWN:]}")
    return target
