"""Recorded answers of real AWS, by test."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

Content = dict[str, Any]


def folder() -> Path | None:
    """Return the folder of the recordings, None where they are not at hand."""
    found = Path(os.environ.get("AWS_RECORDINGS", ROOT.parent / "shared" / "data" / "aws_recordings"))
    return found if found.is_dir() else None


def read(source: Path) -> dict[str, Content]:
    """Return the recorded answers by `file::test`."""
    found = {}
    for path in sorted(source.glob("*.snapshot.json")):
        for test, recording in json.loads(path.read_text()).items():
            name = f"{path.name.partition('.')[0]}::{test.rpartition('::')[2]}"
            found[name] = recording["recorded-content"]
    return found
