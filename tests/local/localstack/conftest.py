"""Stand-ins for LocalStack's package, which has an environment of its own."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

Load = Callable[[str, dict[str, dict[str, Any]]], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Return a function that imports one of our modules with stand-ins for LocalStack's modules."""
    loaded: list[str] = []

    def with_modules(ours: str, contents: dict[str, dict[str, Any]]) -> ModuleType:
        packages = {name.rsplit(".", depth)[0] for name in contents for depth in range(name.count(".") + 1)}
        for name in sorted(packages):
            module = ModuleType(name)
            vars(module).update(contents.get(name, {}))
            monkeypatch.setitem(sys.modules, name, module)
            parent, _, child = name.rpartition(".")
            if parent:
                monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
        sys.modules.pop(ours, None)
        loaded.append(ours)
        return importlib.import_module(ours)

    yield with_modules
    for name in loaded:
        sys.modules.pop(name, None)
