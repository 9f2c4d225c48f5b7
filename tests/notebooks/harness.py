"""Execute a notebook without a browser, in a folder and with a state of its own, and look at what came out."""

from __future__ import annotations

import asyncio
import copy
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from traitlets.config import Config

from tests.conftest import ROOT, clean_environment

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# ipykernel 7.4 sometimes hangs when its last act is to flush its output (user code has ended by then); the default waits five seconds.
EXIT_SECONDS = 1.0
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class CellError:
    """An error output: the cell's index (from 0, prose cells too), the exception's name and message, and the traceback as text."""

    cell: int
    name: str
    message: str
    traceback: str


@dataclass(frozen=True)
class Execution:
    """An executed notebook; the run stopped at the first error, and the cells after it have no outputs."""

    notebook: NotebookNode
    seconds: float

    def outputs(self, cell: int) -> list[NotebookNode]:
        return list(self.notebook.cells[cell].get("outputs", []))

    def text(self, cell: int) -> str:
        """All plain text among the outputs of a cell."""
        return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in self.outputs(cell))

    @property
    def errors(self) -> list[CellError]:
        return [
            CellError(index, output.ename, output.evalue, COLOURS.sub("", "\n".join(output.traceback)))
            for index, cell in enumerate(self.notebook.cells)
            for output in cell.get("outputs", [])
            if output.output_type == "error"
        ]

    def find(self, part: str) -> int:
        """The index of the one cell whose source contains `part`."""
        found = [index for index, cell in enumerate(self.notebook.cells) if part in cell.source]
        assert len(found) == 1, f"{part!r} is in the cells {found}"
        return found[0]


def notebook_of(*sources: str) -> NotebookNode:
    """A notebook of code cells."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def execute(
    notebook: Path | NotebookNode,
    home: Path,
    *,
    environment: dict[str, str] | None = None,
    edit: Callable[[NotebookNode], None] | None = None,
    timeout: float = 60,
    widgets: bool = False,
) -> Execution:
    """Execute a notebook, or a copy that `edit` has changed first; files beside it are copied along.

    `home` is an empty folder. The kernel gets a clean environment with `environment` added. `timeout` counts per cell; a cell that
    takes longer raises `nbclient.exceptions.CellTimeoutError`, an error in a cell is told by `Execution.errors`.
    With `widgets` the notebook keeps their state, as one that is saved in JupyterLab does.
    """
    return together(notebook, [home], environment=environment, edit=edit, timeout=timeout, widgets=widgets)[0]


def together(
    notebook: Path | NotebookNode,
    homes: list[Path],
    *,
    environment: dict[str, str] | None = None,
    edit: Callable[[NotebookNode], None] | None = None,
    timeout: float = 60,
    widgets: bool = False,
) -> list[Execution]:
    """Execute a notebook in as many kernels as there are homes, side by side; each as `execute` does it."""
    variables = [clean_environment(home) | {"JUPYTER_PATH": str(ROOT / ".jupyter")} | (environment or {}) for home in homes]
    clients = [_client(_copied(notebook, home / "notebooks", edit), home / "notebooks", timeout, widgets) for home in homes]

    async def run() -> list[Execution]:
        return list(await asyncio.gather(*map(_execute, clients, variables)))

    # The clients look for kernels and keep their connection files where the variables of this process say.
    with own_loop() as loop, patch.dict("os.environ", {name: value for name, value in variables[0].items() if name.startswith("JUPYTER")}):
        return loop.run_until_complete(run())


def _copied(notebook: Path | NotebookNode, folder: Path, edit: Callable[[NotebookNode], None] | None) -> NotebookNode:
    if isinstance(notebook, Path):
        shutil.copytree(notebook.parent, folder, ignore=shutil.ignore_patterns(".*"))
        node = nbformat.read(notebook, as_version=4)
    else:
        folder.mkdir(parents=True)
        node = copy.deepcopy(notebook)
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if edit:
        edit(node)
    return node


def _client(node: NotebookNode, folder: Path, timeout: float, widgets: bool) -> NotebookClient:
    return NotebookClient(
        node,
        timeout=timeout,
        store_widget_state=widgets,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        config=Config(KernelManager={"shutdown_wait_time": EXIT_SECONDS}),
    )


async def _execute(client: NotebookClient, variables: dict[str, str]) -> Execution:
    start = time.monotonic()
    try:
        await client.async_execute(env=variables)
    except CellTimeoutError:
        raise
    except CellExecutionError:
        pass
    return Execution(client.nb, time.monotonic() - start)


@contextmanager
def own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for the clients, which ask for the thread's and leave it open; closed at the end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()
