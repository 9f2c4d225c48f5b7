"""Every lesson runs from a fresh kernel to its end."""

from __future__ import annotations

import pytest

from tests.notebooks.harness import LESSONS


@pytest.mark.sockets
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_run_all(lesson, run_notebook):
    ran = run_notebook(lesson)
    assert ran.errors == []
    assert ran.seconds < 60
