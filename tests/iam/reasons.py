"""Grants that no recorded call needs, each with the reason why it stays."""

from tests.iam.grants import Grant

_LOG = "Lambda writes the log with the role; functions write to a file here"
_TRACE = "Lambda sends the traces with the role; there are none here"
_BUCKET = "Firehose's guide requires it of every bucket; objects are put directly here"
_MISSING = "S3 needs it to answer that an object is missing; MiniStack answers so to every caller"
_ATHENA = "Athena acts with the caller's rights; MiniStack's reads tables and writes results itself"
_GIVEN_UP = "for batches that Lambda gives up on, after hours; none is given up in the tests"

# By statement, action and a part of the resource or condition.
REASONS: dict[tuple[str, str, str], str] = {
    ("WriteLog", "logs:CreateLogStream", ""): _LOG,
    ("WriteLog", "logs:PutLogEvents", ""): f"{_LOG}; Firehose logs what it can't deliver",
    ("Trace", "xray:PutTraceSegments", ""): _TRACE,
    ("Trace", "xray:PutTelemetryRecords", ""): _TRACE,
    ("FindBucket", "s3:GetBucketLocation", ""): _BUCKET,
    ("FindBucket", "s3:ListBucket", ""): _BUCKET,
    ("FindBucket", "s3:ListBucketMultipartUploads", ""): _BUCKET,
    ("WriteObjects", "s3:AbortMultipartUpload", ""): _BUCKET,
    ("EncryptObjects", "kms:Decrypt", ""): "uploads in parts need it; objects are put in one part here",
    ("EncryptFiles", "kms:Decrypt", ""): "uploads in parts need it; files are put in one part here",
    ("FindFailedBatches", "s3:ListBucket", ""): "Lambda requires it of an on-failure bucket",
    ("DistinguishMissingFromDenied", "s3:ListBucket", ""): _MISSING,
    ("KeepFailedStart", "sqs:SendMessage", ""): "Scheduler keeps starts that Lambda refuses; none is here",
    ("InvokeByUrlOnly", "lambda:InvokeFunction", ""): "URLs need both rights; MiniStack asks for the other",
    ("KeepFailedBatches", "s3:PutObject", ""): _GIVEN_UP,
    ("EncryptFailedBatches", "kms:GenerateDataKey", ""): _GIVEN_UP,
    ("Query", "athena:StopQueryExecution", ""): "for a query that takes longer than the function",
    ("ReadTable", "glue:GetTable", ""): _ATHENA,
    ("ReadDatabase", "glue:GetDatabase", ""): _ATHENA,
    ("StoreQueryResults", "s3:GetObject", ""): _ATHENA,
    ("StoreQueryResults", "s3:PutObject", ""): _ATHENA,
    ("StoreQueryResults", "s3:AbortMultipartUpload", ""): _ATHENA,
    ("ListQueryResults", "s3:ListBucket", ""): _ATHENA,
    ("FindResultBucket", "s3:GetBucketLocation", ""): _ATHENA,
    ("WriteObjects", "s3:PutObject", "delivery-errors/"): "Firehose puts there what it can't deliver",
    ("ListLake", "s3:ListBucket", "alerts/"): _MISSING,
}


def reason(grant: Grant) -> str:
    """Return why a grant stays though no recorded call needs it; empty if nothing says so."""
    return " ".join(REASONS[name] for name in sorted(names_of(grant)))


def names() -> set[tuple[str, str, str]]:
    """Return what reasons are given for."""
    return set(REASONS)


def names_of(grant: Grant) -> set[tuple[str, str, str]]:
    """Return which of the reasons apply to a grant."""
    where = " ".join([grant.resource, *(value for _, value in grant.keys)])
    return {name for name in REASONS if name[:2] == (grant.sid, grant.action) and name[2] in where}
