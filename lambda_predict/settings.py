"""Settings from the environment variables that Terraform sets."""

from collections.abc import Mapping

import msgspec

from lambda_predict.identity import Identity


class SettingsError(RuntimeError):
    """The function's environment is incomplete."""


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    """One field per environment variable of the same name in capitals.

    `test_run` prints instead of writing to streams. `http_identity` applies to requests without an
    idempotency key. A record scored more than `objective_seconds` after its arrival counts as late.
    """

    artifact_bucket: str
    model_name: str
    model_version: str
    use_case: str
    output_stream: str
    rejected_stream: str
    test_run: bool = False
    http_identity: Identity = Identity.REQUEST
    objective_seconds: float = 60.0

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings in `environment`. Raises SettingsError naming the variable."""
        try:
            return msgspec.convert(dict(environment), cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(
                f"the function's environment is incomplete: {error}; Terraform sets it"
            ) from error
