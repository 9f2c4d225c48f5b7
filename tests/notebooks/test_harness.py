"""The headless harness does what its users rely on."""

from __future__ import annotations

import pytest
from nbclient.exceptions import CellTimeoutError

from tests.notebooks.harness import notebook_of

STATE = "import os; from pathlib import Path; state = Path(os.environ['WORKBENCH_STATE_DIR']); print(state)"


def test_outputs_errors_and_seconds(run_notebook):
    ran = run_notebook(notebook_of("print('one')", "2 + 2", "1 / 0", "print('never')"))
    assert (ran.text(0), ran.text(1), ran.outputs(3)) == ("one\n", "4", [])
    assert [(error.cell, error.name, error.message) for error in ran.errors] == [(2, "ZeroDivisionError", "division by zero")]
    assert "1 / 0" in ran.errors[0].traceback
    assert ran.find("2 + 2") == 1
    assert 0 < ran.seconds < 60


def test_waiting_cells_run(run_notebook):
    ran = run_notebook(notebook_of("import asyncio", "await asyncio.wait_for(asyncio.sleep(0, 'done'), 1)"))
    assert (ran.errors, ran.text(1)) == ([], "'done'")


def test_every_run_has_its_own_state(run_notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("BW_PASSWORD", "of the machine")
    book = notebook_of(STATE, "print(os.environ.get('BW_PASSWORD'), os.environ.get('GIVEN'))")
    first, second = run_notebook(book), run_notebook(book, environment={"GIVEN": "yes"})
    assert first.text(0) != second.text(0)
    assert str(tmp_path) in first.text(0)
    assert (first.text(1), second.text(1)) == ("None None\n", "None yes\n")


def test_a_copy_can_be_changed_first(run_notebook):
    book = notebook_of("answer = 42", "assert answer == 42")

    def spoil(notebook):
        notebook.cells[0].source = "answer = 41"

    assert [error.cell for error in run_notebook(book, edit=spoil).errors] == [1]
    assert run_notebook(book).errors == []


def test_widget_state_is_not_stored(run_notebook):
    ran = run_notebook(notebook_of("import ipywidgets; ipywidgets.Password('hidden')"))
    assert ran.errors == []
    assert "widgets" not in ran.notebook.metadata


def test_a_cell_that_hangs_is_cut_off(run_notebook):
    with pytest.raises(CellTimeoutError):
        run_notebook(notebook_of("import threading; threading.Event().wait()"), timeout=2)
