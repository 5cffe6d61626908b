"""HTML shared by the pages of the report site."""

import html
from datetime import datetime
from pathlib import Path

from contract.version import VERSION

_STYLE = Path(__file__).with_name("site.css").read_text(encoding="utf-8")


def document(title: str, body: str) -> str:
    """Return a complete HTML page in the site's style."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{body}<footer>Scorewatch {VERSION}</footer></body></html>"
    )


def pill(status: str) -> str:
    """Return a status as a coloured label."""
    return f'<span class="status {html.escape(status)}">{html.escape(status.replace("_", " "))}</span>'


def span(start: datetime, end: datetime) -> str:
    """Return a window's times as text."""
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {last}"
