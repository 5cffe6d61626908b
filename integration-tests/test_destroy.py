"""`make destroy` on the embedded AWS: nothing remains of a stack that has records and reports."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract import layout
from local import traffic
from ops import leftovers
from tests import checkout, sessions

pytestmark = pytest.mark.timeout(900)


def test_destroy_leaves_nothing(own_stack: Any, tmp_path: Path, settings: dict[str, Any]) -> None:
    if own_stack.work is None:
        pytest.skip("the stack is not on the embedded AWS")
    use_case = own_stack.use_case.name
    start = traffic.now()
    frame, lines = own_stack.records("normal", 200, seed=5)
    own_stack.put(lines)
    ids = set(frame[own_stack.contract.id_field].astype(str))
    reader, limit = own_stack.lake(layout.PREDICTIONS), own_stack.deadlines.landed
    traffic.wait_landed(reader, own_stack.contract.id_field, ids, start, seconds=limit)
    function = own_stack.outputs["monitor_function"]
    traffic.monitor(own_stack.client("lambda"), function, start, traffic.now())
    assert len(leftovers.by_name(sessions.client, use_case)) > 30

    folder = checkout.copy(tmp_path / "copy")
    checkout.link_environment(folder)
    (folder / ".scorewatch").symlink_to(own_stack.work)
    outer = ("AWS_", "MAKE", "MFLAGS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    env |= {f"TF_VAR_{name}": json.dumps(value) for name, value in settings.items()}
    done = subprocess.run(
        ["bash", "-c", f'eval "$(.venv/bin/python -m local env)"\nmake destroy USE_CASE={use_case}'],
        cwd=folder,
        env=env,
        input=f"{use_case}\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert leftovers.by_name(sessions.client, use_case) == []
    remaining, waiting = leftovers.keys(sessions.client, use_case)
    assert remaining == []
    assert waiting, "the key waits for its deletion, the earliest that KMS allows"
