"""Command that runs a function's image as Lambda would: read-only, bounded, unprivileged.

Runs in the embedded AWS's process, so it imports the standard library alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

# Lambda runs functions as a user of this kind, whatever the image says.
USER = "993:990"
_MEGABYTES_PER_CPU = 1769
_LEAST_CPU = 0.05


def command(
    tag: str, config: Mapping[str, Any], env: Mapping[str, str], addresses: Sequence[str], handler: str
) -> list[str]:
    """Return the command; `env` must also be in the environment it is started with.

    Variables are passed by name, so that credentials show in no list of processes.
    """
    memory = int(config.get("MemorySize") or 128)
    storage = int((config.get("EphemeralStorage") or {}).get("Size") or 512)
    return [
        *("docker", "run", "--rm", "--init", "--network=host", "--read-only"),
        *("--tmpfs", f"/tmp:rw,exec,mode=1777,size={storage}m"),  # noqa: S108  # Lambda's writable folder
        *("--memory", f"{memory}m", "--memory-swap", f"{memory}m"),
        *("--cpus", f"{max(memory / _MEGABYTES_PER_CPU, _LEAST_CPU):.2f}"),
        *("--user", USER, "--cap-drop=ALL", "--security-opt=no-new-privileges"),
        *(part for name in sorted(env) for part in ("--env", name)),
        *("--entrypoint", "/usr/local/bin/aws-lambda-rie", tag),
        *addresses,
        *("python", "-m", "awslambdaric", handler),
    ]


def engine(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which the docker command finds its engine."""
    return {name: value for name, value in environment.items() if name.startswith("DOCKER_")}
