"""Upload the configuration of checks: validate it, show what changes, put it in force."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from contract import checks
from contract.schema import ContractError
from contract.session import session
from contract.timestamps import timestamp
from lambda_monitor import model
from lambda_monitor.check_config import CheckConfig, CheckConfigError, load
from lambda_monitor.checks.custom import CustomError, rehearse
from lambda_monitor.model import Model
from ops import deployment
from ops.deployment import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Value of CHECKS that puts the bundle's own configuration in force again.
BUNDLE = "bundle"


def upload(use_case: str, wanted: str | None = None) -> None:
    """Upload the file `wanted` (None: the use case's `checks`) for the deployed model.

    `bundle` puts the bundle's configuration in force again. Raises DeploymentError, BundleError.
    """
    known = deployment.running_outputs(use_case)
    bucket, name, version = known["artifact_bucket"], known["model_name"], known["model_version"]
    s3 = session().client("s3")
    data = None if wanted == BUNDLE else _given(use_case, wanted)
    try:
        before = _before(s3, bucket, name, version)
        after = _after(s3, bucket, name, version, data)
        lines = differences(before.check_config, after.check_config)
        if not lines:
            print(f"{name}: these checks are in force already ({before.configuration}).")
            return
        print("\n".join([f"{name} version {version}, checks that change:", *lines]))
        made = checks.upload(s3, bucket, name, data, timestamp(datetime.now(UTC)))
    except (checks.UploadError, CheckConfigError, CustomError, ContractError) as error:
        raise DeploymentError(str(error)) from error
    what = "checks of the bundle" if data is None else f"SHA-256 {checks.digest(data)[:12]}"
    print(f"Upload {made.version} is in force from the next monitoring run on: {what}.")
    print(f"  make report USE_CASE={use_case}    # each report names the checks that it used")
    print(f"  make checks USE_CASE={use_case} CHECKS={BUNDLE}    # use the checks of the bundle again")


def _given(use_case: str, wanted: str | None) -> bytes:
    """Return the JSON of the file, or of the use case's `checks`. Raises DeploymentError."""
    if wanted is not None:
        try:
            return Path(wanted).read_bytes()
        except OSError as error:
            raise DeploymentError(f"{wanted} can't be read: {error.strerror}") from error
    from training.errors import UseCaseError  # noqa: PLC0415  its packages take seconds to import
    from training.use_case import UseCase  # noqa: PLC0415  as above

    try:
        declared = UseCase.named(use_case).checks
    except UseCaseError as error:
        raise DeploymentError(str(error)) from error
    if not declared:
        raise DeploymentError(f"use case {use_case} declares no checks: add them, or give CHECKS=checks.json")
    return msgspec.json.encode(declared)


def _before(s3: "S3Client", bucket: str, name: str, version: str) -> Model:
    """Return the model with the checks in force; an upload that no longer fits counts as none."""
    watched = model.load(s3, bucket, name, version)
    try:
        return model.configured(watched, s3, bucket)
    except CheckConfigError as error:
        print(f"The checks in force don't fit this version: {error}")
        return watched


def _after(s3: "S3Client", bucket: str, name: str, version: str, data: bytes | None) -> Model:
    """Return the model with the new checks, and print each custom check's value on the reference."""
    watched = model.load(s3, bucket, name, version)
    if data is None:
        return watched
    config = load(data, watched.profile_spec.columns)
    tried = msgspec.structs.replace(watched, check_config=config)
    for check, value in rehearse(watched.contract, watched.reference, config.custom).items():
        print(f"custom.{check} is {'null' if value is None else f'{value:.6g}'} on the reference.")
    return tried


def differences(before: CheckConfig, after: CheckConfig) -> list[str]:
    """Return one line per setting that differs, such as `outliers.enabled: default -> false`."""
    old, new = (_settings(msgspec.to_builtins(config)) for config in (before, after))
    lines = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            was, now = (_shown(settings.get(name)) for settings in (old, new))
            lines.append(f"  {name}: {was} -> {now}")
    return lines


def _settings(value: Any, name: str = "") -> dict[str, Any]:
    """Return the settings inside `value` by dotted name; those at their default are left out."""
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, inner in value.items():
            path = ".".join(part for part in (name, key if key not in _LEVELS else "") if part)
            found |= _settings(inner, path)
        return found
    defaults = {"enabled": True, "threshold": None, "above": None, "below": None}
    last = name.rpartition(".")[2]
    return {} if last in defaults and value is defaults[last] else {name: value}


# Levels of checks.json that a dotted name leaves out.
_LEVELS = {"checks", "columns"}


def _shown(value: Any) -> str:
    return "default" if value is None else msgspec.json.encode(value).decode()
