"""Step mode in a real JupyterLab: somebody who has never seen BXML stops a call, sends something wrong, understands why not, mends it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

START = "from workbench import Workbench\nwb = Workbench()\nwb.connect(wb.participant())\nwb.stepper()"
CALL = "flow = wb.transfer.dial(wb.phone())"
END = "wb.phone().hangup()\nended = await wb.wait_for('disconnect')\nprint(await wb.wait_for('answer'), ended)"


@pytest.fixture
def notebook(lab, open_notebook):
    made = open_notebook(lab.write("stepping.ipynb", START, CALL, END, "wb.ladder()"), width=900)
    made.run_cell(0)
    return made


def test_a_call_is_stopped_spoilt_understood_and_mended(notebook):
    panel = notebook.output(0)
    panel.get_by_role("button", name="Hold every event").click()
    expect(panel.locator(".wb-count")).to_have_text("on")
    notebook.run_cell(3)
    notebook.run_cell(1)
    editor = panel.get_by_label("The document that is sent")
    expect(editor).to_be_visible()
    expect(panel.locator(".wb-verdict")).to_contain_text("Good: SpeakSentence, Transfer")
    held = notebook.output(3).locator('[aria-selected="true"]')
    expect(held).to_contain_text("answer phone")
    document = editor.input_value()
    panel.get_by_text("What this document does").click()
    expect(panel.locator(".wb-explained")).to_contain_text("Speaks a sentence in a synthetic voice.")
    assert "eyJ•••" in document and "eyJ0" not in notebook.page.content()

    editor.fill(document.replace("</SpeakSentence>", "</SpeakSentenc>"))
    expect(panel.locator(".wb-verdict")).to_contain_text("Refused (line 3")
    expect(panel.locator(".wb-lines .wb-wrong")).to_have_text("3")
    panel.get_by_role("button", name="Back to what the handler returned").click()
    expect(panel.locator(".wb-verdict")).to_contain_text("Good")
    editor.press("Control+z")
    expect(panel.locator(".wb-verdict")).to_contain_text("Refused (line 3")
    send = panel.get_by_role("button", name="Send", exact=True)
    send.click(force=True)
    expect(panel.locator(".wb-note")).to_contain_text("mend it")
    expect(editor).to_be_visible()

    editor.fill(document.replace("Please wait", "One moment"))
    expect(panel.locator(".wb-verdict")).to_contain_text("Good")
    editor.press("Control+Enter")
    expect(panel.locator(".wb-now")).to_be_hidden()
    expect(panel.locator(".wb-count")).to_have_text("on")
    panel.get_by_role("button", name="Let everything go").click()
    notebook.run_cell(2)
    expect(notebook.output(2)).to_contain_text("answered SpeakSentence, Transfer")
    assert notebook.console == []


def test_what_was_typed_outlives_a_reload_and_an_answer_goes_wrong(notebook):
    panel = notebook.output(0)
    panel.get_by_role("button", name="Hold every event").click()
    notebook.run_cell(1)
    editor = panel.get_by_label("The document that is sent")
    expect(editor).to_be_visible()
    editor.fill("<Response><Hangup/></Response>")
    expect(panel.locator(".wb-verdict")).to_contain_text("Good: Hangup")
    notebook.command("docmanager:save")
    notebook.reload()
    editor = notebook.output(0).get_by_label("The document that is sent")
    expect(editor).to_have_value("<Response><Hangup/></Response>")
    notebook.output(0).get_by_role("button", name="Back to what the handler returned").click()
    expect(editor).not_to_have_value("<Response><Hangup/></Response>")
    notebook.output(0).get_by_label("Have the answer go wrong").select_option("500")
    expect(notebook.output(0).locator(".wb-note")).to_contain_text("failed on purpose", timeout=15_000)


def test_a_panel_whose_kernel_was_restarted_says_what_to_do(notebook):
    notebook.restart()
    panel = notebook.output(0)
    panel.get_by_role("button", name="Hold every event").click()
    expect(panel.locator(".wb-note")).to_contain_text("run the notebook's cells again")
    expect(panel.get_by_role("button", name="Hold every event")).not_to_have_attribute("aria-busy", "true")
