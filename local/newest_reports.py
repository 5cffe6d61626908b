"""Newest report of each model in a lake bucket."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract import layout
from contract.timestamps import parse_timestamp, timestamp
from lambda_monitor.findings import REPORT_JSON, RUN_JSON
from lambda_monitor.reports.stored import StoredModel, StoredReport, StoredWindow

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Report(StoredReport, frozen=True, kw_only=True):
    """A report.json, and the moment of its monitoring run in seconds since 1970."""

    ran_at: float = 0.0


class _Run(msgspec.Struct):
    ran_at: str


class NewestReports:
    """Reads the newest report of each model; objects are listed from the newest known window on."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3, self._bucket = s3, bucket
        self._newest: dict[str, str] = {}

    def read(self) -> list[Report]:
        """Return the newest report of each model, by name. Raises ClientError, BotoCoreError.

        A report that can't be parsed has status error and no checks.
        """
        return [self._report(folder) for model in self._models() if (folder := self._folder(model))]

    def _models(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{layout.REPORTS}/", Delimiter="/"
        )
        found = [prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])]
        return sorted(name.split("/")[1] for name in found)

    def _folder(self, model: str) -> str | None:
        """Return the folder of the model's window that ends last, None without a report."""
        newest = self._newest.get(model)
        prefix = f"{layout.REPORTS}/{model}/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, StartAfter=newest or prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                folder, _, name = item["Key"].rpartition("/")
                if name != REPORT_JSON or layout.window_of(folder.rpartition("/")[2]) is None:
                    continue
                if newest is None or _end(folder) > _end(newest):
                    newest = folder
        if newest is not None:
            self._newest[model] = newest
        return newest

    def _report(self, folder: str) -> Report:
        run: Any = self._get(f"{folder}/{RUN_JSON}", _Run)
        moment = parse_timestamp(run.ran_at).timestamp() if run else 0.0
        report: Any = self._get(f"{folder}/{REPORT_JSON}", Report)
        if report is None:
            end, start = _end(folder)
            return Report(
                model=StoredModel(name=folder.split("/")[1], version=""),
                window=StoredWindow(start=timestamp(start), end=timestamp(end)),
                status="error",
                records=0,
                checks=[],
                ran_at=moment,
            )
        return msgspec.structs.replace(report, ran_at=moment)  # type: ignore[no-any-return]  # a Report

    def _get(self, key: str, kind: type) -> Any:
        """Return a parsed object, None if it is missing or damaged."""
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return msgspec.json.decode(body, type=kind)
        except self._s3.exceptions.NoSuchKey:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


def _end(folder: str) -> tuple[datetime, datetime]:
    """Return end and start of a report's window. Raises ValueError for any other folder."""
    window = layout.window_of(folder.rpartition("/")[2])
    if window is None:
        raise ValueError(f"{folder} is no folder of a report")
    return window[1], window[0]
