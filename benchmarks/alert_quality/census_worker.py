"""CBPE of NannyML on its packaged census data, run in its own environment: `census_worker.py ROWS FILE`.

Chunks of ROWS rows, all else by default. Estimate, realised accuracy and alert of each chunk are written to
FILE as JSON.
"""

import json
import sys
import warnings
from pathlib import Path

import nannyml  # type: ignore[import-not-found]  # it is in its own environment


def main() -> None:
    """Estimate the accuracy of every chunk, and write it with the realised one."""
    warnings.simplefilter("ignore")
    rows, path = int(sys.argv[1]), Path(sys.argv[2])
    reference, analysis, targets = nannyml.load_us_census_ma_employment_data()
    columns = {
        "y_true": "employed",
        "y_pred": "prediction",
        "y_pred_proba": "predicted_probability",
        "problem_type": "classification_binary",
        "metrics": ["accuracy"],
        "chunk_size": rows,
    }
    estimated = nannyml.CBPE(**columns).fit(reference).estimate(analysis)
    labelled = analysis.merge(targets, on="id")
    realised = nannyml.PerformanceCalculator(**columns).fit(reference).calculate(labelled)
    found = {}
    for name, result in (("estimate", estimated), ("realised", realised)):
        frame = result.filter(period="analysis").to_df()["accuracy"]
        found[name] = {"value": frame["value"].tolist(), "alert": [bool(alert) for alert in frame["alert"]]}
    path.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
