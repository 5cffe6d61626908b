"""Counters of records, added up from CloudWatch's sums per minute."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NAMESPACE = "Scorewatch"
# CloudWatch's metrics by the name of the counter and its label.
COUNTED = {
    ("incoming", ""): "IncomingRecords",
    ("scored", "scored"): "Scored",
    ("scored", "rejected"): "Rejected",
    ("timely", "on_time"): "OnTime",
    ("timely", "late"): "Late",
}
# Minutes after which CloudWatch's sums are final, and between two requests, which are charged.
_SETTLED = 3
_EVERY = 5
# Most minutes of one request: 1,440 data points per metric, below CloudWatch's 100,800.
_LONGEST = 1440


class CloudWatchCounters:
    """Totals by key of COUNTED since the first read."""

    def __init__(
        self,
        cloudwatch: "CloudWatchClient",
        use_case: str,
        input_stream: str,
        namespace: str = NAMESPACE,
    ) -> None:
        self._client, self._namespace = cloudwatch, namespace
        self._use_case, self._stream = use_case, input_stream
        self._until: int | None = None
        self.totals = dict.fromkeys(COUNTED, 0.0)

    def read(self, now: float) -> None:
        """Add the minutes that have settled since the last read. Raises ClientError, BotoCoreError."""
        end = int(now // 60) - _SETTLED
        if self._until is None:
            self._until = end
        if end - self._until < _EVERY:
            return
        start = max(self._until, end - _LONGEST)
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[self._query(n, key) for n, key in enumerate(COUNTED)],
            StartTime=datetime.fromtimestamp(start * 60, UTC),
            EndTime=datetime.fromtimestamp(end * 60, UTC),
        )
        found = [
            (result["Id"], sum(result["Values"])) for page in pages for result in page["MetricDataResults"]
        ]
        ids = {f"m{n}": key for n, key in enumerate(COUNTED)}
        for number, value in found:
            self.totals[ids[number]] += value
        self._until = end

    def _query(self, number: int, key: tuple[str, str]) -> Any:
        incoming = key[0] == "incoming"
        dimension = ("StreamName", self._stream) if incoming else ("UseCase", self._use_case)
        metric = {
            "Namespace": "AWS/Kinesis" if incoming else self._namespace,
            "MetricName": COUNTED[key],
            "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
        }
        return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
