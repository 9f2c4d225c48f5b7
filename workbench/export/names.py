"""Looks at a handler before it leaves its notebook: what it is called, its source, and every name it uses that it was not given."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

# What an exported application has: see its requirements.txt.
PACKAGES = frozenset({"flask", "httpx", "jwt", "pydantic", "waitress", "werkzeug", "workbench"})
_CARRIED = frozenset({"bxml", "errors", "modes", "records", "tokens"})
_CELLS = frozenset({"__main__", "builtins", ""})
# What the application's own handlers.py calls its table.
RESERVED = frozenset({"Handlers", "handlers"})
# What comes as a table: pandas is a notebook's.
_TABLES = frozenset({"calls", "events", "figure", "members", "setup_times", "table", "timing", "webhooks"})
# What a notebook calls its workbench and phones: the reader is told what stands for them in an application.
_INSTEAD = {
    "wb": "an application has no workbench; use what the handler is given: flow, flow.mode, flow.participant()",
}


@dataclass(frozen=True)
class Fault:
    """A name that cannot leave: where it is used, and what to do."""

    function: str
    line: int
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.function}, line {self.line}: {self.name}: {self.why}" if self.name else f"{self.function}: {self.why}"


@dataclass
class Found:
    """What was found out about some functions: their sources in the order in which they are needed, imports, and faults."""

    sources: dict[str, str] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    bound: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    functions: dict[str, Any] = field(default_factory=dict)


def examine(function: Any, found: Found, called: str = "") -> str | None:
    """Add a function, and the functions of cells that it calls, to what was found; gives its name, None when it cannot leave."""
    name = called or getattr(function, "__name__", repr(function))
    why = _unfit(function)
    if why is None and found.functions.setdefault(function.__name__, function) is not function:
        why = "there is another function of this name; give one of them another name"
    if why is not None:
        found.faults.append(Fault(name, 0, "", why))
        return None
    if function.__name__ in found.sources:
        return str(function.__name__)
    source, tree = _source(function)
    if tree is None:
        found.faults.append(Fault(name, 0, "", "its source cannot be had; define it in a cell or a file"))
        return None
    found.faults.extend(Fault(function.__name__, line, what, why) for line, what, why in _faults(tree))
    found.sources[function.__name__] = ""  # a function may call itself
    for used, line in dict.fromkeys([*_globals(function.__code__), *_defaults(tree)]):
        _use(function, used, line - function.__code__.co_firstlineno + 1 if line else 0, found)
    # behind what it calls
    del found.sources[function.__name__]
    found.sources[function.__name__] = source
    return str(function.__name__)


def _unfit(function: Any) -> str | None:
    if not isinstance(function, FunctionType):
        return "it is no plain function; write it with def"
    if hasattr(function, "__wrapped__"):
        return "a decorator has put another function in its place; do inside the handler what the decorator does"
    if function.__name__ == "<lambda>":
        return "a lambda has no name; write it with def"
    if function.__name__ in RESERVED:
        return "the application's table of handlers is called so; give the function another name"
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "a handler returns its document, so it is neither async nor a generator"
    if function.__closure__:
        return f"it uses {', '.join(function.__code__.co_freevars)} of the function around it; receive or define them inside"
    return None


def _source(function: FunctionType) -> tuple[str, ast.FunctionDef | None]:
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return "", None
    if not isinstance(tree, ast.FunctionDef):
        return "", None
    # `@wb.<mode>.on(…)` is the notebook's.
    return "\n".join(text.splitlines()[tree.lineno - 1 : tree.end_lineno]), tree


def _globals(code: CodeType) -> Iterator[tuple[str, int]]:
    """Every global name a function uses, those of functions and classes inside it too, with its line."""
    instructions = list(dis.get_instructions(code))
    # Only a class has names of its own that are loaded like global ones.
    own = {one.argval for one in instructions if one.opname == "STORE_NAME"} | {"__name__"}
    for one in instructions:
        if one.argval not in own and one.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
            yield str(one.argval), (one.positions.lineno if one.positions else None) or 0
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner)


def _defaults(tree: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    """Names in default values, which are looked up when the function is defined."""
    for default in (*tree.args.defaults, *filter(None, tree.args.kw_defaults)):
        yield from ((node.id, 0) for node in ast.walk(default) if isinstance(node, ast.Name))


def _faults(tree: ast.FunctionDef) -> Iterator[tuple[int, str, str]]:
    """What is wrong with a function's text: its decorators, what it imports, tables that only a notebook has."""
    for one in tree.decorator_list:
        if not (isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "on"):
            yield one.lineno, f"@{ast.unparse(one)}", "a decorator does not leave; do inside the handler what it does"
    flow = [argument.arg for argument in (*tree.args.posonlyargs, *tree.args.args)][1:2]
    tabled = {*flow, *(f"{name}.mode" for name in flow)}
    for node in ast.walk(tree):
        for module, name in _imported(node):
            if not _has(module, name):
                yield node.lineno, f"{module}.{name}".strip("."), "the application does not have it"  # type: ignore[attr-defined]
        if isinstance(node, ast.Attribute) and node.attr in _TABLES and ast.unparse(node.value) in tabled:
            yield node.lineno, ast.unparse(node), "a table is a notebook's; ask what the handler is given, as flow.legs"


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (("." * node.level + (node.module or ""), alias.name) for alias in node.names)


