"""Data of the mutation tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """Replacement of `old`, which occurs once in `file`, by `new`.

    `survives` explains why no test can catch an equivalent mutation; empty for all others.
    `tests` are run instead of the table's, if there are any: a shorter run that must catch it.
    """

    name: str
    file: str
    old: str
    new: str
    survives: str = ""
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Mutations of one Lambda and the tests that must catch them.

    `tests` are pytest arguments, fastest first; `seconds` is the time-out of one run of them;
    `allowed` is the number of survivors above which the command fails.
    """

    mutations: list[Mutation]
    tests: list[str]
    seconds: float = 900.0
    allowed: int = 2
