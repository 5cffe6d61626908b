"""Changes that an apply would make, as a table."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import bundles, deploy, deployment, embedded

_ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
}
_UNCHANGED = {("no-op",), ("read",)}
_SECRET, _UNKNOWN = "(sensitive)", "(known after apply)"
_VALUE_CHARACTERS, _CONTEXT_CHARACTERS = 80, 20
_MARKDOWN_ROWS = 200


@dataclass(frozen=True)
class Attribute:
    """One attribute of a changed resource, with its values as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One resource that an apply would change; attributes are listed for an update or a replacement."""

    address: str
    action: str
    attributes: tuple[Attribute, ...] = ()


def report(use_case: str, version: str | None = None, *, as_markdown: bool = False) -> str:
    """Return what an apply that serves `version` (None: the live one) would change, images unchanged.

    Without a stack, the foundations of the first deployment are planned. Raises DeploymentError,
    TerraformError.
    """
    local = embedded.select_running(use_case) or embedded.find(os.environ.get("AWS_ENDPOINT_URL"))
    root = deployment.stack(use_case)
    known = deploy.current_outputs(root, use_case)
    if local:
        wanted = root.last_variables() | ({"model_version": version} if version else {})
    else:
        served = version or known.get("model_version") or bundles.champion(bundles.model_name(use_case))
        if served is None:
            raise deployment.DeploymentError(f"{use_case} has no model: run make train USE_CASE={use_case}")
        wanted = deploy.variables(use_case, served, known)
    found = changes(root.plan(wanted))
    title = f"Plan of {use_case}, model version {wanted['model_version']}"
    return markdown(found, title) if as_markdown else f"{title}\n{table(found)}"


def changes(plan: Mapping[str, Any]) -> list[Change]:
    """Return the changes of a plan in `terraform show -json` format, outputs last."""
    found = [_change(c["address"], c["change"]) for c in plan.get("resource_changes", [])]
    outputs = plan.get("output_changes", {}).items()
    found += [_change(f"output.{name}", change) for name, change in outputs]
    return [change for change in found if change is not None]


def table(found: Sequence[Change]) -> str:
    """Return the changes as aligned lines, one per attribute, and their number."""
    rows = [row for change in found for row in _rows(change)]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    lines = [
        "  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3])) for row in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), summary(found)])


def markdown(found: Sequence[Change], title: str) -> str:
    """Return the changes as a Markdown table under a heading, cut after 200 rows."""
    rows = [row for change in found for row in _rows(change)]
    parts = [f"### {title}", "", summary(found)]
    if rows:
        parts += ["", "| action | resource | attribute | change |", "|---|---|---|---|"]
        parts += [f"| {' | '.join(map(_cell, row))} |" for row in rows[:_MARKDOWN_ROWS]]
    if len(rows) > _MARKDOWN_ROWS:
        parts += ["", f"{len(rows) - _MARKDOWN_ROWS} more rows are in the output of `make plan`."]
    return "\n".join(parts) + "\n"


def summary(found: Iterable[Change]) -> str:
    """Return how many resources are created, updated, replaced, destroyed, or that none are."""
    counts: dict[str, int] = {}
    for change in found:
        if not change.address.startswith("output."):
            counts[change.action] = counts.get(change.action, 0) + 1
    if not counts:
        return "No changes: the stack is as the configuration describes it."
    return (
        "Resources to change: " + ", ".join(f"{n} to {action}" for action, n in sorted(counts.items())) + "."
    )


def _change(address: str, change: Mapping[str, Any]) -> Change | None:
    actions = tuple(change["actions"])
    if actions in _UNCHANGED:
        return None
    action = _ACTIONS[actions]
    return Change(address, action, _attributes(change) if action in ("update", "replace") else ())


def _attributes(change: Mapping[str, Any]) -> tuple[Attribute, ...]:
    """Return the top-level attributes whose values differ, sensitive values masked."""
    sides = ("before", "after", "after_unknown", "before_sensitive", "after_sensitive")
    values = [change.get(side) for side in sides]
    if not any(isinstance(value, dict) for value in values[:2]):
        values = [{"value": value} for value in values]
    before, after, unknown, *sensitive = map(_mapping, values)
    found = []
    for name in sorted({*before, *after, *unknown}):
        later = _contains_true(unknown.get(name))
        if not later and before.get(name) == after.get(name):
            continue
        if any(_contains_true(side.get(name)) for side in sensitive):
            found.append(Attribute(name, _SECRET, _SECRET))
        else:
            old, new = _excerpts(_text(before.get(name)), _text(after.get(name)))
            found.append(Attribute(name, old, _UNKNOWN if later else new))
    return tuple(found)


def _contains_true(marks: object) -> bool:
    """Return whether Terraform marks a value, or any part of it."""
    if isinstance(marks, dict):
        return any(map(_contains_true, marks.values()))
    return any(map(_contains_true, marks)) if isinstance(marks, list) else marks is True


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Cut both texts to the part from their first difference on."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((n for n, (old, new) in pairs if old != new), min(len(before), len(after)))
    start = max(0, same - _CONTEXT_CHARACTERS) if max(len(before), len(after)) > _VALUE_CHARACTERS else 0

    def cut(text: str) -> str:
        end = start + _VALUE_CHARACTERS
        return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")

    return cut(before), cut(after)


def _rows(change: Change) -> list[tuple[str, str, str, str]]:
    if not change.attributes:
        return [(change.action, change.address, "", "")]
    return [
        (change.action, change.address, attribute.name, f"{attribute.before} -> {attribute.after}")
        for attribute in change.attributes
    ]


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
