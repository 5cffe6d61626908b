"""Version of a function that an invocation by its alias executes.

Runs in the embedded AWS's process, so it imports the standard library alone.
"""

from collections.abc import Mapping
from typing import Any


def choose(alias: Mapping[str, Any], draw: float) -> str:
    """Return the version for a random number in [0, 1), by the alias's weights as GetAlias describes them.

    Lambda draws for each invocation by itself, retries of a batch included.
    """
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        if draw < weight:
            return str(version)
    return str(alias["FunctionVersion"])
