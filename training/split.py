"""Split one table into parts."""

import zlib

import numpy as np
import pandas as pd


def by_content(frame: pd.DataFrame, part: str, *, train_share: float = 0.8) -> pd.DataFrame:
    """Return the rows of `part`: train, or validation for the others.

    A row's content decides, so rows that repeat fall on one side: none is learned from and judged on.
    """
    content = frame.astype(str).agg("\x1f".join, axis=1)
    place = np.array([zlib.crc32(row.encode()) for row in content]) / 2**32
    learned = place < train_share
    return frame[learned if part == "train" else ~learned]
