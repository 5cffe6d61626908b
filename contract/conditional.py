"""Conditional reads and writes of single S3 objects."""

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"NoSuchKey", "404"})
# 412: the condition does not hold. 409: another conditional write to the key is under way. 404: the
# object that If-Match names was deleted.
_REFUSED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}) | _ABSENT


class ConflictError(Exception):
    """The object is not, or is no longer, the version that the write was to replace."""


class StoredObject(NamedTuple):
    """An object's bytes and its entity tag, quotes included."""

    body: bytes
    etag: str


def get(s3: "S3Client", bucket: str, key: str) -> StoredObject | None:
    """Return the object, or None if it does not exist. Raises other ClientErrors."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise
    return StoredObject(answer["Body"].read(), answer["ETag"])


def put(
    s3: "S3Client", bucket: str, key: str, body: bytes, *, replaces: str | None, **parameters: Any
) -> str:
    """Write `body` over the version with entity tag `replaces`, or create the object if that is None.

    `parameters` are further arguments of PutObject. Returns the new entity tag. Raises ConflictError
    if the object has another version, exists already, was deleted or is being written; other
    ClientErrors pass through.
    """
    condition: dict[str, str] = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
    arguments: Any = {**parameters, **condition}
    try:
        return s3.put_object(Bucket=bucket, Key=key, Body=body, **arguments)["ETag"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _REFUSED:
            raise ConflictError(f"s3://{bucket}/{key}: {error.response['Error']['Code']}") from error
        raise
