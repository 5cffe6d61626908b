"""A cache that keeps nothing, for reading the lake once."""

from typing import BinaryIO


class NoCache:
    """A cache without storage: a training run reads the lake once."""

    def get(self, name: str) -> bytes | None:
        """Return None: nothing is stored."""
        del name
        return None

    def put(self, name: str, file: BinaryIO) -> None:
        """Store nothing."""
        del name, file

    def names(self, first: str, last: str) -> list[str]:
        """Return no name: nothing is stored."""
        del first, last
        return []
