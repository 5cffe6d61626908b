"""Import a large package that is there to stay."""

import atexit
import gc
import sys
from importlib import import_module
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import the module `name` with no search for garbage meanwhile, and return it.

    Evidently's import makes half a million objects, all there to stay: walking them hundreds of times
    is a quarter of its time, so they are left out of later searches too.
    """
    if name in sys.modules or not gc.isenabled():
        return import_module(name)
    gc.disable()
    try:
        module = import_module(name)
        gc.freeze()
        # Some extension modules complain about what isn't collected at the end.
        atexit.register(gc.unfreeze)
    finally:
        gc.enable()
    return module
