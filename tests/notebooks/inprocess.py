"""Run the cells of a lesson in this process, on a platform whose clock stands still: a lesson takes seconds, so each can be broken often.

The platform and the callback server meet as in the scenarios: the real ones, without a port. A cell that waits moves the clock by itself.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat

import workbench
from tests.scenarios.joined import PLATFORM, Joined, Loop
from workbench import Workbench
from workbench.callbacks import CallbackApp
from workbench.settings import Settings
from workbench.wiring import Network


@dataclass(frozen=True)
class Cell:
    """A code cell; `step` is the id of the heading it stands under."""

    step: str
    id: str
    source: str


@dataclass(frozen=True)
class Said:
    """A line that a cell of a step has printed."""

    step: str
    line: str


@dataclass(frozen=True)
class Failure:
    """The first error of a run, and where it came."""

    cell: Cell
    error: BaseException


def cells_of(lesson: Path) -> list[Cell]:
    """The code cells of a lesson in order."""
    found, step = [], ""
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code":
            found.append(Cell(step, cell.id, cell.source))
        elif cell.source.startswith("#"):
            step = cell.id
    return found


class OnStage(Joined):
    """The platform asks the callback application in process; the server is there all the same, for a lesson that looks for it."""

    def serve(self, app: CallbackApp, settings: Settings) -> Any:
        """Reached by the platform without a port, by the lesson at one."""
        super().serve(app, settings)
        return Network.serve(self, app, settings)


class Stage:
    """Where lessons run: one platform after the other, on the same threads."""

    def __init__(self, loop: Loop, workers: ThreadPoolExecutor) -> None:
        self._loop, self._workers = loop, workers

    async def run(self, cells: list[Cell], state: Path, said: list[Said] | None = None, **settings: str) -> Failure | None:
        """Run cells until the first error; what they opened is closed. What they print goes to `said`."""
        with self._world(state, settings):
            return await _run(cells, [] if said is None else said)

    @contextlib.contextmanager
    def _world(self, state: Path, given: Mapping[str, str]) -> Iterator[None]:
        joined, opened = OnStage(self._loop, self._workers), list[Workbench]()

        def make(**settings: Any) -> Workbench:
            # In a notebook a new one closes the one before.
            for one in opened:
                one.close()
            opened.append(Workbench(network=joined, local_url=PLATFORM, state_dir=state, **given, **settings))
            return opened[-1]

        try:
            with patch.object(workbench, "Workbench", make):
                yield
        finally:
            for one in opened:
                one.close()
            joined.close()


async def _run(cells: list[Cell], said: list[Said]) -> Failure | None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        out = io.StringIO()
        try:
            code = compile(cell.source, cell.id, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with contextlib.redirect_stdout(out):
                waits = eval(code, names)
                if inspect.iscoroutine(waits):
                    await waits
        except Exception as error:
            return Failure(cell, error)
        said.extend(Said(cell.step, line) for line in out.getvalue().splitlines())
    return None
