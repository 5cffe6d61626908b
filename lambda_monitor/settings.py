"""Settings from environment variables, which Terraform sets."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Self

import msgspec

# Only tuning has defaults: a missing resource name is an error of the Terraform configuration.
_DEFAULTS = {
    "WINDOW_HOURS": "24",
    "REMINDER_HOURS": "24",
    "LABEL_DELAY_DAYS": "7",
    "ATHENA_MIN_BYTES": "0",
    "REPORT_LINK_HOURS": "12",
    "METRIC_LIMIT": "20",
}


class SettingsError(ValueError):
    """A variable of the function's environment is missing or invalid."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the function's resources, and its tuning.

    With an `athena_min_bytes` of 0 Athena is never used; without `id_column` the records that Athena
    counts have no ids, so that labels can't be joined to them. With `report_link_hours` of 0 messages have no
    presigned links. Without `predict_function` and
    `input_stream` service health is not checked. Messages name the `environment`, unless it is empty.
    """

    artifact_bucket: str
    lake_bucket: str
    model_name: str
    model_version: str
    use_case: str
    alert_topic_arn: str
    window_hours: int
    reminder_hours: int
    label_delay_days: int
    report_link_hours: int = 12
    metric_limit: int = 20
    athena_workgroup: str = ""
    glue_database: str = ""
    predictions_table: str = ""
    id_column: str = ""
    athena_min_bytes: int = 0
    predict_function: str = ""
    input_stream: str = ""
    environment: str = ""
    metrics_namespace: str = "Scorewatch"

    def __post_init__(self) -> None:
        """Raise SettingsError if a number is out of its range."""
        for name in ("window_hours", "reminder_hours"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name.upper()} is {getattr(self, name)}: it must be 1 or more")
        for name in ("label_delay_days", "athena_min_bytes", "report_link_hours", "metric_limit"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name.upper()} is {getattr(self, name)}: it must be 0 or more")

    @property
    def window(self) -> timedelta:
        """The length of a scheduled window."""
        return timedelta(hours=self.window_hours)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read `environment`. Raises SettingsError naming the variable."""
        given = {**_DEFAULTS, **environment}
        fields = msgspec.structs.fields(cls)
        if missing := [f.name.upper() for f in fields if f.required and not given.get(f.name.upper())]:
            raise SettingsError(f"{', '.join(missing)} not set: apply the Terraform configuration again")
        values = {f.name: given[f.name.upper()] for f in fields if f.name.upper() in given}
        try:
            return msgspec.convert(values, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"the function's environment can't be read: {error}") from error
