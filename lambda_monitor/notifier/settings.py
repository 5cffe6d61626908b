"""Settings of one channel from environment variables, which Terraform sets."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import msgspec

_LISTS = ("WEBHOOK_HOSTS", "SEVERITIES", "CHECKS")


class SettingsError(ValueError):
    """A variable of the function's environment is missing or invalid."""


class Service(StrEnum):
    """Chat service of a channel."""

    SLACK = "slack"
    TEAMS = "teams"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the channel's resources, and its filter.

    `secret_arn` names the secret that holds the webhook URL. `webhook_hosts` are the hosts that the URL may
    name; one that starts with `*.` stands for its subdomains. An empty `severities` or `checks` lets every
    message through.
    """

    channel: str
    service: Service
    secret_arn: str
    webhook_hosts: list[str]
    lake_bucket: str
    model_name: str
    dashboard: str = ""
    severities: list[str] = []
    checks: list[str] = []

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read `environment`; lists are separated by commas. Raises SettingsError naming the variable."""
        fields = msgspec.structs.fields(cls)
        if missing := [f.name.upper() for f in fields if f.required and not environment.get(f.name.upper())]:
            raise SettingsError(f"{', '.join(missing)} not set: apply the Terraform configuration again")
        values = {
            f.name: _items(text) if f.name.upper() in _LISTS else text
            for f in fields
            if (text := environment.get(f.name.upper())) is not None
        }
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            raise SettingsError(f"the function's environment can't be read: {error}") from error


def _items(text: str) -> list[str]:
    return [item for item in text.split(",") if item]
