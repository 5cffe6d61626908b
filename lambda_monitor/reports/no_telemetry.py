"""Switch off Evidently's usage statistics. It reads the variable when it is imported."""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")
