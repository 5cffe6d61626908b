"""Fake terraform: log the call; `apply` turns the variables into outputs."""

import json
import os
import sys
from pathlib import Path

command, *arguments = sys.argv[1:]
values = dict(part.partition("=")[::2] for part in arguments)
file = values.get("-var-file")
variables = json.loads(Path(file).read_text()) if file else {}
with Path(os.environ["FAKE_CALLS"]).open("a") as log:
    log.write(
        json.dumps({"command": "terraform", "arguments": [command, *arguments], "variables": variables})
        + "\n"
    )

state = Path(values.get("-state") or Path(os.environ["TF_DATA_DIR"]).with_name("terraform.tfstate"))
if command == "apply":
    state.write_text(json.dumps({**json.loads(os.environ["FAKE_OUTPUTS"]), **variables}))
elif command == "destroy":
    state.unlink()
elif command == "output":
    outputs = json.loads(state.read_text()) if state.is_file() else {}
    sys.stdout.write(
        json.dumps({name: {"value": value} for name, value in outputs.items() if value is not None})
    )
elif command == "console":
    expression = sys.stdin.read().strip().removeprefix("jsonencode(").removesuffix(")")
    known = {"var.architecture": "arm64", "var.image_repositories": True}
    answers = known | json.loads(os.environ.get("FAKE_CONSOLE", "{}"))
    sys.stdout.write(json.dumps(json.dumps(answers[expression])))
