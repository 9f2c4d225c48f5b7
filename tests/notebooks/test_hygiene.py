"""What is saved and committed holds nothing secret, and no outputs that change with every run."""

from __future__ import annotations

import json
import re
import runpy
from types import SimpleNamespace

import nbformat
import pytest

from tests.conftest import ROOT
from tests.notebooks.harness import LESSONS, notebook_of

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiOTkwMDAwMCJ9.c2lnbmF0dXJl"
LOCAL = {"local", "local-secret", "forbidden"}  # credentials of the local platform: fixed, printed and documented
ASSIGNED = re.compile(r"""(?i)\b\w*(?:password|secret|authtoken)\w*["']?\s*[=:]\s*(["'])(?P<value>[^"'{]{3,})\1""")


def secrets_in(text: str) -> list[str]:
    tokens = re.findall(r"eyJ[\w-]{8,}\.[\w-]{8,}", text)
    return tokens + [match["value"] for match in ASSIGNED.finditer(text) if match["value"] not in LOCAL]


def unclean(notebook: nbformat.NotebookNode) -> list[str]:
    """What must not be committed."""
    found = [f"metadata.{name}" for name in notebook.metadata if name not in {"kernelspec", "language_info"}]
    for index, cell in enumerate(notebook.cells):
        found += [f"cell {index}: {secret}" for secret in secrets_in(cell.source)]
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            found.append(f"cell {index}: outputs (run.py clean takes them out)")
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_committed_notebooks_are_clean(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    nbformat.validate(notebook)
    assert unclean(notebook) == []


def test_the_test_sees_what_is_unclean():
    book = notebook_of("1 + 1", f"token = {TOKEN!r}", "Settings(client_secret='hunter2')", "Settings(password='local')", "wb")
    assert [fault.split(":")[0] for fault in unclean(book)] == ["cell 1", "cell 2"]
    book.metadata["widgets"] = {}
    book.cells[0].execution_count = 1
    assert [fault.split(":")[0] for fault in unclean(book)] == ["metadata.widgets", "cell 0", "cell 1", "cell 2"]


def save(notebook, monkeypatch, tmp_path):
    """What Jupyter would write, given the shipped configuration."""
    config = SimpleNamespace(ContentsManager=SimpleNamespace())
    runpy.run_path(str(ROOT / ".jupyter" / "jupyter_server_config.py"), {"get_config": lambda: config})
    monkeypatch.chdir(tmp_path)
    model = {"type": "notebook", "content": notebook}
    config.ContentsManager.pre_save_hook(model=model, path="a.ipynb", contents_manager=None)
    return model["content"]


def test_saving_drops_widget_state_and_masks_outputs(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("BW_ID_CLIENT_SECRET='from the file'\nBW_NUMBER=+15550100001\n# a comment\n")
    monkeypatch.setenv("BW_PASSWORD", "from the environment")
    book = notebook_of("keep = 'from the file'")
    book.metadata["widgets"] = {"state": TOKEN}
    shown = ["from the file", "from the environment", f"{TOKEN};encoding=jwt", "+15550100001", "local"]
    book.cells[0].outputs = [
        nbformat.v4.new_output("stream", text="\n".join(shown)),
        nbformat.v4.new_output(
            "execute_result", {"text/html": f"<b>{TOKEN}</b>", "application/json": {"deep": [TOKEN, 7]}}, execution_count=1
        ),
        nbformat.v4.new_output("error", ename="E", evalue="", traceback=["from the environment"]),
    ]
    saved = save(book, monkeypatch, tmp_path)
    text = json.dumps(saved.cells[0].outputs, ensure_ascii=False)
    assert "widgets" not in saved.metadata
    assert secrets_in(text) == []
    assert "from the" not in text
    assert saved.cells[0].outputs[0]["text"] == "•••\n•••\n•••;encoding=jwt\n+15550100001\nlocal"
    assert saved.cells[0].outputs[1]["data"]["application/json"] == {"deep": ["•••", 7]}
    assert saved.cells[0].source == "keep = 'from the file'"
    nbformat.validate(saved)


def test_files_that_are_no_notebooks_are_saved_as_they_are(monkeypatch, tmp_path):
    config = SimpleNamespace(ContentsManager=SimpleNamespace())
    runpy.run_path(str(ROOT / ".jupyter" / "jupyter_server_config.py"), {"get_config": lambda: config})
    model = {"type": "file", "content": TOKEN}
    config.ContentsManager.pre_save_hook(model=model, path="a.txt", contents_manager=None)
    assert model["content"] == TOKEN
