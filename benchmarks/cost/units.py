"""AWS's rules of counting: what one record, batch or request adds to the bill."""

import math
from collections.abc import Iterable

KB = 1024
GB = 1024**3
# A put is billed per started 25 KB of a record's data.
PUT_BYTES = 25 * KB
# Firehose bills each record as a multiple of 5 KB, on-demand streams as a multiple of 1 KB.
DELIVERED_BYTES = 5 * KB
ON_DEMAND_BYTES = KB
# X-Ray records the first invocation of each second and this share of the others; Lambda's rate is fixed.
_TRACED_SHARE = 0.05


def puts(sizes: Iterable[int]) -> int:
    """Return the put payload units of records of these sizes."""
    return sum(_multiples(size, PUT_BYTES) for size in sizes)


def delivered(sizes: Iterable[int]) -> int:
    """Return the bytes that Firehose bills for records of these sizes."""
    return sum(_multiples(size, DELIVERED_BYTES) for size in sizes) * DELIVERED_BYTES


def on_demand(sizes: Iterable[int]) -> int:
    """Return the bytes that an on-demand stream bills for records of these sizes."""
    return sum(_multiples(size, ON_DEMAND_BYTES) for size in sizes) * ON_DEMAND_BYTES


def packed(events: int, event_bytes: int, limit: int) -> list[int]:
    """Return the sizes of the output records of a batch of events; a limit of 0 joins none."""
    together = max(1, limit // event_bytes) if limit else 1
    full, rest = divmod(events, together)
    return [together * event_bytes] * full + ([rest * event_bytes] if rest else [])


def traces(invocations_per_second: float) -> float:
    """Return the traces per second of a function with active tracing."""
    first = min(invocations_per_second, 1.0)
    return first + _TRACED_SHARE * (invocations_per_second - first)


def _multiples(size: int, unit: int) -> int:
    return max(1, math.ceil(size / unit))
