"""Switch off Evidently's usage statistics, by a variable it reads when imported."""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")
