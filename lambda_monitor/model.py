"""Bundle of the watched model: contract, reference, thresholds, configuration of checks."""

import hashlib
import io
from typing import TYPE_CHECKING, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, checks, layout, store
from contract.bundle import BundleError
from contract.checks import UploadError
from contract.schema import Contract
from lambda_monitor import check_config
from lambda_monitor.check_config import CheckConfig, CheckConfigError
from lambda_monitor.findings import Configuration
from lambda_monitor.lake import texts
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_monitor.profiles.thresholds import Thresholds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Contract, reference rows, thresholds and check configuration of one model version.

    `profile_spec` is how columns are counted, `baseline` the profile of the reference.
    """

    contract: Contract
    reference: pa.Table
    profile_spec: ProfileSpec
    baseline: Profile
    thresholds: Thresholds
    check_config: CheckConfig
    configuration: Configuration = Configuration()

    def profiler(self, table: pa.Table) -> Profile:
        """Return the profile of `table`, comparable with `baseline`."""
        return Profile.of(table, self.profile_spec)

    @property
    def cache_prefix(self) -> str:
        """Prefix of this model's profiles; those of another `profile_spec` can't be merged."""
        digest = hashlib.sha256(msgspec.json.encode(self.profile_spec)).hexdigest()[:12]
        return f"{layout.PROFILES}/{self.contract.model.name}/{self.contract.model.version}/{digest}/"


def load(s3: "S3Client", bucket: str, name: str, version: str) -> Model:
    """Return the bundle, every file verified. Raises BundleError, ContractError and CheckConfigError."""
    manifest = store.manifest(s3, bucket, name, version)
    contract = Contract.from_json(store.read(s3, bucket, manifest, bundle.CONTRACT))
    rows = pq.read_table(io.BytesIO(store.read(s3, bucket, manifest, bundle.REFERENCE)))
    reference = texts.measured(contract, rows)
    spec = ProfileSpec.of(contract, reference)
    own = store.read(s3, bucket, manifest, bundle.CHECKS) if bundle.CHECKS in manifest.files else None
    return Model(
        contract=contract,
        reference=reference,
        profile_spec=spec,
        baseline=Profile.of(reference, spec),
        thresholds=_thresholds(store.read(s3, bucket, manifest, bundle.THRESHOLDS)),
        check_config=check_config.load(own, spec.columns),
        configuration=_configuration("bundle", own),
    )


def configured(model: Model, s3: "S3Client", bucket: str, version: int | None = None) -> Model:
    """Return `model` with the uploaded checks in force, or of a version, if any. Raises CheckConfigError."""
    try:
        uploaded = checks.current(s3, bucket, model.contract.model.name, version)
    except UploadError as error:
        raise CheckConfigError(str(error)) from error
    data = None if uploaded is None else uploaded.configuration
    if uploaded is None or data is None:
        return model
    try:
        config = check_config.load(data, model.profile_spec.columns)
    except CheckConfigError as error:
        raise CheckConfigError(f"upload {uploaded.version} of checks: {error}") from error
    return msgspec.structs.replace(
        model, check_config=config, configuration=_configuration("uploaded", data, uploaded.version)
    )


def _configuration(
    source: Literal["bundle", "uploaded"], data: bytes | None, version: int | None = None
) -> Configuration:
    if data is None:
        return Configuration()
    return Configuration(source=source, version=version, sha256=checks.digest(data))


def _thresholds(data: bytes) -> Thresholds:
    try:
        return thresholds.load(data)
    except msgspec.DecodeError as error:
        raise BundleError(f"{bundle.THRESHOLDS} can't be read: {error}; export the bundle again") from error
