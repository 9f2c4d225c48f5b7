"""The fixture around the headless harness; see `harness.py`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from tests.notebooks.harness import Execution, execute


@pytest.fixture
def run_notebook(tmp_path: Path) -> Callable[..., Execution]:
    """`run_notebook(path_or_notebook, environment=None, edit=None, timeout=60)`: each call has a home and a state of its own."""
    numbers = count(1)

    def run(notebook: Path | NotebookNode, **options: Any) -> Execution:
        return execute(notebook, tmp_path / f"run{next(numbers)}", **options)

    return run