def _use(function: FunctionType, name: str, line: int, found: Found) -> None:
    known = function.__globals__
    if name not in known:
        if not hasattr(builtins, name):
            found.faults.append(Fault(function.__name__, line, name, _INSTEAD.get(name, "it is not defined anywhere")))
        return
    value = known[name]
    statement = _import(name, value)
    if statement is not None:
        if found.bound.setdefault(name, statement) != statement:
            why = f"elsewhere it is {found.bound[name]!r}, here {statement!r}; call one of them otherwise"
            found.faults.append(Fault(function.__name__, line, name, why))
        found.imports.update(_parts(function, name, statement) or [statement])
    elif isinstance(value, FunctionType) and value.__module__ in _CELLS | {function.__module__}:
        if value.__name__ != name:
            found.faults.append(Fault(function.__name__, line, name, f"it is another name of {value.__name__}; call it by that"))
        else:
            examine(value, found)
    else:
        found.faults.append(Fault(function.__name__, line, name, _INSTEAD.get(name) or _advice(name, value)))


def _import(name: str, value: Any) -> str | None:
    """The import that gives this name this value in any program; None when there is none."""
    if isinstance(value, ModuleType):
        return _statement(value.__name__, "", name) if _has(value.__name__) else None
    module = getattr(value, "__module__", None)
    called = getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(called, str) and module not in _CELLS and _has(module)) or "." in called:
        return None
    return _statement(module, called, name) if getattr(sys.modules.get(module), called, None) is value else None


def _has(module: str, name: str = "") -> bool:
    """Whether an application has a module, or something in it."""
    top, _, rest = module.partition(".")
    if top == "workbench":
        part = rest.split(".")[0] or name
        return part in _CARRIED or (part, rest) in (("", ""), ("WorkbenchError", ""))
    return top in PACKAGES or top in sys.stdlib_module_names


def _parts(function: FunctionType, name: str, statement: str) -> list[str]:
    """Imports of the modules in a package that a function reaches by it, as `urllib.parse.quote` does."""
    _, tree = _source(function)
    if tree is None or statement != f"import {name}":
        return []
    reached = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return sorted({f"import {path}" for path in reached if path.startswith(f"{name}.") and path in sys.modules})


def clashes(found: Found) -> Iterator[Fault]:
    """Functions that are called like something which is imported: the one would hide the other."""
    for name in sorted(found.functions.keys() & found.bound.keys()):
        yield Fault(name, 0, "", f"its name is that of an import, {found.bound[name]!r}; give it another name")


def _statement(module: str, called: str, name: str) -> str:
    parent, _, last = module.rpartition(".")
    if called:
        return f"from {module} import {called}" + (f" as {name}" if name != called else "")
    if parent:
        return f"from {parent} import {last}" + (f" as {name}" if name != last else "")
    return f"import {module}" + (f" as {name}" if name != module else "")


def _advice(name: str, value: Any) -> str:
    if isinstance(value, ModuleType):
        return f"the application does not have the package {value.__name__.partition('.')[0]}"
    if isinstance(value, (str, int, float, bool, tuple, list, dict, set, type(None))):
        return "a value of the notebook; write it inside the handler, or read it there from os.environ"
    return f"a {type(value).__name__} of the notebook; receive it by event or flow, or import it inside the handler"
