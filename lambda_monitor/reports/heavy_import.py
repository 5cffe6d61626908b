"""Import of a large package without garbage collection."""

import atexit
import gc
import sys
from importlib import import_module
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import the module `name` with garbage collection off, and return it.

    Evidently's import makes half a million permanent objects. Scanning them takes a quarter of the
    import's time, so they are excluded from later collections too.
    """
    if name in sys.modules or not gc.isenabled():
        return import_module(name)
    gc.disable()
    try:
        module = import_module(name)
        gc.freeze()
        # Some extension modules warn about objects that are not collected at exit.
        atexit.register(gc.unfreeze)
    finally:
        gc.enable()
    return module
