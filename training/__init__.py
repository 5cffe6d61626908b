"""From a declared use case to a bundle: data, pipeline, registry, export.

use_case   what a user declares in one file
sources    where rows come from, tried in order
data       rows by the declared rules, hashed and locked
pipeline   the steps, from loading to the bundle
records    rows as the bytes that go on the stream
"""

import os

# Threads of boosted trees that wait by spinning take ten times as long where others use the cores too.
# It has to be set before scikit-learn loads.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
