"""Temporary copies of the repository, for tests that run its commands."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def copy(folder: Path) -> Path:
    """Copy every file that git tracks or would track to `folder`; return it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def link_environment(folder: Path) -> None:
    """Use this repository's environment in the copy, as one that is up to date."""
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    stamp = (folder / ".venv/.ready").stat().st_mtime - 1
    os.utime(folder / "requirements/dev.txt", (stamp, stamp))


def working(folder: Path, share: Sequence[str] = ()) -> Path:
    """Copy the repository to `folder` with this one's environment; return it.

    `share` names folders of .scorewatch that the copy uses too: installing their contents takes minutes.
    """
    copy(folder)
    link_environment(folder)
    for name in share:
        kept = ROOT / ".scorewatch" / name
        kept.mkdir(parents=True, exist_ok=True)
        (folder / ".scorewatch").mkdir(exist_ok=True)
        (folder / ".scorewatch" / name).symlink_to(kept)
    return folder
