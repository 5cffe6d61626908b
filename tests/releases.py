"""Models, images and commands of the integration tests on releases."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import bundle
from contract.schema import Contract
from local import traffic
from tests import checkout, documents


def write_model(stack: Any, version: str, **changes: Any) -> None:
    """Write a bundle of the live model under another version, with changes to its contract."""
    models = stack.work / "bundles" / stack.contract.model.name
    folder = models / version
    shutil.copytree(models / stack.contract.model.version, folder)
    found = json.loads((folder / bundle.CONTRACT).read_text()) | changes
    found["model"] |= {"version": version}
    (folder / bundle.CONTRACT).write_text(json.dumps(found))
    Contract.read(folder / bundle.CONTRACT)
    bundle.write_manifest(folder, stack.contract.model.name, version)


def build_image(stack: Any, name: str, old: str, new: str) -> str:
    """Make an image whose handler has `new` in place of `old`; return its URI."""
    listing = stack.work / "local/images/images.json"
    images = json.loads(listing.read_text())
    root = Path(shutil.copytree(images["predict"]["root"], stack.work / name))
    handler = root / "lambda_predict/handler.py"
    text = handler.read_text()
    assert text.count(old) == 1
    handler.write_text(text.replace(old, new))
    images[name] = images["predict"] | {"root": str(root)}
    listing.write_text(json.dumps(images))
    return f"{stack.outputs['predict_image'].rpartition('/')[0]}/{name}:1"


@dataclass(frozen=True)
class Shell:
    """A shell in a copy of the repository; `env` is its environment."""

    folder: Path
    env: dict[str, str]

    def __call__(self, command: str) -> str:
        """Run a command of the documents; return its output."""
        assert command in {found for _, found in documents.every()}
        arguments = ["bash", "-ec", command]
        done = subprocess.run(
            arguments, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kill(self, command: str, until: Callable[[], Any]) -> None:
        """Start a command; kill -9 its processes once `until` has a result."""
        process = subprocess.Popen(
            ["bash", "-ec", command],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            traffic.wait_for(f"a step of {command}", until, seconds=300)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def shell(stack: Any, copy: Path, **settings: str) -> Shell:
    """Return a shell that runs commands in a copy of the repository with this local stack."""
    checkout.working(copy)
    (copy / ".scorewatch").symlink_to(stack.work)
    outer = ("AWS_", "MAKE", "MFLAGS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)} | settings
    return Shell(copy, env)
