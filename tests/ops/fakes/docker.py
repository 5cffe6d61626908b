"""Fake docker: log the call; `push` adds the image to the repository."""

import json
import os
import sys
from pathlib import Path

import boto3

arguments = sys.argv[1:]
call: dict[str, object] = {"command": "docker", "arguments": arguments}
if arguments[0] == "build":
    context = Path(arguments[-1])
    call["context"] = sorted(str(file.relative_to(context)) for file in context.rglob("*") if file.is_file())
if arguments[0] == "login":
    call["password"] = sys.stdin.read()
with Path(os.environ["FAKE_CALLS"]).open("a") as log:
    log.write(json.dumps(call) + "\n")

if arguments[0] == os.environ.get("FAKE_DOCKER_FAILS"):
    sys.exit("it broke")
if arguments[:2] == ["image", "inspect"]:
    print(os.environ.get("FAKE_DOCKER_BASE", "sha256:base"))  # noqa: T201  docker's answer
if arguments[0] == "push" and "FAKE_DOCKER_LOSES_PUSH" not in os.environ:
    repository, _, tag = arguments[1].partition("/")[2].partition(":")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": tag}, "layers": []}
    boto3.client("ecr").put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest))
