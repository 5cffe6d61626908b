"""Settings of the guard from environment variables, which Terraform sets."""

from collections.abc import Mapping
from typing import Self

import msgspec


class SettingsError(ValueError):
    """A variable of the function's environment is missing."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Function and alias that a release moves, and where its return is announced.

    `environment` is empty for a stack without one.
    """

    predict_function: str
    predict_alias: str
    alert_topic_arn: str
    use_case: str
    environment: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read `environment`. Raises SettingsError naming the variables that are missing."""
        fields = msgspec.structs.fields(cls)
        if missing := [f.name.upper() for f in fields if f.required and not environment.get(f.name.upper())]:
            raise SettingsError(f"{', '.join(missing)} not set: apply the Terraform configuration again")
        return cls(**{f.name: environment.get(f.name.upper(), "") for f in fields})
