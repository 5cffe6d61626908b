"""Synthetic white wines with the distributions of real ones.

Alcohol, volatile acidity and sulphates are drawn by quality, correlated.
`python -m training.synthetic.fit_wine` fitted the parameters in `wine.npz`: shares, quantiles and
correlations, no wines.
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
    """Return synthetic wines, reproducibly.

    `part` is ignored, since wines are split by content.
    """
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
            position = ndtr(normal[:, column])
            values[of_class, column] = np.interp(position, PROBABILITIES, quantiles[number, column])
    frame = pd.DataFrame(values, columns=list(COLUMNS)).round(COLUMNS)
    return frame.assign(quality=classes[drawn].astype(np.int64))
