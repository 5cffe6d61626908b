"""The bundle of the model that is watched: what its records are compared with."""

import hashlib
import io
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, layout, store
from contract.schema import Contract
from lambda_monitor.profile import Layout, Profile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A version's contract, reference rows, thresholds and, where the user wrote one, checks file."""

    contract: Contract
    reference: pa.Table
    layout: Layout
    thresholds: bytes
    checks: bytes | None

    def profiler(self, table: pa.Table) -> Profile:
        """Return the profile of `table`, comparable with the reference's."""
        return Profile.of(table, self.layout)

    @property
    def shelf(self) -> str:
        """Where profiles of this model are kept: those of another layout don't add up with them."""
        digest = hashlib.sha256(msgspec.json.encode(self.layout)).hexdigest()[:12]
        return f"{layout.PROFILES}/{self.contract.model.name}/{self.contract.model.version}/{digest}/"


def load(s3: "S3Client", bucket: str, name: str, version: str) -> Model:
    """Return the bundle, every file verified. Raises BundleError and ContractError."""
    manifest = store.manifest(s3, bucket, name, version)
    contract = Contract.from_json(store.read(s3, bucket, manifest, bundle.CONTRACT))
    reference = pq.read_table(io.BytesIO(store.read(s3, bucket, manifest, bundle.REFERENCE)))
    return Model(
        contract=contract,
        reference=reference,
        layout=Layout.of(contract, reference),
        thresholds=store.read(s3, bucket, manifest, bundle.THRESHOLDS),
        checks=store.read(s3, bucket, manifest, bundle.CHECKS) if bundle.CHECKS in manifest.files else None,
    )
