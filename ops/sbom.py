"""Bill of materials (CycloneDX 1.6, JSON) of the image that runs this: Python and system packages.

Dockerfiles copy this file alone, so it imports the standard library only. The same packages give the same
bytes.
"""

import json
import runpy
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

_RPM = ("rpm", "-qa", "--queryformat", r"%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\n")
_DPKG = ("dpkg-query", "--show", "--showformat", r"${Package}\t${Version}\t${Architecture}\n")
_OS_RELEASE = Path("/etc/os-release")


def bill(name: str, version: str) -> dict[str, Any]:
    """Return the bill of image `name`, without time or random number."""
    source, system = system_packages()
    components = sorted([*python_packages(), *system], key=lambda c: str(c["bom-ref"]))
    found = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "container", "bom-ref": name, "name": name, "version": version},
            "properties": [{"name": "scorewatch:system-packages", "value": source}],
        },
        "components": components,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(found, sort_keys=True))
    return {**found, "serialNumber": f"urn:uuid:{serial}"}


def python_packages() -> list[dict[str, Any]]:
    """Return a component per installed Python distribution; the first of a name on the path counts."""
    found: dict[str, dict[str, Any]] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        reference = f"pkg:pypi/{name}@{quote(distribution.version)}"
        component = {
            "type": "library",
            "bom-ref": reference,
            "name": distribution.metadata["Name"],
            "version": distribution.version,
            "purl": reference,
        }
        found.setdefault(name, {**component, **_license(distribution)})
    return list(found.values())


def system_packages() -> tuple[str, list[dict[str, Any]]]:
    """Return the package manager's name, or none, and a component per package that it lists."""
    release = dict(_release())
    # The namespace of a package URL is the distribution's ID: debian, amzn.
    namespace = release.get("ID", "linux")
    distro = f"{namespace}-{release.get('VERSION_ID', 'unknown')}"
    for command, kind in ((_RPM, "rpm"), (_DPKG, "deb")):
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        return command[0], [_system(f"pkg:{kind}/{namespace}", distro, *row) for row in rows]
    return "none", []


def _system(prefix: str, distro: str, name: str, version: str, architecture: str) -> dict[str, Any]:
    qualifiers = f"arch={quote(architecture)}&distro={quote(distro)}"
    reference = f"{prefix}/{quote(name)}@{quote(version)}?{qualifiers}"
    return {"type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference}


def _license(distribution: metadata.Distribution) -> dict[str, Any]:
    """Return the licence as the package states it: an SPDX expression, else its classifiers."""
    if "License-Expression" in distribution.metadata:
        return {"licenses": [{"expression": distribution.metadata["License-Expression"]}]}
    classifiers = distribution.metadata.get_all("Classifier") or []
    names = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License :: ")]
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def _release() -> Iterator[tuple[str, str]]:
    if _OS_RELEASE.is_file():
        for line in _OS_RELEASE.read_text().splitlines():
            name, separator, value = line.partition("=")
            if separator:
                yield name, value.strip("\"'")


if __name__ == "__main__":
    version = runpy.run_path("contract/version.py")["VERSION"]
    json.dump(bill(sys.argv[1], version), sys.stdout, indent=1, sort_keys=True)
