"""PutRecords without botocore's walk over every entry, which costs more than scoring it.

botocore calls us at its documented events: msgspec writes the body before it is signed, and an
answer without failures is shortened before it is parsed. Retries, signing and errors stay botocore's.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_PARAMETERS = "scorewatch_put_records"
_ALL_TAKEN = b'{"FailedRecordCount":0,"Records":[]}'


class _Answer(msgspec.Struct, rename="pascal"):
    failed_record_count: int


def shorten(client: "KinesisClient") -> None:
    """Let msgspec do what botocore does entry by entry. A client that speaks no JSON is left as it is."""
    if client.meta.service_model.resolved_protocol != "json":
        return
    events = client.meta.events
    events.register("provide-client-params.kinesis.PutRecords", _keep)
    events.register("before-call.kinesis.PutRecords", _write)
    events.register("before-parse.kinesis.PutRecords", _read)


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Set the entries aside; one is left, since none would not be a valid request."""
    context[_PARAMETERS] = dict(params)
    params["Records"] = params["Records"][:1]


def _write(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = msgspec.json.encode(context[_PARAMETERS])


def _read(response_dict: dict[str, Any], **_: Any) -> None:
    """Spare the parser an answer that says that every record was taken."""
    if response_dict["status_code"] != HTTPStatus.OK:
        return
    try:
        answer = msgspec.json.decode(response_dict["body"], type=_Answer)
    except msgspec.DecodeError:
        return  # botocore says what is wrong with it
    if answer.failed_record_count == 0:
        response_dict["body"] = _ALL_TAKEN
