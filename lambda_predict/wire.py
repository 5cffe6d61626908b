"""PutRecords requests serialized by msgspec.

botocore's own serialization of each entry costs more CPU than scoring it. Handlers of its documented
events write the body before it is signed, and shorten a response without failures before it is
parsed. Retries, signing and errors remain botocore's.
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
    """Serialize the client's PutRecords with msgspec, if its protocol is JSON."""
    if client.meta.service_model.resolved_protocol != "json":
        return
    events = client.meta.events
    events.register("provide-client-params.kinesis.PutRecords", _keep)
    events.register("before-call.kinesis.PutRecords", _write)
    events.register("before-parse.kinesis.PutRecords", _read)


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Move the entries but one, which a request needs, to the context."""
    context[_PARAMETERS] = dict(params)
    params["Records"] = params["Records"][:1]


def _write(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = msgspec.json.encode(context[_PARAMETERS])


def _read(response_dict: dict[str, Any], **_: Any) -> None:
    """Shorten a response without failures before botocore parses it."""
    if response_dict["status_code"] != HTTPStatus.OK:
        return
    try:
        answer = msgspec.json.decode(response_dict["body"], type=_Answer)
    except msgspec.DecodeError:
        return  # botocore raises its error
    if answer.failed_record_count == 0:
        response_dict["body"] = _ALL_TAKEN
