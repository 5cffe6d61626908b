"""Predictions of a running stack as a DataFrame, joined to ground truth."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from contract import bundle, layout, store
from contract.schema import Contract
from contract.session import session
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ARRIVED, ID, IDENTITY, VERSION, Deduplicator
from lambda_monitor.lake.labels import TARGET, Reader
from lambda_monitor.lake.objects import list_objects
from lambda_monitor.lake.parser import ReadErrors
from lambda_monitor.lake.partitions import inside, landing
from ops import deployment
from training.uncached import NoCache

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class LakeError(ValueError):
    """A range is empty, or objects of the lake can't be read."""


def read(start: str | datetime, end: str | datetime, *, use_case: str = "green_taxi") -> pd.DataFrame:
    """Return the predictions of records that arrived in [start, end), oldest first.

    Times without a zone are UTC. Each distinct record is one row: id, `arrived_at`, `model_version`,
    features, prediction, the probability that is monitored, and `target`, missing without a label. The
    stack is the running embedded AWS, or that of the environment's AWS account. Raises LakeError, and
    DeploymentError if the use case is not deployed.
    """
    first, last = _moment(start), _moment(end)
    if first >= last:
        raise LakeError(f"the range from {start} to {end} is empty: its end is exclusive, in UTC")
    known = deployment.running_outputs(use_case)
    s3 = session().client("s3")
    name, version = known["model_name"], known["model_version"]
    manifest = store.manifest(s3, known["artifact_bucket"], name, version)
    contract = Contract.from_json(store.read(s3, known["artifact_bucket"], manifest, bundle.CONTRACT))
    return read_lake(s3, known["lake_bucket"], contract, first, last)


def read_lake(
    s3: "S3Client", bucket: str, contract: Contract, start: datetime, end: datetime
) -> pd.DataFrame:
    """Return the same from a bucket. Raises LakeError if an object can't be read."""
    prefixes = (layout.hour_prefix(layout.PREDICTIONS, hour) for hour in landing(start, end))
    objects = [found for prefix in prefixes for found in list_objects(s3, bucket, prefix)]
    errors, seen, tables = ReadErrors(), Deduplicator(), [events.schema(contract).empty_table()]
    tables += [inside(seen.drop(t), start, end) for t in events.read(s3, bucket, objects, contract, errors)]
    if errors.unreadable:
        first = errors.unreadable[0]
        raise LakeError(
            f"{len(errors.unreadable)} objects of s3://{bucket} can't be read, for example {first.key}: "
            f"{first.reason}"
        )
    rows: pd.DataFrame = pa.concat_tables(tables).drop_columns([IDENTITY]).to_pandas()
    labels = Reader(s3, bucket, contract, NoCache()).read(start, datetime.now(UTC)).table.to_pandas()
    found = rows.merge(labels, on=ID, how="left").sort_values(ARRIVED, kind="stable", ignore_index=True)
    names = {ID: contract.id_field, ARRIVED: "arrived_at", VERSION: "model_version", TARGET: "target"}
    return found.rename(columns=names)


def _moment(given: str | datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as error:
        raise LakeError(f"{given!r} is no time: give one such as 2026-03-01 or 2026-03-01T12:00") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
