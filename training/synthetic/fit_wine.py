"""Fit the wine generator: `python -m training.synthetic.fit_wine PATH/winequality-white.csv`.

A quality with fewer than fifty wines takes quantiles and correlations of the nearest common one.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from training.sources import read_table
from training.synthetic.wine import COLUMNS, PARAMETERS, PROBABILITIES

COMMON = 50


def main() -> None:
    """Read the wines, fit the generator and write wine.npz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="winequality-white.csv")
    fitted = fit(read_table(parser.parse_args().file))
    arrays: dict[str, Any] = {k: v.astype(np.float32) if v.ndim > 1 else v for k, v in fitted.items()}
    np.savez_compressed(PARAMETERS, **arrays)
    print(f"{PARAMETERS} has {PARAMETERS.stat().st_size:,} bytes")


def fit(wines: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """Return shares of the qualities, and quantiles and correlations within each."""
    counts = wines["quality"].value_counts().sort_index()
    common = counts.index[counts >= COMMON].to_numpy()
    quantiles, correlations = [], []
    for quality in counts.index:
        nearest = common[np.abs(common - quality).argmin()]
        rows = wines.loc[wines["quality"] == nearest, list(COLUMNS)]
        quantiles.append([np.quantile(rows[c], PROBABILITIES) for c in COLUMNS])
        correlations.append(ndtri(rows.rank() / (len(rows) + 1)).corr())
    return {
        "classes": counts.index.to_numpy(),
        "shares": (counts / counts.sum()).to_numpy(),
        "quantiles": np.array(quantiles),
        "correlations": np.array(correlations),
    }


if __name__ == "__main__":
    main()
