"""The lake as of a moment, without what the monitor derived from it."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from contract import layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PastLake:
    """An S3 client that reads only: objects stored until a moment, none of the stored profiles.

    `later` collects the keys that listings left out because they are newer, `read` the keys of gets.
    """

    def __init__(self, s3: "S3Client", until: datetime) -> None:
        self._s3 = s3
        self._until = until
        self.exceptions = s3.exceptions
        self.later: set[str] = set()
        self.read: set[str] = set()

    def get_object(self, **arguments: Any) -> Any:
        """Return an object. Raises PermissionError for a stored profile."""
        if arguments["Key"].startswith(f"{layout.PROFILES}/"):
            raise PermissionError(f"{arguments['Key']} is derived: it is not part of the lake")
        self.read.add(arguments["Key"])
        return self._s3.get_object(**arguments)

    def get_paginator(self, name: str) -> "_Listing":
        """Return the paginator of that listing."""
        return _Listing(self, self._s3.get_paginator(name))  # type: ignore[call-overload]  # one overload per name

    def known(self, item: dict[str, Any]) -> bool:
        """Return whether a listed object was stored in time; note it in `later` if not."""
        if item["LastModified"] > self._until:
            self.later.add(item["Key"])
            return False
        return True


class _Listing:
    def __init__(self, lake: PastLake, pages: Any) -> None:
        self._lake, self._pages = lake, pages

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages, each without newer objects."""
        for page in self._pages.paginate(**arguments):
            yield page | {"Contents": [item for item in page.get("Contents", []) if self._lake.known(item)]}


class FolderCache:
    """A cache of profiles in a folder of this machine, empty at first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """Return the file of that name, None if there is none."""
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None

    def put(self, name: str, file: BinaryIO) -> None:
        """Write the contents of `file` under `name`."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            shutil.copyfileobj(file, target)

    def names(self, first: str, last: str) -> list[str]:
        """Return the names from `first` to `last`, in order."""
        files = (path for path in self._folder.rglob("*") if path.is_file())
        return sorted(n for path in files if first <= (n := str(path.relative_to(self._folder))) <= last)
