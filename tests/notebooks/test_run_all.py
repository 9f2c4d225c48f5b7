"""Every lesson runs from a fresh kernel to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.conftest import Run


@pytest.mark.sockets
def test_run_all(run_twice: tuple[Path, list[Run]]) -> None:
    for run in run_twice[1]:
        assert run.execution.errors == []
        assert run.execution.seconds < 60
