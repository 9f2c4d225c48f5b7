"""The panels in a real JupyterLab: nothing is lost, keys stay inside, every theme and width can be read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

FEED = """
import tempfile, threading, time
from workbench.events import open_log
from workbench.records import Reply, Webhook
from workbench.settings import Settings
from workbench.widgets import EventTable, Publisher

log, publisher = open_log(Settings(state_dir=tempfile.mkdtemp())), Publisher()

def event(number, kind="answer", **extra):
    data = {"callId": f"c-{number}", "eventTime": str(number), "from": "+19195550100", "to": "+19195550111", **extra}
    url = f"/transfer/{kind}?n={number}"
    begun = log.begin(Webhook("transfer", kind, "transfer-1", "phone", url, data, time.time(), number, "rule", "documented"))
    body = '<Response><SpeakSentence>Hello</SpeakSentence><Transfer><PhoneNumber>+19195550112</PhoneNumber></Transfer></Response>'
    log.finish(begun, Reply(body, 200, ("SpeakSentence", "Transfer"), 1.5))

def feed(first, count, pause=0.0):
    def run():
        for number in range(first, first + count):
            event(number, cause="hangup" if number % 5 == 0 else None)
            time.sleep(pause)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread

table = EventTable(log, publisher, mode="transfer")
"""
BODY_ROWS = ".wb-rows [role=row]"
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")


@pytest.fixture
def notebook(lab, open_notebook, request):
    """A notebook of the cells given, opened; its first cell is the feed."""
    return lambda *cells, **size: open_notebook(lab.write(f"widgets/{request.node.name}.ipynb", FEED, *cells), **size)


def shown(notebook, cell):
    return notebook.output(cell).locator(BODY_ROWS)


def ids(notebook, cell):
    return [int(row.get_attribute("data-id")) for row in shown(notebook, cell).all()]


def start_all(notebook):
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")


def execute(notebook, code):
    notebook.page.evaluate("code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code}).done", code)


def test_rows_appear_while_a_later_cell_blocks(notebook):
    # 40 before the page can know the table, 20 while a cell blocks the kernel's main thread
    open_ = notebook("feed(1, 20).join(); table", "feed(21, 20).join(); feed(41, 20, 0.02)", "time.sleep(6)")
    start_all(open_)
    expect(shown(open_, 1)).to_have_count(60, timeout=15_000)
    assert open_.cells()[3]["count"] is None, "the rows came only when the blocking cell had ended"
    assert ids(open_, 1) == list(range(1, 61))
    expect(open_.cell(3).locator(".jp-InputPrompt")).to_contain_text("[4]:", timeout=10_000)
    assert ids(open_, 1) == list(range(1, 61))
    assert open_.console == []


def test_nothing_more_has_to_happen_for_the_last_rows_to_come(notebook):
    # All events are over before the page has loaded the table, and nobody can answer it for six seconds.
    open_ = notebook("display(table); feed(1, 200).join(); time.sleep(6)")
    start_all(open_)
    expect(open_.output(1).locator(".wb-count")).to_have_text("200 events", timeout=15_000)
    assert open_.cells()[1]["count"] is None, "the rows came only when the blocking cell had ended"


def test_a_reload_and_a_second_view_show_all_rows(notebook):
    open_ = notebook("table", "feed(1, 30).join()", "table")
    open_.run_all()
    expect(shown(open_, 1)).to_have_count(30)
    expect(shown(open_, 3)).to_have_count(30)
    html = "".join(open_.save()["cells"][3]["outputs"][0]["data"]["text/html"])
    assert html.count("<tr>") == 31, "without a kernel there is a plain table"
    assert "SpeakSentence Transfer" in html
    open_.reload()
    expect(shown(open_, 1)).to_have_count(30)
    execute(open_, "feed(31, 5).join()")
    expect(shown(open_, 1)).to_have_count(35)
    expect(shown(open_, 3)).to_have_count(35)
    # Where the kernel is gone, rows that were on the page stay.
    execute(open_, "publisher.close()")
    shown(open_, 3).last.click()
    expect(open_.output(3).locator(".wb-detail")).to_contain_text("<Transfer>")
    assert open_.console == []


def test_many_events_and_those_told_late(notebook):
    open_ = notebook("table", "event(1); event(5); event(3); event(2)", "feed(6, 1996).join()")
    open_.run_cell(0)
    open_.run_cell(1)
    open_.run_cell(2)
    expect(shown(open_, 1)).to_have_count(4)
    assert ids(open_, 1) == [1, 4, 3, 2], "the platform's numbers give the order"
    open_.run_cell(3)
    count = open_.output(1).locator(".wb-count")
    expect(count).to_have_text("2,000 events, showing 1,501 to 2,000")
    assert shown(open_, 1).count() == 500
    open_.output(1).get_by_role("button", name="Earlier").click()
    expect(count).to_have_text("2,000 events, showing 1,251 to 1,750")
    assert ids(open_, 1) == list(range(1251, 1751))
    open_.output(1).get_by_role("button", name="Follow").click()
    expect(count).to_have_text("2,000 events, showing 1,501 to 2,000")


def test_keyboard_and_screen_reader(notebook):
    open_ = notebook("table", "feed(1, 3).join()")
    open_.run_all()
    rows, page = shown(open_, 1), open_.page
    expect(rows).to_have_count(3)
    rows.last.focus()
    for key in ("d", "d", "a", "x", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    detail = open_.output(1).get_by_role("complementary", name="Details of the event")
    expect(detail).to_contain_text("<Transfer>")
    expect(detail).to_contain_text('"callId": "c-2"')
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    expect(rows.nth(1)).to_be_focused()
    assert len(open_.cells()) == 3, "a key typed in the table reached the notebook"
    table = open_.output(1).get_by_role("table", name=re.compile("Transfer"))
    expect(table.get_by_role("columnheader", name="event")).to_be_visible()
    expect(table.get_by_role("row")).to_have_count(4)
    expect(open_.output(1).get_by_role("log")).to_contain_text("answer phone")


# Contrast of every text in a panel with what is behind it, by the WCAG formula; returns those below 4.5.
CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const over = (top, below) => { const a = top[3] / 255; return [0, 1, 2].map(i => top[i] * a + below[i] * (1 - a)).concat(255); };
    const behind = node => {
        const stack = [];
        for (let n = node; n && stack.at(-1)?.[3] !== 255; n = n.parentElement) stack.push(rgba(getComputedStyle(n).backgroundColor));
        return stack.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 255]);
    };
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const poor = new Set();
    for (const node of document.querySelectorAll('.wb *')) {
        if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()) || !node.checkVisibility()) continue;
        const back = behind(node), text = over(rgba(getComputedStyle(node).color), back);
        const [high, low] = [light(back), light(text)].sort((a, b) => b - a), ratio = (high + 0.05) / (low + 0.05);
        if (ratio < 4.5) poor.add(`${node.className} ${node.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
    }
    return [...poor];
}"""


