"""Where terraform gets its provider from: the user's settings, a mirror on this machine, or the registry."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PROVIDER = "registry.terraform.io/hashicorp/aws"
# The same version as versions.tf pins; a test compares them.
PROVIDER_VERSION = "5.100.0"

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_DEPTH = 2


def mirror_roots(env: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the folders where people and packages put terraform providers."""
    home = Path(env.get("HOME") or Path.home())
    return (
        home / ".terraform.d",
        home / ".local/share/terraform",
        Path("/usr/local/share"),
        Path("/usr/share"),
        Path("/opt"),
    )


def provider_mirror(roots: Iterable[Path] | None = None) -> Path | None:
    """Return a filesystem mirror that holds our provider for this platform, or None.

    Looks in each root and two levels below it, for the layout `terraform providers mirror` writes,
    packed or unpacked.
    """
    for root in mirror_roots() if roots is None else roots:
        for candidate in _folders(root, _DEPTH):
            if _holds_provider(candidate / PROVIDER):
                return candidate
    return None


def with_plugin_settings(env: Mapping[str, str], directory: Path, cache: Path) -> dict[str, str]:
    """Return `env` with terraform's provider settings, writing a CLI configuration to `directory` if needed.

    A CLI configuration of the user's own wins. One that is named but isn't there is left out. Downloads
    are kept in `cache`.
    """
    result = dict(env)
    if "TF_PLUGIN_CACHE_DIR" not in env:
        cache.mkdir(parents=True, exist_ok=True)
        # The lock file is made here anew (versions.tf says why), so the cache can't break one.
        result |= {
            "TF_PLUGIN_CACHE_DIR": str(cache.resolve()),
            "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
        }
    if _user_config(env):
        return result
    result.pop("TF_CLI_CONFIG_FILE", None)
    if mirror := provider_mirror(mirror_roots(env)):
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "terraform.rc"
        config.write_text(_mirror_config(mirror))
        result["TF_CLI_CONFIG_FILE"] = str(config.resolve())
    return result


def _user_config(env: Mapping[str, str]) -> bool:
    named = env.get("TF_CLI_CONFIG_FILE")
    return Path(named or Path(env.get("HOME") or Path.home()) / ".terraformrc").is_file()


def _mirror_config(mirror: Path) -> str:
    return f"""provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["{PROVIDER}"]
  }}
  # Asking the registry as well would fail on a machine that can't reach it.
  direct {{
    exclude = ["{PROVIDER}"]
  }}
}}
"""


def _holds_provider(folder: Path) -> bool:
    target = f"{platform.system().lower()}_{_MACHINES.get(platform.machine().lower(), platform.machine())}"
    packed = folder / f"terraform-provider-aws_{PROVIDER_VERSION}_{target}.zip"
    return (folder / PROVIDER_VERSION / target).is_dir() or packed.is_file()


def _folders(root: Path, depth: int) -> Iterator[Path]:
    yield root
    if not depth:
        return
    try:
        children = sorted(child for child in root.iterdir() if child.is_dir())
    except OSError:  # not there, or not ours to read: no mirror for us either way
        return
    for child in children:
        yield from _folders(child, depth - 1)
