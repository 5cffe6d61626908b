"""Settings from the environment variables that Terraform sets."""

from collections.abc import Mapping

import msgspec

from lambda_predict.identity import Identity
from lambda_predict.metrics import NAMESPACE


class SettingsError(RuntimeError):
    """The function's environment is incomplete."""


# Variables that a test run with a bundle on disk does without.
_REMOTE = ("ARTIFACT_BUCKET", "MODEL_NAME", "MODEL_VERSION", "USE_CASE", "OUTPUT_STREAM", "REJECTED_STREAM")
# Variables that a function in shadow does without.
_LIVE = ("OUTPUT_STREAM", "REJECTED_STREAM")


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    """One field per environment variable of the same name in capitals.

    `test_run` prints instead of writing to streams; with it, `bundle` is a folder that has the model's
    bundle, and no other setting is needed. `http_identity` applies to requests without an
    idempotency key. A record scored more than `objective_seconds` after its arrival counts as late.
    Events are joined up to `output_record_kb` per record of the output stream; 0 joins none.
    With `shadow_stream`, a delivery stream, predictions and rejections go there and nowhere else. Lambda
    itself sets `aws_lambda_function_version`.
    """

    artifact_bucket: str
    model_name: str
    model_version: str
    use_case: str
    output_stream: str
    rejected_stream: str
    test_run: bool = False
    bundle: str = ""
    http_identity: Identity = Identity.REQUEST
    objective_seconds: float = 60.0
    output_record_kb: int = 0
    shadow_stream: str = ""
    metrics_namespace: str = NAMESPACE
    aws_lambda_function_version: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings in `environment`. Raises SettingsError naming the variable."""
        local = bool(environment.get("BUNDLE"))
        unused = _REMOTE if local else _LIVE if environment.get("SHADOW_STREAM") else ()
        given = {**dict.fromkeys(unused, ""), **environment}
        try:
            settings = msgspec.convert(given, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(
                f"the function's environment is incomplete: {error}; Terraform sets it"
            ) from error
        if local and not settings.test_run:
            raise SettingsError("BUNDLE is read with TEST_RUN=true only: a function's model is in S3")
        return settings
