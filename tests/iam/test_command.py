import subprocess
from pathlib import Path

import pytest

from tests.iam import __main__ as command
from tests.iam import record
from tests.iam.calls import Call
from tests.iam.record import Record

ROOT = Path(__file__).resolve().parents[2]


def test_make_iam_prints_the_table_and_the_proofs() -> None:
    done = subprocess.run(
        ["make", "iam", "-o", ".venv/.ready"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    row = "PublishPredictions | `kinesis:PutRecords` | `stream/scorewatch-green-taxi-output` | test_"
    assert f"| predict | {row}" in done.stdout
    assert ", 0 surplus\n" in done.stdout
    assert "0 without one." in done.stdout
    assert "Z3: 0 grants reach a resource of another use case" in done.stdout


def test_surplus_and_reach_are_printed_with_witnesses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = "arn:aws:s3:::scorewatch-green-taxi"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{lake}*"}
    call = Call("monitor", "s3:GetObject", f"{lake}/reports/*", (), "test_a")
    stored = Record("green_taxi", {"monitor": [{"Statement": [statement]}]}, [lake], [call])
    monkeypatch.setattr(record, "read", lambda: stored)
    assert command.main() == 1
    output = capsys.readouterr().out
    assert "0 go beyond them for a reason in the table, 1 without one." in output
    assert f"monitor: s3:GetObject on '{lake}" in output
    assert "Z3: 1 grants reach a resource of another use case" in output
