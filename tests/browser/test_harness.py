"""The harness does what its users rely on, shown with a small notebook."""

from __future__ import annotations

COUNTER = """
import ipywidgets, pathlib
button = ipywidgets.Button(description="Count")
label = ipywidgets.Label("0")
button.on_click(lambda _: setattr(label, "value", str(int(label.value) + 1)))
ipywidgets.HBox([button, label])
"""


def test_run_all_widgets_and_reload(lab, open_notebook, tmp_path):
    notebook = open_notebook(lab.write("counter.ipynb", COUNTER, "label.value", "print('end')"))
    assert notebook.run_all() < 60
    assert notebook.errors() == []
    assert [cell["count"] for cell in notebook.cells()] == [1, 2, 3]
    assert notebook.text(2) == "end\n"

    notebook.output(0).get_by_role("button", name="Count").click()
    notebook.output(0).get_by_text("1", exact=True).wait_for()
    notebook.run_cell(1)
    assert notebook.text(1) == "'1'"

    notebook.save()
    notebook.reload()
    notebook.run_cell(1)
    assert notebook.text(1) == "'1'"  # the same kernel

    notebook.restart()
    notebook.run_cell(1)
    assert [(error.cell, error.name) for error in notebook.errors()] == [(1, "NameError")]
    assert notebook.console == []


def test_an_error_stops_the_run_and_is_reported(lab, open_notebook):
    notebook = open_notebook(lab.write("wrong.ipynb", "1 / 0", "print('never')"))
    notebook.run_all()
    assert [(error.cell, error.name, error.message) for error in notebook.errors()] == [(0, "ZeroDivisionError", "division by zero")]
    assert notebook.outputs(1) == []


def test_theme_size_and_picture(lab, open_notebook, tmp_path):
    notebook = open_notebook(lab.write("look.ipynb", "1"))
    background = "() => getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim()"
    # JupyterLab keeps the theme that a test before chose.
    notebook.theme("JupyterLab Light")
    light = notebook.page.evaluate(background)
    notebook.theme("JupyterLab Dark")
    assert notebook.page.evaluate(background) != light
    notebook.size(500, 800)
    notebook.hide_sidebar()
    assert notebook.screenshot(tmp_path / "narrow.png").stat().st_size > 1000
    assert notebook.screenshot(tmp_path / "cell.png", cell=0).stat().st_size > 500
    notebook.theme("JupyterLab Light")


def test_lab_starts_as_shipped(lab, open_notebook):
    """No question about news, no history of what was typed, and what is saved holds neither widget state nor a token."""
    assert "HistoryManager" in " ".join(lab.get("api/kernelspecs")["kernelspecs"]["python3"]["spec"]["argv"])
    token = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiOTkwMDAwMCJ9.c2lnbmF0dXJl"
    notebook = open_notebook(lab.write("saved.ipynb", f"print({token[:20]!r} + {token[20:]!r})", COUNTER))
    notebook.run_all()
    notebook.page.evaluate("() => { window.jupyterapp.shell.currentWidget.model.setMetadata('widgets', {state: {}}); }")
    saved = notebook.save()
    assert "widgets" not in saved["metadata"]
    assert saved["cells"][0]["outputs"][0]["text"] == ["•••\n"]
    assert saved["cells"][1]["outputs"] != []
    notebook.run_cell(0)
    assert not list(lab.home.glob("ipython/**/history.sqlite"))
    settings = lab.get("lab/api/settings/@jupyterlab/apputils-extension:notification")
    assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"


def test_the_workbench_is_importable(lab, open_notebook):
    notebook = open_notebook(lab.write("imports.ipynb", "import workbench; workbench.__all__"))
    notebook.run_all()
    assert notebook.errors() == []
