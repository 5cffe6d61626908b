"""Deploy a model in shadow: it scores every record apart from the live one, and is compared with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contract import bundle, store
from contract.bundle import Manifest
from contract.schema import Contract
from contract.session import session
from ops import alias, bundles, deploy, deployment, shadow_compare, versions
from ops.deployment import DeploymentError
from ops.shadow_compare import Comparison
from ops.shadow_events import Side
from ops.versions import PATIENT


def start(use_case: str, version: str | None = None, image: str | None = None, hours: float = 0.0) -> None:
    """Score every record with a model version too, from `hours` ago as far as the stream retains them.

    Without `version` it is the challenger, or else the champion if that is not live; `image` is the live one
    unless it is given. A shadow that does not start is removed. Raises DeploymentError, BundleError,
    TerraformError.
    """
    root, known = deploy.deployed(use_case)
    if versions.is_unfinished(known, use_case) or not known.get("release"):
        raise DeploymentError(f"a release of {use_case} is not finished: see make status")
    directory = bundles.bundle_directory(use_case, version or _candidate(use_case, known))
    model = Manifest.from_json((directory / bundle.MANIFEST).read_bytes())
    store.upload(session().client("s3", config=PATIENT), known["artifact_bucket"], directory)
    since = datetime.now(UTC) - timedelta(hours=hours)
    wanted = deploy.current(root, use_case, known)
    settings = {"model_version": model.version, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "image": image}
    root.apply({**wanted, "shadow": settings})
    function = root.outputs()["shadow_function"]
    if failure := alias.start_failure(session().client("lambda", config=PATIENT), function):
        print("\nRemove the shadow", flush=True)
        root.apply({**wanted, "shadow": None})
        raise DeploymentError(
            f"model {model.version} was not left in shadow: {failure}. See the log of {function} for the "
            "cause; live scoring was not touched"
        )
    print(
        f"\nModel {model.version} is in shadow: {function} scores the records since {settings['since']}.\n"
        f"Next: make shadow-compare USE_CASE={use_case}, when the lake has them "
        f"({known['delivery_interval_seconds']} s), and make shadow OFF=1 to end it"
    )


def end(use_case: str) -> None:
    """Remove what scores in shadow; its predictions stay in the lake.

    Raises DeploymentError if there is no shadow, TerraformError.
    """
    root, known = deploy.deployed(use_case)
    _shadow(known, use_case)
    root.apply({**deploy.current(root, use_case, known), "shadow": None})


def compare(use_case: str, hours: float | None = None) -> Comparison:
    """Return the comparison since the shadow's start, or of the last `hours`.

    Raises DeploymentError if there is no shadow, BundleError.
    """
    known = deployment.running_outputs(use_case)
    found, s3, now = _shadow(known, use_case), session().client("s3", config=PATIENT), datetime.now(UTC)
    start_at = datetime.fromisoformat(found["since"])
    if hours is not None:
        start_at = max(start_at, now - timedelta(hours=hours))

    def side(version: str) -> Side:
        manifest = store.manifest(s3, known["artifact_bucket"], known["model_name"], version)
        raw = store.read(s3, known["artifact_bucket"], manifest, bundle.CONTRACT)
        return Side(version, Contract.from_json(raw))

    live, shadow = side(known["model_version"]), side(found["model_version"])
    return shadow_compare.from_lake(s3, known["lake_bucket"], live, shadow, start_at, now)


def _candidate(use_case: str, known: dict[str, Any]) -> str:
    """Return the challenger, or the champion if it is not live. Raises DeploymentError."""
    name = bundles.model_name(use_case)
    for found in (bundles.challenger(name), bundles.champion(name)):
        if found is not None and found != known["model_version"]:
            return found
    raise DeploymentError(
        f"the registry has no challenger of {name}, and its champion is live: name a version, make shadow "
        "VERSION=..."
    )


def _shadow(known: dict[str, Any], use_case: str) -> dict[str, Any]:
    found: dict[str, Any] | None = known.get("shadow")
    if not found:
        raise DeploymentError(f"{use_case} has no model in shadow: run make shadow USE_CASE={use_case}")
    return found
