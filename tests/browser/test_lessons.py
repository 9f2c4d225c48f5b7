"""Each lesson in a real JupyterLab: Run All, and then a participant and a call by clicking."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

LESSONS = {"01_transfer": "transfer", "02_bridge": "bridge", "03_conference": "conference"}
ROWS = ".wb-rows [role=row]"


def cell_of(notebook, source: str) -> int:
    """The one cell with this source."""
    (index,) = [index for index, cell in enumerate(notebook.cells()) if source in cell["source"]]
    return index


@pytest.mark.sockets
@pytest.mark.parametrize("lesson", LESSONS)
def test_run_all_and_then_by_clicking(open_notebook, lesson):
    notebook, mode = open_notebook(f"notebooks/{lesson}.ipynb"), LESSONS[lesson]
    notebook.run_all()
    assert notebook.errors() == []

    people = notebook.output(cell_of(notebook, "wb.participants()"))
    people.get_by_label("Name").fill("guest")
    people.get_by_role("button", name="Create").click()
    expect(people.get_by_text("guest", exact=True)).to_be_visible()

    dialer = notebook.output(cell_of(notebook, f'wb.dialer("{mode}")'))
    table = notebook.output(cell_of(notebook, f'wb.table("{mode}")'))
    matrix = notebook.output(cell_of(notebook, "wb.matrix()"))
    expect(table.locator(ROWS)).to_have_count(0)
    dialer.get_by_role("button", name="Call it").click()
    expect(table.locator(ROWS).filter(has_text="createCall").first).to_be_visible()
    expect(table.locator(ROWS).filter(has_text="answer").first).to_be_visible(timeout=10_000)
    expect(matrix.get_by_role("row").filter(has_text="phone")).not_to_have_count(0, timeout=10_000)
    dialer.get_by_role("button", name="Hang up all").click()
    expect(table.locator(ROWS).filter(has_text="disconnect").first).to_be_visible(timeout=10_000)
    assert [line for line in notebook.console if "workbench" in line.lower()] == []
