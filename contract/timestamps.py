"""Timestamps of events. Imports the standard library alone: the exporter's image has little else."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """Format `moment` as events do: UTC, milliseconds, suffix Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Parse an event's timestamp to an aware datetime. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone: write it as 2026-01-31T12:00:00.000Z")
    return moment.astimezone(UTC)
