"""The event table in a real JupyterLab: rows are chosen, sorted and taken; the cell has the same."""

from __future__ import annotations

import csv
import json

from playwright.sync_api import expect

from tests.browser.test_widgets import BODY_ROWS, FEED, THEMES, too_wide, unreadable

CELLS = (
    FEED,
    "table",
    "feed(1, 40).join()\nevent(41, 'disconnect')",
    "print(list(table.frame()['event'])[:2], len(table.frame()))",
    "table.filter(kind='failed');",
)


def test_rows_are_filtered_sorted_and_copied(lab, open_notebook):
    open_ = open_notebook(lab.write("widgets/sieve.ipynb", *CELLS))
    page = open_.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for index in range(3):
        open_.run_cell(index)
    panel = open_.output(1)
    rows, count = panel.locator(BODY_ROWS), panel.locator(".wb-count")
    expect(rows).to_have_count(41)
    panel.get_by_label("Cause").select_option("hangup")
    expect(count).to_have_text("8 of 41 events")
    # typing stays inside
    panel.get_by_role("searchbox").fill("nowhere")
    expect(panel.get_by_text("No event fits the filter.")).to_be_visible()
    panel.get_by_role("button", name="Show all").click()
    expect(rows).to_have_count(41)
    # heads sort, by keys too, and go back
    head = panel.get_by_role("columnheader", name="cause")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(rows.first).to_contain_text("hangup")
    panel.get_by_role("columnheader", name="event").get_by_role("button").click()
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("disconnect")
    expect(head).to_have_attribute("aria-sort", "none")
    open_.run_cell(3)
    assert open_.errors() == []
    expect(open_.output(3)).to_contain_text("['disconnect', 'answer'] 41")
    # what is shown is what is taken
    panel.get_by_label("Event", exact=True).select_option("disconnect")
    panel.get_by_role("button", name="Copy as CSV").click()
    expect(panel.get_by_text("Copied 1 row as CSV.")).to_be_visible()
    taken = list(csv.DictReader(page.evaluate("navigator.clipboard.readText()").splitlines()))
    assert [(one["event"], one["from"]) for one in taken] == [("disconnect", "+1 919 555 0100")]
    panel.get_by_role("button", name="Copy as JSON").click()
    expect(panel.get_by_text("Copied 1 row as JSON.")).to_be_visible()
    assert [one["leg"] for one in json.loads(page.evaluate("navigator.clipboard.readText()"))] == ["phone"]
    # a selection made elsewhere, and a filter from a cell
    open_.run_cell(4)
    expect(count).to_have_text("0 of 41 events")
    panel.get_by_role("button", name="Show all").click()
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    open_.hide_sidebar()
    for width in (900, 412):
        open_.size(width, 900)
        page.wait_for_function("width => document.querySelector('.wb').clientWidth < width", arg=width)
        assert too_wide(open_) == [], width
    assert [error for error in open_.console if "'removeChild'" not in error] == []


CALL = (
    "from workbench import Workbench\nwb = Workbench()\nwb.connect(wb.participant('browser'))\nphone = wb.phone()",
    "wb.matrix()",
    "wb.transfer.table()",
    "phone.dial(wb.number)\nawait wb.wait_for('initiate')\nawait wb.until(lambda: wb.matrix().hears()['browser'])\n"
    "phone.hangup()\nawait wb.wait_for('disconnect')",
)


def test_the_matrix_looks_back_and_marks_a_leg(lab, open_notebook):
    open_ = open_notebook(lab.write("widgets/matrix.ipynb", *CALL))
    for index in range(4):
        open_.run_cell(index)
    assert open_.errors() == []
    matrix, table = open_.output(1), open_.output(2)
    heard = matrix.get_by_label("phone hears browser", exact=True)
    expect(heard).to_have_count(0)
    then = matrix.get_by_text("As of")
    # while the phone was hung up both still heard each other, when it called the browser was alone
    table.get_by_role("row").filter(has_text="disconnect").click()
    expect(heard).to_have_count(1)
    expect(then).to_be_visible()
    table.get_by_role("row").filter(has_text="initiate").click()
    expect(heard).to_have_count(0)
    expect(then).to_be_visible()
    table.get_by_role("row").filter(has_text="disconnect").click()
    matrix.get_by_role("button", name="phone").first.focus()
    open_.page.keyboard.press("Enter")
    expect(matrix.locator("[aria-pressed=true]")).to_have_text(["phone", "phone"])
    expect(table.locator("[data-leg]").first).to_contain_text("phone")
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    matrix.get_by_role("button", name="Back to now").click()
    expect(then).to_be_hidden()
    expect(heard).to_have_count(0)
    expect(table.locator("[data-leg]")).to_have_count(0)
    assert [error for error in open_.console if "'removeChild'" not in error] == []
