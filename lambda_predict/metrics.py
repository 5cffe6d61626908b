"""Log line per invocation, which CloudWatch also reads as metrics."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contract.schema import ModelRef
from lambda_predict.score import Batch

NAMESPACE = "Scorewatch"


def timeliness(
    records: Sequence[Mapping[str, Any]], resume: str | None, seconds: float, now: datetime
) -> dict[str, int]:
    """Return the counts of records done within `seconds` of their arrival, and later.

    From sequence number `resume` on, Lambda delivers the records again: they count when they are done.
    """
    sources = [record["kinesis"] for record in records]
    if resume is not None:
        sources = [source for source in sources if int(source["sequenceNumber"]) < int(resume)]
    limit = now.timestamp() - seconds
    arrivals = [source["approximateArrivalTimestamp"] for source in sources]
    # Nearly always nothing is late: one minimum costs less than a comparison per record.
    late = sum(arrival < limit for arrival in arrivals) if min(arrivals, default=limit) < limit else 0
    return {"OnTime": len(sources) - late, "Late": late}


def embedded(
    batch: Batch,
    unpublished: int,
    model: ModelRef,
    use_case: str,
    now: datetime,
    timely: Mapping[str, int] | None = None,
    namespace: str = NAMESPACE,
) -> str:
    """Return the log line in CloudWatch's embedded metric format.

    Counts are per invocation; Age is the seconds since the newest record of the batch arrived.
    Rejections are counted in total and per reason. `timely` has the counts of the service level objective.
    """
    counts: dict[str, float] = {
        "Records": len(batch.scored) + batch.reasons.total(),
        "Scored": len(batch.scored),
        "Rejected": batch.reasons.total(),
        "UnknownCategories": batch.unknown_categories,
        "Unpublished": unpublished,
    }
    counts |= {f"Rejected.{reason}": count for reason, count in sorted(batch.reasons.items())}
    counts |= timely or {}
    age = max(0.0, now.timestamp() - batch.newest_arrival)
    definitions = [{"Name": name, "Unit": "Count"} for name in counts] + [{"Name": "Age", "Unit": "Seconds"}]
    line: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(now.timestamp() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [["UseCase"]], "Metrics": definitions}
            ],
        },
        "UseCase": use_case,
        "message": "batch scored",
        "model": {"name": model.name, "version": model.version, "run_id": model.run_id},
        **counts,
        "Age": round(age, 3),
    }
    return json.dumps(line, separators=(",", ":"))
