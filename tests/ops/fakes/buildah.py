"""Fake buildah: log the call; `inspect` prints an id, `push` to docker-archive writes an archive."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from archives import write_archive

arguments = sys.argv[1:]
call: dict[str, object] = {"command": "buildah", "arguments": arguments}
if arguments[0] == "login":
    call["password"] = sys.stdin.read()
with Path(os.environ["FAKE_CALLS"]).open("a") as log:
    log.write(json.dumps(call) + "\n")

if arguments[0] == os.environ.get("FAKE_DOCKER_FAILS"):
    sys.exit("it broke")
if arguments[0] == "inspect":
    print("base")  # noqa: T201  buildah's answer
if arguments[0] == "push" and arguments[-1].startswith("docker-archive:"):
    _, path, name = arguments[-1].split(":", 2)
    write_archive(Path(path), name)
