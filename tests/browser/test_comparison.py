"""A story under three verbs in a real JupyterLab: played by a button, shown by a cell, readable in every theme and width."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.test_widgets import THEMES, too_wide, unreadable

LEFT = "nodes => new Set(nodes.map((node) => Math.round(node.getBoundingClientRect().left))).size"


def test_a_story_is_played_and_read(lab, open_notebook):
    cells = ("from workbench import Workbench\nwb = Workbench()", "wb.comparison()", "wb.compare(story='webrtc leaves')", "wb.close()")
    open_ = open_notebook(lab.write("widgets/comparison.ipynb", *cells))
    for index in range(3):
        open_.run_cell(index)
    assert open_.errors() == []
    panel, cell = open_.output(1), open_.output(2)
    panel.get_by_label("Story").select_option("support call")
    panel.get_by_role("button", name="Play").click()
    row = panel.get_by_role("row", name="1. the phone hears an announcement alone")
    expect(row.get_by_role("cell").nth(0)).to_contain_text("webrtc ends, phone stays")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("phone and webrtc stay")
    expect(panel.get_by_role("cell", name="phone 2 hears browser", exact=True)).to_have_count(2)
    expect(panel.get_by_text("cannot: a Transfer is a single call")).to_have_count(2)
    ladder = panel.get_by_role("listbox", name="Ladder of transfer")
    ladder.get_by_role("option", name="Programmable Voice to phone: INVITE").click()
    expect(ladder.get_by_role("option", selected=True)).to_have_count(1)
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    open_.hide_sidebar()
    # columns beside each other where there is room, else below each other
    for width, columns in ((1500, 3), (900, 2), (500, 1)):
        open_.size(width, 900)
        open_.page.wait_for_function("width => document.querySelector('.wb').clientWidth < width", arg=width)
        assert too_wide(open_) == [], width
        assert panel.locator(".wb-columns > *").evaluate_all(LEFT) == columns
        assert cell.get_by_role("region").evaluate_all(LEFT) == columns
    open_.run_cell(3)
    assert [error for error in open_.console if "'removeChild'" not in error] == []
