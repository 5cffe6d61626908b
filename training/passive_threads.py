"""Set OMP_WAIT_POLICY=passive before scikit-learn loads.

Spinning idle threads slow down boosted trees tenfold on busy cores.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
