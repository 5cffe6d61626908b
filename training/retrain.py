"""Train a challenger on the lake's predictions that have ground truth."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from contract import bundle, layout
from contract.schema import Contract
from lambda_monitor.hours.labelled import joined
from lambda_monitor.lake import events
from lambda_monitor.lake.events import ARRIVED, Deduplicator
from lambda_monitor.lake.labels import TARGET, Reader
from lambda_monitor.lake.objects import list_objects
from lambda_monitor.lake.parser import ReadErrors
from lambda_monitor.lake.partitions import inside, landing
from training import pipeline, registry, tracking
from training.contract_change import changes
from training.data import DataError, Table, wrangle
from training.lock import FILE, Lock
from training.pipeline import Progress, Trained
from training.store import LAKE, Data
from training.tracking import CHAMPION
from training.uncached import NoCache
from training.use_case import UseCase

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HELD_OUT = 0.25
ENOUGH = 1_000


def retrain(
    use_case_name: str,
    s3: "S3Client",
    bucket: str,
    workdir: Path = pipeline.WORKDIR,
    *,
    days: int = 30,
    now: datetime | None = None,
    progress: Progress = print,
) -> Trained:
    """Train on the labelled records of the last `days` and ask the gate.

    The newest quarter is held out.
    Parameters are the champion's. Raises DataError on too few labels, RegistryError without a champion.
    """
    use_case = UseCase.named(use_case_name)
    with tracking.tracking(workdir, use_case.name) as client:
        champion = registry.find(client, use_case, CHAMPION)
        contract = registry.contract(champion)
        if changed := changes(contract, use_case.contract()):
            raise DataError(
                f"the use case changed since champion {champion.version} ({'; '.join(changed)}), so "
                f"the lake's records don't fit it: run python -m training train --use-case {use_case_name}"
            )
        with registry.artifact(champion, f"{registry.REPORT}/{FILE}") as path:
            params = Lock.read(path).params
    end = now or datetime.now(UTC)
    start = end - timedelta(days=days)
    rows = labelled_records(contract, s3, bucket, start, end)
    progress(f"{len(rows):,} labelled records since {start:%Y-%m-%d %H:%M} UTC in s3://{bucket}")
    data = split(use_case, rows, f"lake s3://{bucket} {layout.window_name(start, end)}")
    return pipeline.finish(use_case, data, pipeline.fit(use_case, data, params, progress), workdir, progress)


def labelled_records(
    contract: Contract, s3: "S3Client", bucket: str, start: datetime, end: datetime
) -> pd.DataFrame:
    """Return the distinct labelled records of [start, end), oldest first.

    The columns are features, inputs, target and arrival.
    """
    labels = Reader(s3, bucket, contract, NoCache()).read(start, end)
    prefixes = (layout.hour_prefix(layout.PREDICTIONS, h) for h in landing(start, end))
    objects = [o for prefix in prefixes for o in list_objects(s3, bucket, prefix)]
    inputs = contract.inputs
    seen, tables = Deduplicator(), [events.schema(contract, inputs, whole=True).empty_table()]
    tables += [
        inside(seen.drop(t), start, end)
        for t in events.read(s3, bucket, objects, contract, ReadErrors(), inputs, whole=True)
    ]
    rows: pd.DataFrame = joined(pa.concat_tables(tables), labels).to_pandas()
    rows = rows.sort_values(ARRIVED, kind="stable", ignore_index=True)
    names = {bundle.input_column(i.name): i.name for i in inputs}
    return rows.rename(columns={TARGET: contract.target.name, **names})


def split(use_case: UseCase, rows: pd.DataFrame, described: str) -> Data:
    """Return the valid rows, the newest quarter held out. Raises DataError."""
    if len(rows) < ENOUGH:
        raise DataError(
            f"{len(rows):,} labelled records are too few, {ENOUGH:,} are needed: wait for labels, read more "
            "days with --days, or check that ground truth arrives (docs/operations.md)"
        )
    if use_case.time_column and use_case.time_column not in rows:
        rows = rows.assign(**{use_case.time_column: rows[ARRIVED].dt.tz_localize(None)})
    first_held_out = int(len(rows) * (1 - HELD_OUT))
    parts = {"older": rows.iloc[:first_held_out], "newest": rows.iloc[first_held_out:]}
    tables: dict[str, Table] = {
        name: wrangle(use_case, part[use_case.columns].reset_index(drop=True), [name], f"{described}, {name}")
        for name, part in parts.items()
    }
    return Data(tables["older"], tables["newest"], LAKE)
