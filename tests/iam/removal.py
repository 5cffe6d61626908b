"""Which test fails without each grant: recorded calls that no other grant of the role allows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.iam.calls import Call
from tests.iam.grants import Grant
from tests.iam.reasons import reason


@dataclass(frozen=True)
class Removed:
    """One grant, the calls denied without it, the first test that made one, or the reason there is none."""

    grant: Grant
    calls: int
    test: str
    reason: str

    @property
    def surplus(self) -> bool:
        """Return whether nothing needs the grant."""
        return not self.calls and not self.reason


def remove_each(grants: Sequence[Grant], calls: Sequence[Call]) -> Iterator[Removed]:
    """Yield the effect of removing each grant.

    A call that two grants allow needs neither of them: both are then surplus.
    """
    for grant in grants:
        others = [other for other in grants if other.role == grant.role and other != grant]
        denied = [
            call
            for call in calls
            if call.role == grant.role
            and allows(grant, call)
            and not any(allows(other, call) for other in others)
        ]
        yield Removed(grant, len(denied), min((c.test for c in denied), default=""), reason(grant))


def allows(grant: Grant, call: Call) -> bool:
    """Return whether the grant allows the call."""
    return grant.allows(call.action, call.resource, dict(call.keys))


def table(found: Sequence[Removed]) -> str:
    """Return a Markdown table, one row per grant."""
    head = ["| role | statement | action | resource | without it |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(removed) for removed in found)])


def _row(removed: Removed) -> str:
    grant = removed.grant
    resource = _short(grant.resource) + "".join(f", {key} {value}" for key, value in grant.keys)
    return f"| {grant.role} | {grant.sid} | `{grant.action}` | `{resource}` | {_effect(removed)} |"


def _effect(removed: Removed) -> str:
    if removed.calls:
        return f"{removed.test} fails ({removed.calls} recorded call{'s' * (removed.calls > 1)} denied)"
    return f"not exercised: {removed.reason}" if removed.reason else "SURPLUS: no call needs it"


def _short(arn: str) -> str:
    return arn.split(":", 5)[-1]


def summary(found: Sequence[Removed]) -> Mapping[str, int]:
    """Return the counts of grants that a test needs, that a reason explains, and that nothing needs."""
    return {
        "needed by a test": sum(bool(r.calls) for r in found),
        "not exercised": sum(not r.calls and bool(r.reason) for r in found),
        "surplus": sum(r.surplus for r in found),
    }
