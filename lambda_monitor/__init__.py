"""Says when a model stops being right.

handler      Lambda entry
monitor      one run: read, judge, tell, draw
hours        every object read once, kept by the hour its records arrived in
window       any window as a merge of hours
labels       ground truth; truth joins it to predictions
judge        every check of a window; report draws them with Evidently
statistics   how far a profile lies from the reference; thresholds, how far is too far
calibration  thresholds made at training: resampling for chance, seasons for the calendar
alerts       who is told what, once; notify words it
index        the report site's front page; site opens it
"""

import os

# Evidently reads this when it is imported: nothing is ever sent about its use.
os.environ.setdefault("DO_NOT_TRACK", "1")
