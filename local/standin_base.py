"""Stand-in for AWS's Lambda base image, for machines that cannot pull it.

Debian with Python, pip and AWS's Runtime Interface Emulator at the paths that AWS's image has. It
shows that our Dockerfiles build and run read-only as any user; it is not AWS's image.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from local import images
from local.images import UnavailableError

TAG = "scorewatch-standin-base:bookworm"
_PACKAGES = "python3,python3-pip,ca-certificates"
_CHANGES = (
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
    "ENV PIP_DISABLE_PIP_VERSION_CHECK=1",
    "WORKDIR /var/task",
)
# Debian's pip 23 does not install a lock whose requirements have extras.
_PIP = "pip==25.3"


def build(progress: Callable[[str], None]) -> str:
    """Return the tag of the stand-in, built unless it is there. Raises UnavailableError."""
    if docker("image", "inspect", TAG).returncode == 0:
        return TAG
    missing = [tool for tool in ("debootstrap", "tar") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        raise UnavailableError(
            "AWS's base image can't be pulled, and its stand-in needs root and debootstrap: "
            "set BASE_IMAGE to an image that docker has"
        )
    progress("building a stand-in for AWS's base image from Debian packages")
    with tempfile.TemporaryDirectory(prefix="scorewatch-base-") as name:
        root = Path(name)
        _run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root))
        _arrange(root)
        _import(root)
    return TAG


def _arrange(root: Path) -> None:
    """Put interpreter, packages, emulator and certificates where AWS's image has them."""
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    for folder in ("var/task", "var/lang/bin", "var/lang/lib/python3.12"):
        (root / folder).mkdir(parents=True)
    (root / "var/lang/bin/python").symlink_to("/usr/bin/python3")
    (root / "var/lang/bin/python3").symlink_to("/usr/bin/python3")
    (root / "var/lang/lib/python3.12/site-packages").symlink_to("/usr/local/lib/python3.11/dist-packages")
    shutil.copy(images.emulator_binary(), root / "usr/local/bin/aws-lambda-rie")
    # A network with certificates of its own has them on the host.
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.is_file():
        shutil.copy(certificates, root / "etc/ssl/certs/ca-certificates.crt")


def _import(root: Path) -> None:
    changes = [part for change in _CHANGES for part in ("--change", change)]
    bare = f"{TAG}-bare"
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as archive:
        done = subprocess.run(
            ["docker", "import", *changes, "-", bare],
            stdin=archive.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    _checked(done)
    text = f"FROM {bare}\nRUN python -m pip install --quiet {_PIP} --root-user-action=ignore\n"
    command = ["docker", "build", "--network=host", "--tag", TAG, "-"]
    _checked(subprocess.run(command, input=text, capture_output=True, text=True, check=False))


def docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the docker command and return its output and exit code."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def _run(*command: str) -> None:
    _checked(subprocess.run(command, capture_output=True, text=True, check=False))


def _checked(done: "subprocess.CompletedProcess[str]") -> None:
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise UnavailableError("the stand-in for AWS's base image could not be built: " + "\n".join(lines))
