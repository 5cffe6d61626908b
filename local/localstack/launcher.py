"""LocalStack's process with our runtime executor and deliveries; runs in a separate environment.

Each change is one function for exactly one LocalStack version; its docstring states what it replaces.
"""

import os
import signal
import sys
import tempfile
import threading
import uuid
from typing import Any

from localstack import constants
from localstack.aws.connect import connect_to
from localstack.runtime import main as runtime
from localstack.services.firehose import provider
from localstack.services.s3 import provider as s3
from localstack.utils.kinesis import kinesis_connector

from local.localstack import firehose

VERSION = "4.9.2"


def evaluate_prefixes() -> None:
    """Replace object keys that hold a prefix's timestamp expressions literally."""

    def key(_: Any, stream: str, prefix: str, extension: str) -> str:
        return firehose.object_key(stream, prefix or "", extension or "", firehose.now(), str(uuid.uuid4()))

    provider.FirehoseProvider._get_s3_object_path = key


def append_delimiters() -> None:
    """Apply the processor AppendDelimiterToRecord, which LocalStack reports as unsupported."""
    others = provider.FirehoseProvider._preprocess_records

    def process(self: Any, processor: dict[str, Any], records: list[Any]) -> Any:
        if processor.get("Type") == firehose.DELIMITER:
            return firehose.with_delimiter(records)
        return others(self, processor, records)

    provider.FirehoseProvider._preprocess_records = process


def read_streams() -> None:
    """Replace the Java program that reads the source stream of a delivery."""

    def listen(
        stream_name: str, account_id: str, region_name: str, listener_func: firehose.Deliver, **_: Any
    ) -> firehose.StreamReader:
        kinesis = connect_to(aws_access_key_id=account_id, region_name=region_name).kinesis
        reader = firehose.StreamReader(kinesis, stream_name, listener_func)
        reader.start()
        return reader

    kinesis_connector.listen_to_kinesis = listen


def keep_objects_apart() -> None:
    """Replace the folder of S3's objects, one for the whole machine: instances would delete each other's."""
    s3.DEFAULT_S3_TMP_DIR = tempfile.mkdtemp(prefix="localstack-s3-")


def end_with_parent() -> None:
    """End this process group when standard input closes, i.e. the starting process ended."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


def main() -> None:
    """Serve until stopped."""
    if constants.VERSION != VERSION:
        raise SystemExit(f"The changes need LocalStack {VERSION}, found {constants.VERSION}: run make lock")
    evaluate_prefixes()
    append_delimiters()
    read_streams()
    keep_objects_apart()
    end_with_parent()
    sys.argv = sys.argv[:1]
    runtime.main()


if __name__ == "__main__":
    main()
