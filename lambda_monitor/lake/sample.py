"""Bounded, repeatable sample of rows."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from lambda_monitor.lake.events import IDENTITY

# Rows of a window that the Evidently report is drawn from.
SAMPLE_ROWS = 5_000


def lowest(tables: Iterable[pa.Table], rows: int = SAMPLE_ROWS) -> pa.Table:
    """Return the `rows` rows of lowest identity, ordered by it.

    Identities are hashes, so these are a uniform sample, the same whatever the order of reading,
    and the sample of a union is the sample of the samples' union.
    """
    table = pa.concat_tables(tables)
    identities = table.column(IDENTITY).to_numpy()
    if len(identities) > rows:
        least = np.argpartition(identities, rows)[:rows]
        return table.take(pa.array(least[np.argsort(identities[least], kind="stable")]))
    return table.take(pa.array(np.argsort(identities, kind="stable")))


def spread(table: pa.Table, rows: int = SAMPLE_ROWS) -> pa.Table:
    """Return `rows` rows at even distances, so that each hour of a window is represented."""
    if len(table) <= rows:
        return table
    return table.take(pa.array(np.linspace(0, len(table) - 1, rows).astype(np.int64)))
