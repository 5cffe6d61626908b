"""Settings from the function's environment."""

import pytest

from lambda_monitor.settings import Settings, SettingsError

GIVEN = {
    "ARTIFACT_BUCKET": "a",
    "LAKE_BUCKET": "l",
    "MODEL_NAME": "m",
    "MODEL_VERSION": "1",
    "USE_CASE": "u",
    "ALERT_TOPIC_ARN": "t",
    "WINDOW_HOURS": "6",
}


def test_reads_its_variables_and_ignores_others() -> None:
    settings = Settings.from_environment({**GIVEN, "PATH": "/bin", "ATHENA_MIN_BYTES": "100"})

    assert (settings.window_hours, settings.reminder_hours, settings.athena_min_bytes) == (6, 24, 100)
    assert settings.window.total_seconds() == 6 * 3600


@pytest.mark.parametrize("name", ["LAKE_BUCKET", "MODEL_VERSION", "ALERT_TOPIC_ARN"])
def test_an_error_names_the_missing_variable(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} not set"):
        Settings.from_environment({k: v for k, v in GIVEN.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WINDOW_HOURS", "0"),
        ("REMINDER_HOURS", "-1"),
        ("LABEL_DELAY_DAYS", "-1"),
        ("REPORT_LINK_HOURS", "-1"),
        ("METRIC_LIMIT", "-1"),
    ],
)
def test_refuses_numbers_out_of_range(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**GIVEN, name: value})


def test_an_error_names_the_variable_that_is_not_a_number() -> None:
    with pytest.raises(SettingsError, match="window_hours"):
        Settings.from_environment({**GIVEN, "WINDOW_HOURS": "day"})
