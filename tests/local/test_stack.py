"""Life cycle of the embedded AWS."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import images, stack, traffic
from ops import embedded

_SECONDS = 90
# Of Go's HTTP client, which Terraform uses.
GO_IDLE_SECONDS = 90
# Tests run by a background shell ignore SIGINT, and child processes inherit that.
_HOLD = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from local import stack
with stack.embedded_aws(Path(sys.argv[1]), progress=lambda _: None) as endpoint:
    print(endpoint.url, flush=True)
    time.sleep(600)
"""


def holder(state: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(state)], stdout=subprocess.PIPE, text=True, cwd=images.ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    return process


def emulator(state: Path) -> psutil.Process:
    return psutil.Process(json.loads((state / "emulator.json").read_text())["pid"])


def gone(processes: list[psutil.Process]) -> bool | None:
    return True if not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes) else None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_embedded_aws_ends_with_its_starting_process(tmp_path: Path, number: signal.Signals) -> None:
    process = holder(tmp_path)
    try:
        family = [emulator(tmp_path), *emulator(tmp_path).children(recursive=True)]
        process.send_signal(number)
        process.wait(_SECONDS)
        traffic.wait_for("the end of the embedded AWS", lambda: gone(family), seconds=_SECONDS)
    finally:
        process.kill()
        process.wait()
    # A start after a killed run succeeds.
    with stack.embedded_aws(tmp_path, progress=lambda _: None) as endpoint:
        assert endpoint.client("s3").list_buckets()["Buckets"] == []


def test_detached_instance_is_found_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert stack.status(tmp_path) is None
    endpoint = stack.start(tmp_path, progress=lambda _: None)
    try:
        assert stack.start(tmp_path) == stack.status(tmp_path) == endpoint
        endpoint.client("s3").create_bucket(
            Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        assert endpoint.client("sns").create_topic(Name="t")["TopicArn"].split(":")[3] == "eu-west-1"
        environment = emulator(tmp_path).environ()
        assert environment["MINISTACK_REGION"] == environment["AWS_REGION"] == "eu-west-1"
        family = [emulator(tmp_path)]
    finally:
        assert stack.stop(tmp_path)
    assert traffic.wait_for("its end", lambda: gone(family), seconds=_SECONDS)
    assert not stack.stop(tmp_path)


def test_second_instance_in_one_folder_is_refused_and_the_first_keeps_running(tmp_path: Path) -> None:
    with stack.embedded_aws(tmp_path, progress=lambda _: None) as first:
        first.client("s3").create_bucket(Bucket="first")
        for second in (stack.embedded_aws(tmp_path, progress=lambda _: None), refused(tmp_path)):
            with pytest.raises(stack.StackError, match=first.url) as caught, second:
                pass
            assert f"kill {os.getpid()}" in str(caught.value)
            assert str(caught.value).count("\n") < 3
        assert [b["Name"] for b in first.client("s3").list_buckets()["Buckets"]] == ["first"]
    stack.check_free(tmp_path)
    try:
        detached = stack.start(tmp_path, progress=lambda _: None)
        assert detached.instance != first.instance
        with (
            pytest.raises(stack.StackError, match="make local-down"),
            stack.embedded_aws(tmp_path, progress=lambda _: None),
        ):
            pass
    finally:
        assert stack.stop(tmp_path)


@contextmanager
def refused(folder: Path) -> Iterator[None]:
    stack.check_free(folder)
    yield


def test_start_while_another_process_starts_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(stack.StackError, match="wait until it is ready"):
            stack.start(tmp_path, progress=lambda _: None)
        with pytest.raises(stack.StackError, match="wait until it is ready"):
            stack.stop(tmp_path)


def test_two_folders_run_side_by_side_with_images_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    with (
        stack.embedded_aws(folders[0], progress=lambda _: None) as a,
        stack.embedded_aws(folders[1], progress=lambda _: None) as b,
    ):
        a.client("s3").create_bucket(Bucket="first")
        assert b.client("s3").list_buckets()["Buckets"] == []
        roots = [
            json.loads((folder / "images/images.json").read_text())["predict"]["root"] for folder in folders
        ]
        assert roots == [str(folder / "images/predict") for folder in folders]


def test_reused_pid_is_not_taken_for_the_embedded_aws(tmp_path: Path) -> None:
    embedded.Record(os.getpid(), 1.0, "http://127.0.0.1:1", "one", owner=None).write(tmp_path)
    assert stack.status(tmp_path) is None
    assert not stack.stop(tmp_path)


def test_real_account_settings_are_removed_from_local_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    env = stack.Endpoint("http://127.0.0.1:1", tmp_path).env
    assert "AWS_PROFILE" not in env
    assert "AWS_SESSION_TOKEN" not in env
    assert env["AWS_ACCESS_KEY_ID"] == "test"
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


_HOLD_LOCK = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


def test_clients_close_idle_connections_before_the_server() -> None:
    python = images.environment("emulator", [images.ROOT / "requirements/emulator.txt"], print)
    script = (
        "from local import ministack_patches; from hypercorn.config import Config;"
        "ministack_patches.complete(); config = Config(); config.keep_alive_timeout = 75;"
        "print(config.keep_alive_timeout)"
    )
    done = subprocess.run(
        [str(python), "-c", script], cwd=images.ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > GO_IDLE_SECONDS


def test_repetition_of_a_lost_answer_is_answered_as_the_first_attempt(tmp_path: Path) -> None:
    """SDKs repeat a call with the same invocation id; other calls of the same kind fail as on AWS."""
    with stack.embedded_aws(tmp_path, progress=lambda _: None) as endpoint:
        logs = endpoint.client("logs")

        def attempt(number: int, invocation: str) -> Any:
            def number_attempt(request: Any, **_: object) -> None:
                # After signing: what a proxy between the SDK and AWS would see.
                request.headers["amz-sdk-invocation-id"] = invocation
                request.headers["amz-sdk-request"] = f"ttl=20261122T000000Z; attempt={number}; max=25"

            logs.meta.events.register_last("before-send.logs.CreateLogGroup", number_attempt, "attempt")
            try:
                return logs.create_log_group(logGroupName="group")["ResponseMetadata"]["HTTPStatusCode"]
            except logs.exceptions.ResourceAlreadyExistsException as error:
                return error.response["Error"]["Code"]
            finally:
                logs.meta.events.unregister(
                    "before-send.logs.CreateLogGroup", number_attempt, unique_id="attempt"
                )

        assert attempt(1, "one") == 200
        assert attempt(2, "one") == 200
        assert attempt(1, "one") == attempt(2, "another") == "ResourceAlreadyExistsException"


def test_start_waits_for_an_instance_whose_starting_process_has_ended(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    command = [sys.executable, "-c", _HOLD_LOCK, str(tmp_path / "lock")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    started = psutil.Process(child.pid).create_time()
    embedded.Record(child.pid, started, "http://127.0.0.1:1", "one", owner=ended.pid).write(tmp_path)
    release = threading.Timer(0.5, lambda: child.communicate("\n"))
    release.start()

    os.close(stack._lock(tmp_path))

    release.join()
