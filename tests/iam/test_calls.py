import json
from pathlib import Path

import pytest

from tests.iam import calls, record
from tests.iam.calls import Call

KIND = record.kind_of("green_taxi", "eu-west-1")


def line(at: float, role: str, decision: str = "Allow", **context: str) -> str:
    principal = f"arn:aws:sts::000000000000:assumed-role/{role}/session"
    resource = "arn:aws:s3:::lake/reports/2026/index.html"
    call = {"principal": principal, "action": "s3:GetObject", "resource": resource, "decision": decision}
    return json.dumps({"at": at, **call, "context": context})


def test_calls_are_kept_once_with_the_first_test_that_made_them(tmp_path: Path) -> None:
    file, role = tmp_path / "calls.jsonl", "scorewatch-green-taxi-monitor-eu-west-1"
    lines = [
        line(3, role),
        line(5, role),
        line(5, "scorewatch-wine-monitor-eu-west-1"),
        line(5, role, "Deny"),
    ]
    file.write_text("\n".join(lines))
    found = calls.allowed(calls.read(file), [(2, "test_a"), (4, "test_b")], KIND)
    assert found == [Call("monitor", "s3:GetObject", "arn:aws:s3:::lake/reports/*", (), "test_a")]


def test_calls_before_the_first_test_belong_to_no_test(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(line(1, "scorewatch-green-taxi-monitor-eu-west-1"))
    (found,) = calls.allowed(calls.read(file), [(2, "test_a")], KIND)
    assert found.test == "applying the stack"


@pytest.mark.parametrize(
    ("arn", "pattern"),
    [
        ("*", "*"),
        ("arn:aws:s3:::lake", "arn:aws:s3:::lake"),
        ("arn:aws:s3:::lake/models/m/1/model.onnx", "arn:aws:s3:::lake/models/m/*"),
        ("arn:aws:s3:::lake/alerts/m/state.json", "arn:aws:s3:::lake/alerts/*"),
        ("arn:aws:s3:::lake/alerts/m/notified/team/1", "arn:aws:s3:::lake/alerts/m/notified/team/*"),
        ("arn:aws:s3:::lake/aws/lambda/1/2", "arn:aws:s3:::lake/aws/lambda/*"),
        ("arn:aws:s3:::lake/delivery-errors/rejected/1", "arn:aws:s3:::lake/delivery-errors/rejected/*"),
        ("arn:aws:s3:::lake/elsewhere/1", "arn:aws:s3:::lake/elsewhere/1"),
        ("arn:aws:kms:r:1:key/00000000-0000-0000-0000-00000000000a", "arn:aws:kms:r:1:key/KEY"),
        (
            "arn:aws:kinesis:r:1:stream/input/consumer/shadow:1795300000",
            "arn:aws:kinesis:r:1:stream/input/consumer/shadow:*",
        ),
        ("arn:aws:secretsmanager:r:1:secret:team-345be7", "arn:aws:secretsmanager:r:1:secret:team-SUFFIX"),
    ],
)
def test_resources_are_generalized_without_looking_at_policies(arn: str, pattern: str) -> None:
    assert calls.general(arn) == pattern


def test_resources_that_only_an_id_names_are_left_out(tmp_path: Path) -> None:
    uuid = "00000000-0000-0000-0000-00000000000a"
    topic, key = "arn:aws:sns:r:1:alerts", f"arn:aws:kms:r:1:key/{uuid}"
    arns = [topic, f"{topic}:{uuid}", f"arn:aws:lambda:r:1:event-source-mapping:{uuid}", key]
    instances = [{"attributes": {"arn": arn}} for arn in arns]
    state = tmp_path / "terraform.tfstate"
    state.write_text(json.dumps({"resources": [{"instances": instances}]}))
    assert record.resources(state) == ["arn:aws:kms:r:1:key/KEY", topic]
