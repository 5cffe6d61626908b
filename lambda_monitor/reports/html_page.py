"""HTML shared by the pages of the report site."""

import base64
import hashlib
import html
from datetime import datetime
from pathlib import Path

from contract.version import VERSION

STYLE = Path(__file__).with_name("site.css").read_text(encoding="utf-8")
FOOTER = f"<footer>Scorewatch {VERSION}</footer>"
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# No script, and nothing from other addresses.
_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"


def document(title: str, body: str) -> str:
    """Return a complete HTML page in the site's style."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body class="site">{body}{FOOTER}</body></html>'
    )


def pill(status: str) -> str:
    """Return a status as a coloured label."""
    return f'<span class="status {html.escape(status)}">{html.escape(status.replace("_", " "))}</span>'


def span(start: datetime, end: datetime) -> str:
    """Return a window's times as text."""
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {last}"
