"""Fake docker: log the call; `save` writes an archive, `push` adds the image to the repository."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import boto3
from archives import LAYERS, write_archive

arguments = sys.argv[1:]
call: dict[str, object] = {"command": "docker", "arguments": arguments}
if arguments[0] == "build":
    context = Path(arguments[-1])
    files = sorted(path for path in context.rglob("*") if path.is_file())
    call["context"] = {str(path.relative_to(context)): oct(path.stat().st_mode)[-3:] for path in files}
    lines = (context / "Dockerfile").read_text().splitlines()
    call["from"] = next(line for line in lines if line.startswith("FROM "))
if arguments[0] == "login":
    call["password"] = sys.stdin.read()
with Path(os.environ["FAKE_CALLS"]).open("a") as log:
    log.write(json.dumps(call) + "\n")

if arguments[0] == os.environ.get("FAKE_DOCKER_FAILS"):
    sys.exit("it broke")
if arguments[:2] == ["image", "inspect"]:
    if os.environ.get("FAKE_DOCKER_HAS", arguments[-1]) != arguments[-1]:
        sys.exit(f"no such image: {arguments[-1]}")
    layers, identity = json.dumps(LAYERS), os.environ.get("FAKE_DOCKER_BASE", "sha256:base")
    print(layers if "{{json .RootFS.Layers}}" in arguments else identity)  # noqa: T201  docker's answer
if arguments[0] == "save":
    write_archive(Path(arguments[2]), arguments[3])
if arguments[0] == "push" and "FAKE_DOCKER_LOSES_PUSH" not in os.environ:
    repository, _, tag = arguments[1].partition("/")[2].partition(":")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": tag}, "layers": []}
    boto3.client("ecr").put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest))
