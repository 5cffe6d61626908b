"""Proof that no role reaches another use case, whatever its name, in the same account and region.

The other use case's resources are those of the record with another name in place of this one's: any that
infra/names.tf makes of an environment and a use case. Z3 intersects them with what a grant allows.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import z3

from tests.iam.grants import Grant
from tests.iam.proof import expression, solve, text

# What calls add to the ARN of a resource: keys of objects, log streams, versions of functions.
_PARTS = {"s3": "/*", "logs": ":*", "lambda": ":*"}


@dataclass(frozen=True)
class Reach:
    """A grant that reaches a resource of another use case, and that use case's name."""

    grant: Grant
    use_case: str
    resource: str


def reached(grants: Iterable[Grant], resources: Sequence[str], use_case: str) -> list[Reach]:
    """Return a witness per grant that reaches another use case; empty proves isolation.

    Grants on "*" are left out. Raises ValueError for a service that the record has no resource of,
    RuntimeError if the solver can't decide.
    """
    patterns: dict[str, Grant] = {}
    for grant in grants:
        patterns.setdefault(grant.resource, grant)
    patterns.pop("*", None)
    found = (_reach(grant, resources, use_case) for grant in patterns.values())
    return [reach for reach in found if reach is not None]


def _reach(grant: Grant, resources: Sequence[str], use_case: str) -> Reach | None:
    service = grant.resource.split(":")[2]
    there = [arn for arn in resources if arn.split(":")[2] == service]
    if not there:
        raise ValueError(f"{grant.role}/{grant.sid} names {grant.resource}: the record has no such resource")
    for separator in "-_":
        slug = use_case.replace("_", separator)
        for arn in (arn for arn in there if slug in arn):
            resource = z3.String("resource")
            inside = [
                z3.InRe(resource, expression(grant.resource)),
                z3.InRe(resource, _others(arn, slug, separator)),
            ]
            if (model := solve(inside)) is not None:
                witness = text(model, resource)
                return Reach(grant, _name(arn, slug, witness), witness)
    return None


def _others(arn: str, slug: str, separator: str) -> z3.ReRef:
    """Return the ARNs of a resource, and of its parts, in stacks of any other name."""
    another = z3.Intersect(_names(separator), z3.Complement(z3.Re(slug)))
    first, *rest = arn.split(slug)
    pieces = [z3.Re(first)]
    for piece in rest:
        pieces += [another, z3.Re(piece)]
    if part := _PARTS.get(arn.split(":")[2]):
        pieces.append(z3.Option(expression(part)))
    return z3.Concat(*pieces)


def _name(arn: str, slug: str, witness: str) -> str:
    """Return the name that the witness has where the ARN has the slug."""
    first, second = arn.split(slug)[:2]
    found = re.match(f"{re.escape(first)}(.*?){re.escape(second)}", witness, re.DOTALL)
    return found[1] if found else ""


def _names(separator: str) -> z3.ReRef:
    """Return the names of stacks: words, of which two separators end those of the environment."""
    letter, digit = z3.Range("a", "z"), z3.Range("0", "9")
    word = z3.Plus(z3.Union(letter, digit))
    first = z3.Concat(letter, z3.Star(z3.Union(letter, digit)))
    between = z3.Concat(z3.Re(separator), z3.Option(z3.Re(separator)))
    return z3.Concat(first, z3.Star(z3.Concat(between, word)))
