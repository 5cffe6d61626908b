"""Source of the Terraform provider: user settings, local mirror, or registry."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PROVIDER = "registry.terraform.io/hashicorp/aws"
# Same version as in versions.tf; a test compares them.
PROVIDER_VERSION = "5.100.0"
# Platforms whose provider hashes a committed lock file holds.
PLATFORMS = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64")

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_DEPTH = 2


def mirror_roots(env: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the folders searched for local provider mirrors."""
    home = Path(env.get("HOME") or Path.home())
    return (
        home / ".terraform.d",
        home / ".local/share/terraform",
        Path("/usr/local/share"),
        Path("/usr/share"),
        Path("/opt"),
    )


def provider_mirror(roots: Iterable[Path] | None = None) -> Path | None:
    """Return a filesystem mirror with our provider for this platform, or None.

    Searches each root two levels deep for the layout of `terraform providers mirror`, packed or
    unpacked.
    """
    for root in mirror_roots() if roots is None else roots:
        for candidate in _folders(root, _DEPTH):
            if _holds_provider(candidate / PROVIDER):
                return candidate
    return None


def with_plugin_settings(env: Mapping[str, str], directory: Path, cache: Path) -> dict[str, str]:
    """Return `env` with Terraform's provider settings.

    Writes a CLI configuration to `directory` for a local mirror. The user's own configuration has
    precedence; one that is named but missing is ignored. Downloads are cached in `cache`.
    """
    result = dict(env)
    if "TF_PLUGIN_CACHE_DIR" not in env:
        cache.mkdir(parents=True, exist_ok=True)
        # Without it, terraform downloads the provider again for each state folder without a lock file.
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
  # A query to the registry would fail on an offline machine.
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
    except OSError:  # missing or unreadable: not a mirror
        return
    for child in children:
        yield from _folders(child, depth - 1)
