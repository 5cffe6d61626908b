"""Commands of the documents, run as written against the embedded AWS."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from contract import layout
from local import traffic
from tests import checkout, documents
from training import records

FILE = "integration-tests/test_documents.py"
SELECT = 'eval "$(.venv/bin/python -m local env)"'
PUT_AND_READ = next(block for block in documents.fenced(documents.PAGES[0]) if "put-record" in block)
MODEL = '"name":"scorewatch-green-taxi"'
USE_CASE = os.environ.get("USE_CASE", "green_taxi")
LAKE = f"reports of s3://scorewatch-{USE_CASE.replace('_', '-')}-lake-"

Shell = Callable[[str], str]


# The documents name these: the first that read AWS_ENDPOINT_URL and a file within a parameter.
OLDEST_CLIS = {1: (1, 36), 2: (2, 20)}


def installed_clis() -> dict[int, str]:
    """Return the path of the first AWS CLI on PATH of each major version, if new enough."""
    found: dict[int, str] = {}
    for directory in os.get_exec_path():
        if path := shutil.which("aws", path=directory):
            done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
            version = re.findall(r"aws-cli/(\d+)\.(\d+)", done.stdout + done.stderr)[0]
            major, minor = (int(part) for part in version)
            if (major, minor) >= OLDEST_CLIS[major]:
                found.setdefault(major, path)
    return found


CLIS = installed_clis()
names_the_taxi = pytest.mark.skipif(
    USE_CASE != "green_taxi", reason=f"the command names resources of green_taxi, the stack is {USE_CASE}"
)


def mine(start: str) -> list[str]:
    """Return the commands that this file runs and that begin with `start`."""
    found = {
        command
        for _, command in documents.every()
        if (entry := documents.entry(command, documents.RUN_BY)) and documents.RUN_BY[entry] == FILE
    }
    return sorted(command for command in found if command.startswith(start))


@pytest.fixture(scope="module")
def folder(deployed: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository whose local stack is the deployed one."""
    if deployed.work is None:
        pytest.skip("the stack is not on the embedded AWS")
    copy = checkout.working(tmp_path_factory.mktemp("documents"))
    (copy / ".scorewatch").symlink_to(deployed.work)
    return copy