def unreadable(notebook):
    return notebook.page.evaluate(CONTRAST)


def too_wide(notebook):
    nodes = ".wb, .wb-scroll, .wb-detail, .wb-body"
    return notebook.page.evaluate(
        f"() => [...document.querySelectorAll('{nodes}')].filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.className)"
    )


def test_every_theme_and_width_can_be_read(notebook):
    open_ = notebook("table", "feed(1, 6).join()")
    open_.run_all()
    shown(open_, 1).first.click()
    expect(open_.output(1).locator(".wb-detail")).to_contain_text("<Transfer>")
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    open_.hide_sidebar()
    for width in (900, 412):
        open_.size(width, 900)
        open_.page.wait_for_function("width => document.querySelector('.wb').clientWidth < width", arg=width)
        assert too_wide(open_) == [], width
        for part in ("event", "parties", "answered"):
            expect(shown(open_, 1).first.locator(f".wb-c-{part}")).to_be_visible()


WORKBENCH = """
from workbench import Workbench
wb = Workbench()
wb.connect(wb.participant("browser"))
"""


def test_a_call_by_clicking(lab, open_notebook):
    cells = (WORKBENCH, "wb.dialer('transfer')", "wb.participants()", "wb.calls()", "wb.matrix()", "wb.transfer.table()")
    open_ = open_notebook(lab.write("widgets/clicking.ipynb", *cells, "import time; time.sleep(4)", "wb.close()"))
    for index in range(6):
        open_.run_cell(index)
    assert open_.errors() == []
    dialer, people, calls, matrix, table = map(open_.output, range(1, 6))
    dialer.get_by_label("Phone", exact=True).fill("+1 919 555 0111")
    dialer.get_by_role("button", name="Let it call in").click()
    expect(dialer.get_by_role("status")).to_have_text("+1 919 555 0111 calls +1 919 555 0100.")
    expect(matrix.get_by_role("cell", name="phone hears browser", exact=True)).to_be_visible()
    expect(matrix.get_by_role("cell", name="browser hears phone", exact=True)).to_be_visible()
    expect(calls.get_by_role("listitem")).to_have_count(2)
    expect(table.get_by_role("row").filter(has_text="initiate")).to_contain_text("Transfer")
    # a button that does not apply says why
    answer = dialer.get_by_role("button", name="Answer: +1 919 555 0111")
    answer.click(force=True)
    expect(dialer.get_by_role("status")).to_have_text("It is not ringing.")
    keys = dialer.get_by_label("Keys to press at +1 919 555 0111")
    keys.fill("12#")
    keys.press("Enter")
    expect(dialer.get_by_role("status")).to_have_text("+1 919 555 0111 has pressed 12#.")
    keys.fill("x")
    keys.press("Enter")
    expect(dialer.get_by_role("status")).to_have_text("Error: keys are 0 to 9, * and #")
    assert open_.console == []
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    open_.hide_sidebar()
    for width in (900, 412):
        open_.size(width, 900)
        open_.page.wait_for_function("width => document.querySelector('.wb').clientWidth < width", arg=width)
        assert too_wide(open_) == [], width
    open_.size(1400, 1000)
    people.get_by_label("Name").fill("guest")
    people.get_by_role("button", name="Create").click()
    expect(people.get_by_role("status")).to_have_text("guest is in the session.")
    people.get_by_role("button", name="Connect guest").click()
    expect(people.get_by_role("button", name="Disconnect guest")).to_be_visible()
    people.get_by_role("button", name="Delete guest").click()
    expect(people.get_by_role("button", name="Delete guest")).to_have_count(0)
    # while a cell blocks, a button says so, and works when the cell has ended
    open_.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 6; }")
    open_.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell') }")
    expect(open_.cell(6).locator(".jp-InputPrompt")).to_contain_text("[*]:")
    dialer.get_by_role("button", name="Hang up: +1 919 555 0111").click()
    expect(calls.get_by_text("No call is up.")).to_be_visible(timeout=15_000)
    expect(table.get_by_role("row").filter(has_text="disconnect")).to_contain_text("hangup")
    # a saved notebook holds no token
    open_.save()
    assert "eyJ" not in (lab.root / open_.path).read_text().replace("eyJ•••", "")
    open_.run_cell(7)
    table.get_by_role("row").filter(has_text="initiate").click()
    expect(table.get_by_role("complementary")).to_contain_text("<Transfer>")
    # JupyterLab's own splash screen stumbles over themes that change quickly
    assert [error for error in open_.console if "'removeChild'" not in error] == []
