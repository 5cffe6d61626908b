"""Evidently takes seconds to import: begun as a run starts, beside the reading, mostly outside Python."""

import atexit
import gc
import sys
from importlib import import_module
from threading import Thread

_REPORT = "lambda_monitor.report"


def begin() -> Thread:
    """Start importing what draws the report, and return the thread that does; an import elsewhere waits."""
    thread = Thread(target=import_report, daemon=True)
    thread.start()
    return thread


def import_report() -> None:
    """Import what draws the report, with no search for garbage meanwhile.

    The import makes half a million objects, all there to stay: walking them hundreds of times is a
    quarter of its time, so they are left out of later searches too.
    """
    if not gc.isenabled() or _REPORT in sys.modules:
        import_module(_REPORT)
        return
    gc.disable()
    try:
        import_module(_REPORT)
        gc.freeze()
        # Some extension modules complain about what isn't collected at the end.
        atexit.register(gc.unfreeze)
    finally:
        gc.enable()
