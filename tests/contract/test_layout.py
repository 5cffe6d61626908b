import gzip
import json
from datetime import UTC, datetime, timedelta, timezone

import boto3
import pytest
from moto import mock_aws

from contract import events, layout
from contract.lake import LakeReader
from contract.timestamps import parse_timestamp, timestamp
from tests.lambda_predict import synthetic

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_keys_are_by_utc_hour() -> None:
    prefix = "predictions/year=2026/month=03/day=02/hour=12/"
    assert layout.hour_prefix(layout.PREDICTIONS, NOON) == prefix
    elsewhere = datetime(2026, 3, 2, 14, 59, tzinfo=timezone(timedelta(hours=2)))
    assert layout.hour_prefix(layout.PREDICTIONS, elsewhere) == prefix
    with pytest.raises(ValueError, match="no time zone"):
        layout.hour_prefix(layout.PREDICTIONS, datetime(2026, 3, 2))


def test_hours_overlap_the_window() -> None:
    start = NOON + timedelta(minutes=59)
    assert list(layout.hours_between(start, NOON + timedelta(hours=2))) == [NOON, NOON + layout.HOUR]
    assert list(layout.hours_between(start, start + timedelta(minutes=2))) == [NOON, NOON + layout.HOUR]


def test_report_names_sort_by_time() -> None:
    names = [
        layout.window_name(NOON + timedelta(hours=h), NOON + timedelta(hours=h + 1)) for h in (0, 5, 12, 240)
    ]
    assert names == sorted(names)
    assert (
        layout.report_prefix("m", NOON, NOON + layout.HOUR) == "reports/m/20260302T120000Z-20260302T130000Z/"
    )


def test_timestamps_are_utc_milliseconds_and_read_back() -> None:
    assert timestamp(NOON + timedelta(microseconds=1999)) == "2026-03-02T12:00:00.001Z"
    assert parse_timestamp("2026-03-02T12:00:00.000Z") == NOON
    with pytest.raises(ValueError, match="no time zone"):
        parse_timestamp("2026-03-02T12:00:00")


def test_a_ground_truth_line_has_the_contracts_names() -> None:
    line = events.ground_truth_line(synthetic.contract(), "XYZ10", 21.5)
    assert line == b'{"ride_id":"XYZ10","duration":21.5}\n'


def test_each_object_of_the_lake_is_read_once_gzipped_or_plain() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="lake")
        prefix = layout.hour_prefix(layout.PREDICTIONS, NOON)
        s3.put_object(Bucket="lake", Key=prefix + "a.gz", Body=gzip.compress(b'{"n":1}\n{"n":2}\n'))
        s3.put_object(Bucket="lake", Key=prefix + "b.gz", Body=b'{"n":3}\n')
        reader = LakeReader(s3, "lake", layout.PREDICTIONS)
        found = [json.loads(line)["n"] for line in reader.new_lines(NOON, NOON + layout.HOUR)]
        assert found == [1, 2, 3]
        s3.put_object(Bucket="lake", Key=prefix + "c", Body=b'{"n":4}\n')
        assert list(reader.new_lines(NOON, NOON + layout.HOUR)) == [b'{"n":4}']


def test_a_windows_name_is_read_back_and_no_other_name_is() -> None:
    start, end = NOON, NOON + timedelta(hours=5)
    assert layout.window_of(layout.window_name(start, end)) == (start, end)
    for name in (
        "",
        "a",
        "a-b",
        "20260302T120000Z",
        "20260302T120000Z-2026",
        "2026032T120000Z-20260302T130000Z",
    ):
        assert layout.window_of(name) is None