@pytest.fixture(scope="module")
def environment(settings: dict[str, Any]) -> dict[str, str]:
    """Return the environment of a second shell: no AWS settings, and the stack's options."""
    # Within `make integration`, make would announce folders.
    outer = ("AWS_", "MAKE", "MFLAGS")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    options = {f"TF_VAR_{name}": json.dumps(value) for name, value in settings.items()}
    return {**env, **options, "BROWSER": "true", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def shell(folder: Path, environment: dict[str, str]) -> Shell:
    def run(script: str) -> str:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(params=[1, 2], ids="CLI {}".format)
def cli(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    """Return a shell on the running stack whose `aws` is the AWS CLI of this major version."""
    if request.param not in CLIS:
        pytest.skip("no AWS CLI {}.{} or newer is installed".format(*OLDEST_CLIS[request.param]))
    return lambda script: shell(f'{SELECT}\naws() {{ "{CLIS[request.param]}" "$@"; }}\n{script}')


@names_the_taxi
def test_readme_block_puts_a_record_and_reads_its_prediction(cli: Shell, deployed: Any) -> None:
    def prediction() -> dict[str, Any] | None:
        output = cli(PUT_AND_READ)
        found = [json.loads(line) for line in output.splitlines() if MODEL in line and "XYZ10" in line]
        return found[0] if found else None

    event = traffic.wait_for("the prediction of XYZ10", prediction, seconds=deployed.deadlines.scored)
    assert event["features"] == {"PULocationID": 100, "DOLocationID": 102, "trip_distance": 30.0}


@names_the_taxi
@pytest.mark.parametrize("command", mine("printf"))
def test_commands_with_standard_input_succeed(cli: Shell, command: str) -> None:
    output = json.loads(cli(command))
    assert {"ShardId", "RecordId", "StatusCode"} & set(output)
    assert "FunctionError" not in output


@names_the_taxi
def test_label_of_the_runbook_is_stored_as_sent(cli: Shell, deployed: Any) -> None:
    start = traffic.now()
    (command,) = (command for command in mine("printf") if "firehose" in command)
    cli(command)
    reader = deployed.lake(layout.GROUND_TRUTH)

    def stored() -> list[dict[str, Any]] | None:
        return [json.loads(line) for line in reader.new_lines(start, traffic.now())] or None

    labels = traffic.wait_for("the label", stored, seconds=deployed.deadlines.label)
    assert {"ride_id": "XYZ10", "duration": 21.5} in labels


def test_identity_command_succeeds(cli: Shell) -> None:
    (command,) = mine("aws sts")
    assert json.loads(cli(command))["Account"]


@pytest.mark.parametrize("command", mine("make audit"))
@pytest.mark.parametrize("select", ["", SELECT], ids=["second shell", "selected"])
def test_audit_finds_the_running_stack(shell: Shell, command: str, select: str) -> None:
    output = shell(f"{select}\n{command}")
    assert "missing               0" in output


@pytest.mark.parametrize("select", ["", SELECT], ids=["second shell", "selected"])
def test_report_finds_the_running_stack(folder: Path, environment: dict[str, str], select: str) -> None:
    (command,) = mine("make report")
    process = subprocess.Popen(
        ["bash", "-c", f"{select}\n{command}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert LAKE in line


def test_local_up_applies_the_champion_to_the_running_stack(shell: Shell, deployed: Any) -> None:
    (command,) = mine("make local-up")
    output = shell(command)
    assert "Resources: 0 added, 0 changed, 0 destroyed" in output
    assert f"model version {deployed.outputs['model_version']}" in output
    printed = output[output.index("  printf '%s'") : output.index("  make report")]
    if shutil.which("aws"):
        assert "SequenceNumber" in shell(f"{SELECT}\n{printed}")


def test_checks_of_the_page_are_uploaded_used_and_taken_back(
    shell: Shell, folder: Path, deployed: Any
) -> None:
    example = json.loads(documents.example("monitoring.md", "json", "long_rides"))
    (folder / "checks.json").write_text(json.dumps(example))
    upload, back = mine("make checks CHECKS=c")[0], mine("make checks CHECKS=b")[0]
    assert "  outliers.enabled: default -> false" in shell(upload)

    start = traffic.now()
    _, lines = deployed.records("normal", 150, seed=77)
    deployed.put(lines)
    ids = {str(json.loads(line)[deployed.contract.id_field]) for line in lines}
    reader, seconds = deployed.lake(layout.PREDICTIONS), deployed.deadlines.landed
    traffic.wait_landed(reader, deployed.contract.id_field, ids, start, seconds=seconds)
    function = deployed.outputs["monitor_function"]
    summary = traffic.monitor(deployed.client("lambda"), function, start, traffic.now())
    found = {check["name"]: check for check in summary["checks"]}
    assert "outliers" not in found
    assert found["custom.long_rides"]["status"] == "ok"
    assert found["custom.long_rides"]["sentence"].startswith("Share of rides of more than 30 miles: ")

    assert "outliers.enabled: false -> default" in shell(back)
    again = traffic.monitor(deployed.client("lambda"), function, start, traffic.now())
    assert "outliers" in {check["name"] for check in again["checks"]}


def test_drill_rebuilds_the_newest_verdict_and_finds_a_changed_object(shell: Shell, deployed: Any) -> None:
    start = traffic.now()
    _, lines = deployed.records("normal", 300, seed=79)
    deployed.put(lines)
    ids = {str(json.loads(line)[deployed.contract.id_field]) for line in lines}
    reader, seconds = deployed.lake(layout.PREDICTIONS), deployed.deadlines.landed
    traffic.wait_landed(reader, deployed.contract.id_field, ids, start, seconds=seconds)
    traffic.monitor(deployed.client("lambda"), deployed.outputs["monitor_function"], start, traffic.now())
    [command] = mine("make drill")
    output = shell(f"{command} USE_CASE={USE_CASE}")
    assert "The verdict is rebuilt as reported: ok" in output
    assert "300 records" in output

    s3, bucket = deployed.client("s3"), deployed.outputs["lake_bucket"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{layout.PREDICTIONS}/")
    found = [item for page in pages for item in page["Contents"] if item["LastModified"] >= start]
    kept = {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found}
    for key in kept:
        s3.delete_object(Bucket=bucket, Key=key)
    try:
        failed = shell(f"! {command} USE_CASE={USE_CASE} 2>&1")
    finally:
        for key, body in kept.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert "records: reported 300, rebuilt 0" in failed
    assert f"aws s3api list-object-versions --bucket {bucket}" in failed


def test_plan_lists_what_was_changed_by_hand(shell: Shell, deployed: Any) -> None:
    assert "No changes" in shell("make plan")
    cloudwatch = deployed.client("cloudwatch")
    name = f"{deployed.outputs['predict_function']}-errors"
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    accepted = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    settings = {key: value for key, value in alarm.items() if key in accepted}
    cloudwatch.put_metric_alarm(**settings | {"Threshold": 77.0})
    try:
        found = shell("make plan")
    finally:
        cloudwatch.put_metric_alarm(**settings)
    [line] = [line for line in found.splitlines() if "threshold" in line]
    assert line.split()[0] == "update"
    assert "77" in line
    assert "Resources to change: 1 to update." in found


def test_a_file_is_scored_given_to_the_handler_put_and_read_back(
    shell: Shell, folder: Path, deployed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "rows.csv").write_text(documents.example("files.md", "csv"))
    (score,), (event,), (put,) = mine("make score"), mine("make event"), mine("make put")
    output = shell(score)
    assert "2 rows scored" in output
    assert "2 rows rejected" in output
    assert (folder / "rows.predictions.csv").is_file()

    (invoke,) = mine("TEST_RUN")
    assert invoke in shell(event), "the page has the command that is printed"
    assert '"ride_id":"A1"' in shell(invoke)

    start = traffic.now()
    assert "4 records put" in shell(put)
    reader, seconds = deployed.lake(layout.PREDICTIONS), deployed.deadlines.landed
    traffic.wait_landed(reader, "ride_id", {"A1", "A2"}, start, seconds=seconds)
    rides, lines = deployed.records("normal", 400, seed=78)
    deployed.put(lines)
    traffic.wait_landed(reader, "ride_id", set(rides["ride_id"]), start, seconds=seconds)
    stream = deployed.outputs["ground_truth_delivery_stream"]
    labels, truth = records.ground_truth(deployed.contract, rides), deployed.lake(layout.GROUND_TRUTH)
    traffic.put_labels(deployed.client("firehose"), stream, truth, labels, seconds=seconds)

    path = folder / "training/notebooks/monitoring.ipynb"
    notebook = nbformat.read(path, as_version=4)
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.write(notebook, path)
    output = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    found = re.search(r"([\d,]+) predictions, (\d+)% with ground truth", output)
    assert found is not None
    assert int(found[1].replace(",", "")) >= 402
    assert int(found[2]) > 0


def test_other_commands_succeed(shell: Shell) -> None:
    assert "make demo" in shell("make help")
    assert mine("make new")[0] == "make new-use-case NAME=my_model"
    shell("make new-use-case NAME=my_model && test -f training/use_cases/my_model.py")
    # Last: it may make another version the champion.
    assert "bundle: " in shell("make train")
