"""Let idle OpenMP threads sleep: spinning ones slow down boosted trees tenfold on busy cores."""

import os

# Read when scikit-learn loads.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
