"""CloudWatch metrics in the embedded metric format: printed, without an API call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from contract.schema import ModelRef
from lambda_monitor.findings import CheckResult

NAMESPACE = "Scorewatch"


def embedded(
    use_case: str,
    model: ModelRef,
    moment: datetime,
    values: Mapping[str, float],
    checks: list[CheckResult],
) -> str:
    """Return the log line that CloudWatch turns into one metric per value, with dimension UseCase.

    The checks are plain properties of the line: searchable in Logs Insights, not charged as metrics.
    """
    record: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(moment.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["UseCase"]],
                    "Metrics": [{"Name": name} for name in values],
                }
            ],
        },
        "UseCase": use_case,
        "model": model.name,
        "model_version": model.version,
        **values,
        "checks": [
            {"name": c.name, "columns": c.columns, "status": c.status, "value": c.value, "limit": c.threshold}
            for c in checks
        ],
    }
    return msgspec.json.encode(record).decode()
