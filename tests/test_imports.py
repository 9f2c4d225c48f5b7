"""The two sides of the workbench meet only over HTTP: every import in the package points along a row of this table."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import nbformat
import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "workbench"
STANDARD = sys.stdlib_module_names

CONTRACT = {"bxml", "tokens", "errors"}
# What can tell the time, roll dice, wait or reach outside; the core of the simulator gets all that handed in.
IMPURE = {
    *("asyncio", "concurrent", "ftplib", "http", "logging", "multiprocessing", "os", "pathlib", "random", "sched", "secrets", "select"),
    *("selectors", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading"),
    *("time", "urllib.request", "uuid", "wsgiref"),
}
# Every other module of the simulator is core.
SHELLS = {
    *("__main__", "account_controls", "accounts", "app", "audio", "clock", "control_api", "describe", "device_api", "device_controls"),
    *("endpoints_api", "faults", "ids", "media", "media_streams", "pages", "pictures", "recordings_api", "serving", "setup", "silence"),
    *("sounding", "spelling", "stream", "tickets", "voice_api", "webhooks", "webrtc_api", "wire", "world"),
}
SHELL_LIBRARIES = {"aiohttp", "httptools", "jwt", "starlette", "tinytag", "uvicorn", "uvloop", "yarl"}
# What only the sound of the simulator uses, on top.
MEDIA_LIBRARIES = {"aioice", "aiortc", "av", "hibari", "numpy", "pylibsrtp"}

# module or package -> (modules of ours, libraries); None: anything
Row = tuple[set[str] | None, set[str] | None]
APPLICATION: dict[str, Row] = {
    "__init__": (None, set()),
    "__main__": (None, None),
    "workbench": (None, None),
    "wiring": (None, None),
    "reaching": ({*CONTRACT, "clients", "endpoints", "local", "modes", "settings"}, {"httpx"}),
    "leftovers": ({*CONTRACT, "local", "wiring"}, set()),
    "views": (None, set()),
    "steering": (None, {"pandas"}),
    "takeaway": (None, set()),
    "scripts": (set(), set()),
    "narration": (set(), set()),
    "files": (CONTRACT, set()),
    "demo": ({*CONTRACT, "feed", "messages", "modes", "narration"}, set()),
    "hearing": ({*CONTRACT, "messages"}, set()),
    "sounds": ({*CONTRACT, "records"}, set()),
    "capsule": ({*CONTRACT, "details", "masking", "messages", "narration", "records", "scripts", "sounds"}, set()),
    "leavings": ({"records"}, set()),
    "runs": (set(), set()),
    "behind": ({"leavings"}, set()),
    "undoing": ({*CONTRACT, "behind", "clients", "endpoints", "events", "leavings", "runs", "settings"}, {"httpx"}),
    "cassette": ({*CONTRACT, "as_pytest", "evening", "files", "records"}, set()),
    "resending": ({*CONTRACT, "modes", "records"}, {"httpx"}),
    "evening": ({"masking"}, set()),
    "as_pytest": ({*CONTRACT, "cassette", "files"}, set()),
    "tape": ({*CONTRACT, "cassette", "masking"}, {"httpx"}),
    "differing": ({*CONTRACT, "cassette", "masking", "records", "tape"}, {"pandas"}),
    "replay": (
        {*CONTRACT, "cassette", "clients", "differing", "endpoints", "entries", "evening", "modes", "records", "settings", "tape", "wire"},
        {"httpx"},
    ),
    "failing": ({*CONTRACT, "handles", "local", "modes", "records", "spoiling"}, set()),
    "faults": (CONTRACT, set()),
    "verdict": ({*CONTRACT, "masking", "modes"}, set()),
    "stepping": ({*CONTRACT, "local", "modes", "placeholders", "records", "stops"}, set()),
    "stops": ({*CONTRACT, "modes", "records", "spoiling", "stepping", "verdict"}, set()),
    "placeholders": ({*CONTRACT, "modes"}, set()),
    "interrupts": (set(), set()),
    "application": (
        {*CONTRACT, "callbacks", "clients", "endpoints", "events", "guard", "masking", "modes", "server", "settings", "spending"},
        {"flask", "httpx", "dotenv"},
    ),
    "export": ({*CONTRACT, "cassette", "files", "replay"}, set()),
    "spoiling": ({*CONTRACT, "records"}, set()),
    "bxml": (CONTRACT, set()),
    "tokens": (CONTRACT, {"jwt"}),
    "errors": (CONTRACT, set()),
    "addresses": ({*CONTRACT, "settings"}, set()),
    "settings": (CONTRACT, {"pydantic", "pydantic_settings"}),
    "records": (CONTRACT, set()),
    "masking": ({*CONTRACT, "files", "settings", "records"}, set()),
    "keys": ({*CONTRACT, "files"}, set()),
    "credentials": ({"settings"}, {"pydantic"}),
    "patience": (set(), set()),
    "guard": (CONTRACT, set()),
    "findings": (set(), set()),
    "dashboard": (set(), set()),
    "doctor": ({*CONTRACT, "credentials", "findings", "reaching", "settings", "tunnel", "wiring"}, {"httpx", "packaging"}),
    "refused": ({*CONTRACT, "records"}, set()),
    "spending": (CONTRACT, set()),
    "wire": ({*CONTRACT, "credentials", "patience", "settings", "records"}, {"httpx"}),
    "clients": ({*CONTRACT, "settings", "recordings", "records", "spending", "wire"}, {"httpx"}),
    "endpoints": ({*CONTRACT, "records", "settings", "spending", "wire"}, {"httpx"}),
    "recordings": ({*CONTRACT, "records", "wire"}, set()),
    "database": ({*CONTRACT, "records"}, set()),
    "frames": ({*CONTRACT, "records"}, {"pandas"}),
    "timing": ({*CONTRACT, "records"}, set()),
    "bars": ({*CONTRACT, "timing"}, {"pandas"}),
    "story": (CONTRACT, set()),
    "changes": ({*CONTRACT, "modes", "story"}, set()),
    "playing": ({*CONTRACT, "changes", "handles", "local", "modes", "story", "tables"}, set()),
    "compare": ({*CONTRACT, "bars", "changes", "columns", "playing", "records", "story", "tables", "timing"}, {"pandas"}),
    "columns": ({*CONTRACT, "changes", "compare", "playing", "tables"}, set()),
    "progress": (set(), {"IPython"}),
    "lessons": ({*CONTRACT, "handles", "local", "tables", "modes", "tunnel", "waiting", "wiring"}, {"pandas"}),
    "status": ({*CONTRACT, "records", "settings"}, set()),
    "doings": ({"records"}, set()),
    "whose": ({"records"}, set()),
    "messages": ({"doings", "records", "whose"}, set()),
    "feed": ({*CONTRACT, "messages", "records"}, set()),
    "copying": ({*CONTRACT, "details", "masking", "records"}, set()),
    "details": ({*CONTRACT, "records"}, set()),
    "figure": ({*CONTRACT, "messages", "records"}, set()),
    "entries": ({"records"}, set()),
    "events": ({*CONTRACT, "settings", "records", "entries", "keys", "masking", "database", "frames", "refused"}, {"pandas"}),
    "waiting": ({*CONTRACT, "records"}, set()),
    "server": ({*CONTRACT, "connections", "settings"}, {"waitress"}),
    "connections": (set(), {"waitress"}),
    "tunnel": ({*CONTRACT, "agents", "ngrok", "settings"}, set()),
    "agents": ({"settings"}, {"psutil", "pyngrok"}),
    "ngrok": ({*CONTRACT, "agents", "settings", "tunnel"}, {"pyngrok"}),
    "process": ({*CONTRACT, "settings"}, set()),
    "detours": ({*CONTRACT, "settings"}, {"aiohttp", "httpx", "urllib3"}),
    "pointing": ({*CONTRACT, "detours", "local", "process"}, set()),
    "handles": (CONTRACT, set()),
    "local": ({*CONTRACT, "handles", "settings", "tables"}, {"httpx", "pandas"}),
    "tables": (set(), {"pandas"}),
    "lanes": (set(), set()),
    "answering": ({"lanes", "modes", "records"}, set()),
    "callbacks": ({*CONTRACT, "answering", "guard", "keys", "records", "refused"}, {"flask", "werkzeug"}),
    "modes": ({*CONTRACT, "clients", "endpoints", "keys", "records", "masking", "spending"}, {"pandas"}),
    "widgets": (
        {*CONTRACT, "clients", "events", "details", "local", "frames", "modes", "records", "scripts"},
        {"anywidget", "ipywidgets", "pandas", "traitlets"},
    ),
}
FRONT_DOOR = {"Workbench", "Settings", "bxml", "WorkbenchError", "use_local"}


def imports(tree: ast.AST, package: str, exists: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, inside functions too. `from a import b` is a.b where that is a module, else a."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [node.module])]) if node.level else node.module or ""
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}" if exists(f"{base}.{alias.name}") else base


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir() or name == "urllib.request"


def in_core(parts: list[str]) -> bool:
    return parts[0] == "simulator" and parts[1] not in SHELLS


def row(parts: list[str]) -> Row:
    """The row of one module, given its path below the package."""
    if parts[0] == "simulator":
        libraries = SHELL_LIBRARIES | (MEDIA_LIBRARIES if parts[1] == "media" else set())
        return (CONTRACT | {"simulator"}, set() if in_core(parts) else libraries)
    return APPLICATION[parts[0]]


def fault(target: str, allowed: Row, core: bool) -> str | None:
    ours, libraries = allowed
    top, *rest = target.split(".")
    if top == "workbench":
        if core and rest[0] == "simulator" and len(rest) > 1 and rest[1] in SHELLS:
            return f"{target} is a shell, which the core must not know"
        return None if ours is None or (rest and rest[0] in ours) else f"{target} is not among {', '.join(sorted(ours))}"
    if core and (top in IMPURE or target in IMPURE):
        return f"{target} is impure: the core is handed what it needs"
    if top in STANDARD or libraries is None or top in libraries:
        return None
    return f"{target} is not among the libraries {', '.join(sorted(libraries)) or '(none)'}"


def faults(source: str, parts: list[str], package: str) -> list[str]:
    allowed = row(parts)
    found = imports(ast.parse(source), package, is_module)
    # a module of a package may import its own package
    inside = (set() if parts[0] == "simulator" else {parts[0]}) | (allowed[0] or set())
    return [f"line {line}: {why}" for line, target in found if (why := fault(target, (allowed[0] and inside, allowed[1]), in_core(parts)))]


FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_follow_the_table(file):
    parts = list(file.with_suffix("").parts)
    assert parts[0] == "simulator" or parts[0] in APPLICATION, f"{file} has no row in the table of this test"
    package = ".".join(["workbench", *parts[:-1]])
    assert faults((PACKAGE / file).read_text(encoding="utf-8"), parts, package) == []


@pytest.mark.parametrize("file", [file for file in FILES if file.parts != ("__init__.py",)], ids=str)
def test_nothing_is_imported_by_a_computed_name(file):
    names = {node.id for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert not names & {"import_module", "__import__", "importlib"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("simulator/engine", "import time"),
        ("simulator/engine", "from urllib import request"),
        ("simulator/engine", "import starlette"),
        ("simulator/engine", "from workbench.simulator import webhooks"),
        ("simulator/engine", "from . import world"),
        ("simulator/app", "from workbench import settings"),
        ("simulator/app", "def late():\n    import flask"),
        ("modes/bridge", "from workbench.simulator.rules import RULES"),
        ("modes/bridge", "from ..callbacks import create_app"),
        ("clients", "from workbench import events"),
        ("clients", "import workbench.simulator"),
        ("bxml/parsing", "from workbench import Workbench"),
        ("tokens", "import httpx"),
    ],
)
def test_the_test_sees_a_wrong_arrow(module, source):
    parts = module.split("/")
    assert faults(source, parts, ".".join(["workbench", *parts[:-1]])) != []


def test_notebooks_use_the_front_door_only():
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            source = "\n".join(line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!")))
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Import):
                    assert not [alias.name for alias in node.names if alias.name.startswith("workbench.")], path.name
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workbench"):
                    assert node.module == "workbench", f"{path.name}: {node.module}"
                    assert {alias.name for alias in node.names} <= FRONT_DOOR, path.name


@pytest.mark.sockets
def test_the_platform_loads_nothing_of_the_application(child_environment):
    code = "import json, sys, workbench.simulator.__main__; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True)
    modules = set(json.loads(run.stdout))
    application = {f"workbench.{name}" for name in APPLICATION if name not in {"__init__", *CONTRACT}}
    foreign = {"flask", "waitress", "ipywidgets", "anywidget", "pandas", "numpy", "IPython", "jupyterlab", "jupyter_server", "pyngrok"}
    assert modules & {*foreign, *application, "httpx", "pydantic"} == set()
