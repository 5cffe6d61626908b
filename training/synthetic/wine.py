"""Synthetic white wines: alcohol, volatile acidity and sulphates by quality, correlated as in real ones.

The parameters in `wine.npz` were fitted by `python -m training.synthetic.fit_wine`; the file holds
shares, quantiles and correlations, no wine.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

FITTED_TO = "the 4,898 white wines of Cortez et al., 2009 (UCI)"
PARAMETERS = Path(__file__).with_name("wine.npz")
ROWS = 4_898
COLUMNS = {"alcohol": 1, "volatile acidity": 2, "sulphates": 2}
TAIL = [0.0, 0.005, 0.02]
PROBABILITIES = np.array([*TAIL, *np.linspace(0.05, 0.95, 19), *(1 - p for p in reversed(TAIL))])


def wines(part: str, rows: int = ROWS) -> pd.DataFrame:
    """Return made-up wines, the same at every call; `part` is ignored: they are split by content."""
    del part
    rng = np.random.default_rng(ROWS)
    with np.load(PARAMETERS, allow_pickle=False) as fitted:
        classes, shares = fitted["classes"], fitted["shares"]
        quantiles, correlations = fitted["quantiles"], fitted["correlations"]
    drawn = rng.choice(len(classes), rows, p=shares)
    values = np.empty((rows, len(COLUMNS)))
    for number in range(len(classes)):
        of_class = drawn == number
        normal = rng.multivariate_normal(np.zeros(len(COLUMNS)), correlations[number], of_class.sum())
        for column in range(len(COLUMNS)):
            place = ndtr(normal[:, column])
            values[of_class, column] = np.interp(place, PROBABILITIES, quantiles[number, column])
    frame = pd.DataFrame(values, columns=list(COLUMNS)).round(COLUMNS)
    return frame.assign(quality=classes[drawn].astype(np.int64))
