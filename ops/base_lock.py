"""Pin the base images in the Dockerfiles by digest, read from their registries.

Speaks the OCI distribution API: a manifest by tag, with an anonymous token if the registry asks for one.
"""

import hashlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from ops.deployment import DeploymentError
from ops.docker_images import REPOSITORY_ROOT, base_image

DOCKERFILES = tuple(
    REPOSITORY_ROOT / folder / "Dockerfile"
    for folder in ("lambda_predict", "lambda_monitor", "local/prometheus")
)
# An index names one image per architecture, so that one digest serves all.
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DOCKER_HUB = "registry-1.docker.io"
_LOCAL = ("localhost", "127.0.0.1")
_SECONDS = 30
_LARGEST_MANIFEST = 4 << 20
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Reference:
    """Name of an image: registry, repository and tag."""

    registry: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, name: str) -> "Reference":
        """Read a name as Docker does: without a registry it is Docker Hub's."""
        tagged = name.partition("@")[0]
        first, slash, rest = tagged.partition("/")
        if not slash or not ("." in first or ":" in first or first == "localhost"):
            first, rest = _DOCKER_HUB, tagged if slash else f"library/{tagged}"
        repository, _, tag = rest.partition(":")
        return cls(first, repository, tag or "latest")

    @property
    def url(self) -> str:
        """Address of the manifest."""
        scheme = "http" if self.registry.partition(":")[0] in _LOCAL else "https"
        return f"{scheme}://{self.registry}/v2/{self.repository}/manifests/{self.tag}"


def renew(dockerfiles: tuple[Path, ...] = DOCKERFILES) -> None:
    """Write each base's current digest into its Dockerfile and print it. Raises DeploymentError."""
    names = {path: base_image(path) for path in dockerfiles}
    tagged = {name: name.partition("@")[0] for name in names.values()}
    pinned = {name: f"{tag}@{digest(Reference.parse(tag))}" for name, tag in tagged.items()}
    for path, name in names.items():
        path.write_text(path.read_text().replace(f"FROM {name}\n", f"FROM {pinned[name]}\n", 1))
    for name in dict.fromkeys(names.values()):
        print(f"{pinned[name]}{'' if pinned[name] != name else ', as before'}")
    print("Next: make images, then git commit the Dockerfiles.")


def digest(reference: Reference) -> str:
    """Return the digest of an image's index, or of its manifest if it has none. Raises DeploymentError."""
    try:
        body, kind = _manifest(reference)
    except urllib.error.HTTPError as error:
        raise DeploymentError(f"{reference.url}: {error.code} {_reason(error)}") from None
    except (urllib.error.URLError, HTTPException, TimeoutError, json.JSONDecodeError, KeyError) as error:
        raise DeploymentError(f"{reference.registry} can't be read: {error}") from None
    if kind not in (*_INDEXES, *_MANIFESTS):
        raise DeploymentError(f"{reference.url}: unknown media type {kind}")
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _manifest(reference: Reference) -> tuple[bytes, str]:
    headers = {"Accept": ", ".join((*_INDEXES, *_MANIFESTS))}
    try:
        response = _get(reference.url, headers)
    except urllib.error.HTTPError as error:
        if error.code != 401:  # noqa: PLR2004
            raise
        token = _token(error.headers.get("WWW-Authenticate", ""))
        response = _get(reference.url, {**headers, "Authorization": f"Bearer {token}"})
    with response:
        body = response.read(_LARGEST_MANIFEST)
        named = response.headers.get("Docker-Content-Digest")
        if named and named != f"sha256:{hashlib.sha256(body).hexdigest()}":
            raise DeploymentError(f"{reference.url}: the manifest is not the one of its digest {named}")
        return body, response.headers.get_content_type()


def _token(challenge: str) -> str:
    scheme, _, rest = challenge.partition(" ")
    fields = dict(_CHALLENGE.findall(rest))
    if scheme.lower() != "bearer" or "realm" not in fields:
        raise DeploymentError(
            f"the registry asks for {scheme or 'an unknown'} authentication: only tokens work"
        )
    query = urllib.parse.urlencode({name: fields[name] for name in ("service", "scope") if name in fields})
    with _get(f"{fields['realm']}?{query}", {}) as response:
        found = json.load(response)
    # The specification allows either name.
    return str(found.get("token") or found["access_token"])


def _get(url: str, headers: dict[str, str]) -> HTTPResponse:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise DeploymentError(f"{url} is not https")
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  the scheme is checked above
    response: HTTPResponse = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310  as above
    return response


def _reason(error: urllib.error.HTTPError) -> str:
    """Return the registry's own words, by the specification a list of errors."""
    try:
        [first, *_] = json.load(error)["errors"]
        return f"{first['code']} {first.get('message', '')}".strip()
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
