"""The bundle of the model that is watched: what its records are compared with."""

import io
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, store
from contract.schema import Contract
from lambda_monitor.profile import Profile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A version's contract, reference rows, thresholds and, where the user wrote one, checks file."""

    contract: Contract
    reference: pa.Table
    thresholds: bytes
    checks: bytes | None

    def profiler(self, table: pa.Table) -> Profile:
        """Return the profile of `table`, comparable with the reference's."""
        return Profile.of(table)


def load(s3: "S3Client", bucket: str, name: str, version: str) -> Model:
    """Return the bundle, every file verified. Raises BundleError and ContractError."""
    manifest = store.manifest(s3, bucket, name, version)
    reference = store.read(s3, bucket, manifest, bundle.REFERENCE)
    return Model(
        contract=Contract.from_json(store.read(s3, bucket, manifest, bundle.CONTRACT)),
        reference=pq.read_table(io.BytesIO(reference)),
        thresholds=store.read(s3, bucket, manifest, bundle.THRESHOLDS),
        checks=store.read(s3, bucket, manifest, bundle.CHECKS) if bundle.CHECKS in manifest.files else None,
    )
