"""Fixtures around the headless harness; see `harness.py` and `inprocess.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from tests.notebooks.harness import LESSONS, Execution, execute, together
from tests.notebooks.inprocess import Stage
from tests.notebooks.tables import Row, tables
from tests.scenarios.joined import Loop


@pytest.fixture
def run_notebook(tmp_path: Path) -> Callable[..., Execution]:
    """`run_notebook(path_or_notebook, environment=None, edit=None, timeout=60)`: each call has a home and a state of its own."""
    numbers = count(1)

    def run(notebook: Path | NotebookNode, **options: Any) -> Execution:
        return execute(notebook, tmp_path / f"run{next(numbers)}", **options)

    return run


@dataclass(frozen=True)
class Run:
    """A lesson that ran in a kernel, and the event tables in its log."""

    execution: Execution
    tables: dict[str, list[Row]]


@pytest.fixture(scope="session", params=LESSONS, ids=lambda path: path.stem)
def run_twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Run]]:
    """A lesson, and what became of it in two kernels that ran it side by side: each is the other's load."""
    homes = [tmp_path_factory.mktemp("kernel") for _ in range(2)]
    executions = together(request.param, homes)
    return request.param, [Run(one, tables(home / "state")) for one, home in zip(executions, homes, strict=True)]


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Where lessons run in this process."""
    loop = Loop()
    with ThreadPoolExecutor(16, "application") as workers:
        yield Stage(loop, workers)
    loop.close()
    assert loop.problems == []
