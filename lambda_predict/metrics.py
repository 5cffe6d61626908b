"""Log line per invocation, which CloudWatch also reads as metrics."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contract.schema import ModelRef
from lambda_predict.score import Batch

NAMESPACE = "Scorewatch"
# What a release compares between two versions: the share of bad records. CloudWatch charges for each metric
# of each version, so what did not happen is left out.
_ALL, _BAD = "Records", ("Rejected", "Late")


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
    function_version: str = "",
) -> str:
    """Return the log line in CloudWatch's embedded metric format.

    Counts are per invocation; Age is the seconds since the newest record of the batch arrived.
    Rejections are counted in total and per reason. `timely` has the counts of the service level objective.
    With `function_version` some counts are also metrics of that version.
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
    versioned = {"ExecutedVersion": function_version} if function_version else {}
    line: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(now.timestamp() * 1000),
            "CloudWatchMetrics": _directives(namespace, counts, versioned),
        },
        "UseCase": use_case,
        **versioned,
        "message": "batch scored",
        "model": {"name": model.name, "version": model.version, "run_id": model.run_id},
        **counts,
        "Age": round(age, 3),
    }
    return json.dumps(line, separators=(",", ":"))


def _directives(
    namespace: str, counts: Mapping[str, float], versioned: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return which metrics CloudWatch reads from the line, in total and by function version."""
    metrics = [{"Name": name, "Unit": "Count"} for name in counts] + [{"Name": "Age", "Unit": "Seconds"}]
    found = [{"Namespace": namespace, "Dimensions": [["UseCase"]], "Metrics": metrics}]
    if versioned:
        happened = {_ALL, *(name for name in _BAD if counts.get(name))}
        compared = [metric for metric in metrics if metric["Name"] in happened]
        found.append({"Namespace": namespace, "Dimensions": [["UseCase", *versioned]], "Metrics": compared})
    return found
