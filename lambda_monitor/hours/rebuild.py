"""Rebuild partitions whose stored files are damaged, from the objects of the lake."""

from collections.abc import Callable
from typing import TypeVar

from lambda_monitor.hours.ledger import DamagedError
from lambda_monitor.hours.update import LedgerUpdater

T = TypeVar("T")


def rebuilding(updater: LedgerUpdater, read: Callable[[], T]) -> T:
    """Return the result of `read`, after rebuilding each partition that it finds damaged.

    Raises DamagedError if a file is still damaged after that, or its objects are gone.
    """
    seen: set[str] = set()
    waiting: list[DamagedError] = []
    while True:
        try:
            while waiting:
                updater.rebuild(waiting[-1])
                waiting.pop()
            return read()
        except DamagedError as error:
            if error.name in seen:
                raise
            seen.add(error.name)
            waiting.append(error)
