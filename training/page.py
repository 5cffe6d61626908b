"""One self-contained HTML page per run."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

import pandas as pd

from training.gate import Verdict

TEMPLATE = Template(Path(__file__).with_name("page.html").read_text())


@dataclass(frozen=True)
class Section:
    """A heading with optional text, picture and table."""

    heading: str
    text: str = ""
    picture: bytes | None = None
    table: pd.DataFrame | None = None


def render(title: str, subtitle: str, sections: Sequence[Section], verdict: Verdict | None) -> str:
    """Return the page."""
    parts = [_verdict(verdict)] if verdict else []
    return TEMPLATE.substitute(
        title=escape(title),
        subtitle=escape(subtitle),
        body="\n".join(parts + [_section(s) for s in sections]),
    )


def _section(section: Section) -> str:
    parts = [f"<section><h2>{escape(section.heading)}</h2>"]
    if section.text:
        parts.append(f"<p>{escape(section.text)}</p>")
    if section.picture:
        data = base64.b64encode(section.picture).decode()
        parts.append(f'<img alt="{escape(section.heading)}" src="data:image/png;base64,{data}">')
    if section.table is not None:
        parts.append(_table(section.table))
    return "\n".join([*parts, "</section>"])


def _verdict(verdict: Verdict) -> str:
    outcome = "passed: this version is champion" if verdict.passed else "refused: the champion stays"
    items = "\n".join(
        f'<li class="{"pass" if c.passed else "fail"}"><b>{escape(c.name)}</b> {escape(c.sentence)}</li>'
        for c in verdict.checks
    )
    return f"<section><h2>Gate {outcome}</h2>\n<ul>{items}</ul></section>"


def _table(table: pd.DataFrame) -> str:
    head = "".join(f"<th>{escape(str(c))}</th>" for c in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(_cell(v))}</td>" for v in row) + "</tr>"
        for row in table.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
