"""A real JupyterLab and one of its notebooks in Chromium.

Commands go through `window.jupyterapp`, because a promise of JupyterLab's own tells when cells have ended; a click does not.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page

from tests.conftest import ROOT, clean_environment

# What JupyterLab itself complains about on its own account, whatever the notebook holds.
KNOWN_NOISE = ("Could not restore the debugger state",)

# Until all of this holds, Run All opens the "Select Kernel" dialog and never ends.
READY = """path => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return panel?.context?.path === path && panel.context.isReady && panel.sessionContext.isReady
        && kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""

# page.evaluate has no timeout of its own.
RUN = """async ([command, args, milliseconds]) => {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`${command} took too long`)), milliseconds));
    const done = await Promise.race([window.jupyterapp.commands.execute(command, args), late]);
    return typeof done === "boolean" ? done : null;
}"""

CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => ({
    type: cell.model.type, source: cell.model.sharedModel.getSource(), outputs: cell.model.outputs?.toJSON() ?? [],
    count: cell.model.executionCount ?? null,
}))"""


def chromium() -> str | None:
    """An installed Chromium; the variable CHROMIUM names another."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def until(happened: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `happened`, asked again and again."""
    end = time.monotonic() + seconds
    while not (value := happened()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return value


@dataclass
class Lab:
    """A JupyterLab server: its URL, its token and `root`, the folder it shows (a copy: `notebooks/` and whatever a test writes)."""

    process: subprocess.Popen[bytes]
    url: str
    token: str
    root: Path
    home: Path

    def write(self, name: str, *sources: str) -> str:
        """Make a notebook of code cells below `root` and give back its path there."""
        import nbformat.v4 as v4

        notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(json.dumps(notebook))
        return name

    def get(self, path: str) -> Any:
        """Ask the server's own REST API, e.g. `api/sessions`."""
        answer = httpx.get(f"{self.url}{path}", headers={"Authorization": f"token {self.token}"}, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def stop_kernels(self) -> None:
        for session in self.get("api/sessions"):
            httpx.delete(f"{self.url}api/sessions/{session['id']}", headers={"Authorization": f"token {self.token}"}, timeout=20)


@contextlib.contextmanager
def start_lab(home: Path) -> Iterator[Lab]:
    """JupyterLab as `run.py lab` configures it, with nobody's own configuration, on a copy of the notebooks."""
    root = home / "root"
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    # JupyterLab's default takes cells out of the page that are not in view
    overrides = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}
    (home / "tests" / "labconfig").mkdir(parents=True)
    (home / "tests" / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(overrides))
    environment = clean_environment(home) | {
        "JUPYTER_CONFIG_PATH": os.pathsep.join([str(home / "tests"), str(ROOT / ".jupyter")]),
        "JUPYTER_PATH": str(ROOT / ".jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    # ipykernel 7.4 sometimes hangs when its last act is to flush its output; the default waits five seconds for it
    options = ["--no-browser", "--allow-root", "--LabApp.expose_app_in_browser=True", "--KernelManager.shutdown_wait_time=1"]
    options += [f"--ServerApp.root_dir={root}", f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        # the port may have been taken meanwhile and another chosen: the server's own file tells which
        told = home / "runtime" / f"jpserver-{process.pid}.json"
        until(lambda: told.exists() or process.poll() is not None, 60, "JupyterLab's start")
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended:\n{(home / 'lab.log').read_text()}")
        lab = Lab(process, until(lambda: _url(told), 5, "JupyterLab's address"), token, root, home)
        yield lab
        lab.stop_kernels()
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url(told: Path) -> str | None:
    try:
        return str(json.loads(told.read_text())["url"]).replace("localhost", "127.0.0.1")
    except ValueError:  # still being written
        return None


@dataclass(frozen=True)
class CellError:
    """An error output: the cell's index, the exception's name and message."""

    cell: int
    name: str
    message: str


@dataclass
class OpenNotebook:
    """One notebook, open in a page. Cells count from 0, prose cells too."""

    lab: Lab
    page: Page
    path: str
    console: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(noise in message.text for noise in KNOWN_NOISE):
            self.console.append(f"{message.text} ({message.location.get('url', '')})")

    def open(self) -> None:
        """Load the page and wait for the kernel."""
        self.page.goto(f"{self.lab.url}lab/tree/{self.path}?token={self.lab.token}&reset")
        self.wait_ready()

    def reload(self) -> None:
        """Load the page again; the kernel goes on."""
        self.page.reload()
        self.wait_ready()

    def wait_ready(self, seconds: float = 60) -> None:
        self.page.wait_for_function(READY, arg=self.path, timeout=seconds * 1000)
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.info")

    def command(self, name: str, seconds: float = 60, **arguments: Any) -> Any:
        """Execute one of JupyterLab's commands and wait until it is done; gives its answer if that is a truth value."""
        return self.page.evaluate(RUN, [name, arguments, seconds * 1000])

    def run_all(self, seconds: float = 60) -> float:
        """Run every cell; gives the seconds it took. An error stops the run, see `errors()`."""
        start = time.monotonic()
        self.command("notebook:run-all-cells", seconds)
        return time.monotonic() - start

    def run_cell(self, index: int, seconds: float = 60) -> None:
        """Run one cell. A click into a widget makes its cell the active one, so the index is set first."""
        self.page.evaluate("index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)
        self.command("notebook:run-cell", seconds)

    def restart(self, seconds: float = 60) -> None:
        """Restart the kernel; outputs stay."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.wait_ready(seconds)

    def save(self) -> dict[str, Any]:
        """Save, and give back the file's content."""
        self.command("docmanager:save")
        return dict(json.loads((self.lab.root / self.path).read_text()))

    def cells(self) -> list[dict[str, Any]]:
        """Type, source, outputs (nbformat) and execution count of each cell."""
        return list(self.page.evaluate(CELLS))

    def outputs(self, index: int) -> list[dict[str, Any]]:
        return list(self.cells()[index]["outputs"])

    def text(self, index: int) -> str:
        """All plain text among the outputs of a cell."""
        parts = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in self.outputs(index))
        return "".join(part if isinstance(part, str) else "".join(part) for part in parts)

    def errors(self) -> list[CellError]:
        """Errors of all cells; `== []` after a good Run All."""
        return [
            CellError(index, output["ename"], output["evalue"])
            for index, cell in enumerate(self.cells())
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]

    def output(self, index: int) -> Locator:
        """A cell's output in the page, to look for widgets in."""
        return self.cell(index).locator(".jp-Cell-outputWrapper")

    def cell(self, index: int) -> Locator:
        """A cell in the page, its source included."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-cell").nth(index)

    def theme(self, name: str) -> None:
        """`JupyterLab Light`, `JupyterLab Dark` or `JupyterLab Dark High Contrast`."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def size(self, width: int, height: int) -> None:
        """The window's size; a second later nothing moves any more, so wait for what should be seen instead of for time."""
        self.page.set_viewport_size({"width": width, "height": height})

    def hide_sidebar(self) -> None:
        """Give the notebook the whole window, which a narrow one needs."""
        if self.page.evaluate("() => !window.jupyterapp.shell.leftCollapsed"):
            self.command("application:toggle-left-area")

    def screenshot(self, file: Path, cell: int | None = None) -> Path:
        """A PNG of the window, or of one cell."""
        (self.page if cell is None else self.cell(cell)).screenshot(path=file)
        return file
