"""The map holds: imports run downward, packages list their modules, images ship what they run."""

import ast
import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("contract", "lambda_predict", "lambda_monitor", "training", "ops", "local", "benchmarks")
LONGEST_FILE, LONGEST_FUNCTION = 300, 40

# A package may import from those before it, never from those after it.
LAYERS = ("contract", "lambda_predict", "lambda_monitor", "training", "ops", "local", "benchmarks")
MONITOR_LAYERS = (
    {"settings", "findings", "untrusted"},
    {"wording"},
    {"run"},
    {"lake"},
    {"profiles"},
    {"check_config"},
    {"model"},
    {"hours"},
    {"reports"},
    {"checks"},
    {"alerts"},
    {"notifier"},
    {"guard"},
    {"monitor"},
    {"handler"},
)
# Exceptions, as (module, package).
UPWARD: set[tuple[str, str]] = set()

ENTRY_POINTS = {
    "lambda_predict": ("lambda_predict.handler", "lambda_predict.http"),
    "lambda_monitor": (
        "lambda_monitor.handler",
        "lambda_monitor.notifier.handler",
        "lambda_monitor.guard.handler",
    ),
}


@functools.cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Return the files of the repository that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return tuple(path for name in found if (path := ROOT / name).is_file())


@functools.cache
def modules() -> dict[str, Path]:
    """Return our modules by dotted name."""
    found = {}
    for path in tracked("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] in PACKAGES:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports(module: str) -> frozenset[str]:
    """Return our modules that `module` imports, also late, by name, or for types only."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules() else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return frozenset(found & modules().keys() - {module})


def test_packages_import_downward_only() -> None:
    upward = {
        (module, other)
        for module in modules()
        for name in imports(module)
        if LAYERS.index(other := name.split(".")[0]) > LAYERS.index(module.split(".")[0])
    }
    assert upward == UPWARD


def test_the_monitors_packages_import_downward_only() -> None:
    level = {name: number for number, names in enumerate(MONITOR_LAYERS) for name in names}
    upward = {
        (module, name)
        for module in modules()
        for name in imports(module)
        if (m := module.split("."))[0] == (n := name.split("."))[0] == "lambda_monitor"
        and len(m) > 1
        and len(n) > 1
        and level[n[1]] > level[m[1]]
    }
    assert upward == set()


def test_no_module_imports_itself_by_a_detour() -> None:
    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = set(runtime_imports(start))
        while waiting:
            module = waiting.pop()
            seen.add(module)
            waiting |= runtime_imports(module) - seen
        return seen

    assert [module for module in modules() if module in reachable(module)] == []


@functools.cache
def runtime_imports(module: str) -> frozenset[str]:
    """Return our modules that are imported when `module` is: not in functions, not for types only."""
    found = set()
    for node in ast.parse(modules()[module].read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules() else node.module for name in names}
    return frozenset(found & modules().keys() - {module})


@pytest.mark.parametrize(
    "package", sorted(name for name, path in modules().items() if path.name == "__init__.py")
)
def test_a_package_lists_each_of_its_modules(package: str) -> None:
    text = ast.get_docstring(ast.parse(modules()[package].read_text())) or ""
    listed = re.findall(r"^(\w+) {2,}\S", text, re.MULTILINE)
    depth = package.count(".") + 1
    inside = {
        name.split(".")[depth]
        for name in modules()
        if name.startswith(f"{package}.") and not name.endswith("__main__")
    }
    assert sorted(listed) == sorted(inside)


@pytest.mark.parametrize("package", ENTRY_POINTS)
def test_an_image_ships_only_modules_that_lambda_runs(package: str) -> None:
    needed, waiting = set(), set(ENTRY_POINTS[package])
    while waiting:
        module = waiting.pop()
        needed.add(module)
        waiting |= {name for name in imports(module) if name.startswith(package)} - needed
    packages = {name for name, path in modules().items() if path.name == "__init__.py"}
    shipped = {name for name in modules() if name.startswith(f"{package}.")} - packages
    assert shipped - needed == set()


def test_files_and_functions_are_short() -> None:
    long_files = [
        path for path in tracked("*.py", "*.tf", "*.hcl") if len(path.read_text().splitlines()) > LONGEST_FILE
    ]
    long_functions = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in tracked("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert (long_files, long_functions) == ([], [])


def test_the_map_names_every_package_and_no_file_that_is_not_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    parents = {str(folder) for path in tracked() for folder in path.relative_to(ROOT).parents}
    known = {str(path.relative_to(ROOT)) for path in tracked()} | parents
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", text))
    assert {name for name in named if name.rstrip("/") not in known} == set()
    folders = [*PACKAGES, "infra", "integration-tests"]
    assert [folder for folder in folders if f"`{folder}/" not in text] == []


def test_the_readme_links_the_map_and_every_link_of_the_documents_leads_somewhere() -> None:
    assert "docs/architecture.md" in (ROOT / "README.md").read_text()
    dead = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in tracked("*.md")
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if not link.startswith("http") and not (path.parent / link).exists()
    ]
    assert dead == []
