"""Evidently's HTML as a page of the site: data escaped, scripts pinned, a summary on top."""

import base64
import hashlib
import html
import re

_DATA = re.compile(r"^ *var (?:additional_graphs_)?metric_[0-9a-f]+ = .*$", re.MULTILINE)
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# Data and its graphs, on one line each; the data, a global, Evidently's library, the call that draws.
_DATA_LINES, _SCRIPTS = 2, 4
_HEAD, _BODY = "<head>", "</head>\n    <body>"
# Evidently adds style elements by script.
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)


class TemplateError(Exception):
    """Evidently's HTML is not laid out as expected, so that its data can't be made safe."""


def secured(text: str, note: str) -> str:
    """Return Evidently's page without markup in its data, with `note` and a policy for its own scripts.

    Evidently writes its data as JSON into a script element: "</script>" in a check's sentence or a
    category would end that element. Raises TemplateError.
    """
    text, lines = _DATA.subn(lambda found: found.group().replace("<", "\\u003c"), text)
    scripts = _SCRIPT.findall(text)
    if (lines, len(scripts), text.count(_BODY)) != (_DATA_LINES, _SCRIPTS, 1) or _HEAD not in text:
        raise TemplateError(f"{lines} lines of data and {len(scripts)} scripts in Evidently's page")
    policy = _POLICY.format(scripts=" ".join(f"'sha256-{_digest(script)}'" for script in scripts))
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    text = text.replace(_HEAD, _HEAD + meta, 1)
    return text.replace(_BODY, f'{_BODY}<p class="site note">{html.escape(note)}</p>', 1)


def with_summary(text: str, title: str, summary: str) -> str:
    """Return a secured page with a title and with `summary`, HTML, at its start."""
    head, _, body = text.partition(_BODY)
    return f"{head}<title>{html.escape(title)}</title>{_BODY}{summary}{body}"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
