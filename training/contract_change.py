"""Differences between two contracts that prevent a comparison of their models."""

from contract.schema import Contract, Feature


def changes(before: Contract, after: Contract) -> list[str]:
    """Return what changed in task, target and features, one phrase per change.

    Ranges, units and categories may change: both models still score the same rows.
    """
    found = []
    if before.task is not after.task:
        found.append(f"task was {before.task}, is {after.task}")
    if before.target.name != after.target.name:
        found.append(f"target was {before.target.name}, is {after.target.name}")
    labels = [_labels(contract) for contract in (before, after)]
    if all(labels) and labels[0] != labels[1]:
        found.append(f"classes were {labels[0]}, are {labels[1]}")
    old, new = ({f.name: f for f in c.features} for c in (before, after))
    found += [f"feature {name} is new" for name in new if name not in old]
    found += [f"feature {name} is gone" for name in old if name not in new]
    found += [
        f"feature {name} was {_type(old[name])}, is {_type(new[name])}"
        for name in new
        if name in old and _type(old[name]) != _type(new[name])
    ]
    inputs = [{i.name: i for i in c.inputs} for c in (before, after)]
    found += [f"input {name} changed" for name in inputs[1] if inputs[0].get(name) != inputs[1][name]]
    found += [f"input {name} is gone" for name in inputs[0] if name not in inputs[1]]
    if not found and before.feature_names != after.feature_names:
        found.append("features have another order")
    return found


def _type(feature: Feature) -> str:
    words = f"{feature.kind} {feature.dtype}"
    if feature.nullable:
        words += ", may be missing"
    if (derived := feature.derived) is not None:
        words += f", the {derived.operation} of {', '.join(derived.of)}"
    return words


def _labels(contract: Contract) -> str:
    """Return the type of a classification's labels; its classes may change."""
    return ", ".join(sorted({type(label).__name__ for label in contract.target.labels or []}))
