"""Which modules of this package an exported application stands on: those that it imports, and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
ROOTS = ("application", "cassette", "replay")


def carried() -> tuple[Path, ...]:
    """Their files, relative to the package, in order. Its own `__init__` is not among them: that of a notebook knows more."""
    found: set[Path] = set()
    for root in ROOTS:
        _add(Path(f"{root}.py"), found)
    return tuple(sorted(found))


def _add(file: Path, found: set[Path]) -> None:
    if file in found:
        return
    found.add(file)
    for module in _imports(file):
        for each in _files(module):
            _add(each, found)


def _files(module: str) -> Iterator[Path]:
    """A module's file, or all of a package: its parts import one another."""
    path = Path(*module.split("."))
    if (PACKAGE / path).is_dir():
        yield from (each.relative_to(PACKAGE) for each in sorted((PACKAGE / path).glob("*.py")))
    elif (PACKAGE / path.with_suffix(".py")).is_file():
        yield path.with_suffix(".py")


def _imports(file: Path) -> Iterator[str]:
    """The package's modules that a file imports when it runs, those of functions too."""
    tree = ast.parse((PACKAGE / file).read_text("utf-8"))
    for node in _running(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "workbench":
            inner = node.module.partition(".")[2]
            yield from ([inner.split(".")[0]] if inner else (alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("workbench."))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _running(node)
