"""The ladder of a real call in a real JupyterLab: picked here, marked there; filter, keys, themes, widths, reload."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.test_widgets import THEMES, too_wide, unreadable

CELLS = (
    "from workbench import Workbench\nwb = Workbench()\nwb.connect(wb.participant('browser'))\nphone = wb.phone()",
    "wb.ladder()",
    "wb.transfer.table()",
    "phone.dial(wb.number)\nevent = await wb.wait_for('initiate')\n"
    "await wb.until(lambda: wb.matrix().hears()['browser'])\nphone.hangup()\nawait wb.wait_for('disconnect')",
    "wb.select(event)",
)


def test_a_call_is_a_ladder_joined_with_the_table(lab, open_notebook):
    open_ = open_notebook(lab.write("widgets/ladder.ipynb", *CELLS))
    for index in range(4):
        open_.run_cell(index)
    assert open_.errors() == []
    ladder, table = open_.output(1), open_.output(2)
    rungs, marked = ladder.locator(".wb-rung"), ladder.locator(".wb-rung[aria-selected=true]")
    expect(ladder.locator(".wb-count")).to_contain_text("transfer-1")
    end = ladder.get_by_role("option", name="Programmable Voice to this notebook: disconnect phone")
    end.click()
    details = ladder.get_by_role("complementary", name="Details of the message")
    expect(details).to_contain_text('"eventType": "disconnect"')
    expect(table.locator("[aria-current]")).to_contain_text("disconnect")
    ladder.get_by_role("option", name="Programmable Voice", exact=False).filter(has_text="INVITE").first.click()
    expect(details).to_contain_text(", documented, ")
    # the other way round
    table.get_by_role("row").filter(has_text="initiate").click()
    expect(marked).to_contain_text("initiate phone")
    expect(details).to_be_hidden()
    expect(table.get_by_role("complementary")).to_contain_text("<Transfer>")
    # keys; what is typed goes to the filter, and none of it to the notebook
    ladder.get_by_role("listbox").focus()
    open_.page.keyboard.press("ArrowDown")
    expect(marked).not_to_contain_text("initiate phone")
    open_.page.keyboard.press("Home")
    expect(marked).to_have_attribute("aria-posinset", "1")
    open_.page.keyboard.press("Escape")
    expect(marked).to_have_count(0)
    open_.page.keyboard.type("disc")
    expect(ladder.get_by_role("searchbox")).to_have_value("disc")
    expect(rungs).to_have_count(1)
    assert len(open_.cells()) == 5
    ladder.get_by_role("searchbox").fill("")
    ladder.get_by_label("Kind").select_option("reply")
    expect(rungs.first).to_contain_text("Transfer")
    ladder.get_by_role("button", name="Refused and failed").click()
    expect(ladder.get_by_text("No message fits the filter.")).to_be_visible()
    ladder.get_by_role("button", name="Refused and failed").click()
    ladder.get_by_label("Kind").select_option("")
    # from a cell
    open_.run_cell(4)
    expect(marked).to_contain_text("initiate phone")
    expect(table.locator("[aria-current]")).to_contain_text("initiate")
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    open_.hide_sidebar()
    for width in (900, 412):
        open_.size(width, 900)
        open_.page.wait_for_function("width => document.querySelector('.wb').clientWidth < width", arg=width)
        assert too_wide(open_) == [], width
    open_.size(1400, 1000)
    open_.save()
    count = ladder.locator(".wb-count").text_content()
    open_.reload()
    expect(open_.output(1).locator(".wb-count")).to_have_text(count)
    assert [error for error in open_.console if "'removeChild'" not in error] == []
