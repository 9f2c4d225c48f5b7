"""How long an event takes to the screen: a real JupyterLab with the event table open in Chromium, events committed in its kernel.

The clock starts before an event is stored, on a thread as the callback server's are, and stops in the frame that first holds its row.
Alone: `python -m tests.bench.screen`.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.lab import OpenNotebook, chromium, start_lab, until

# events a second, how many, milliseconds that 95 of 100 must keep
RATES = ((1, 20, 30.0), (20, 300, 30.0), (200, 2000, 100.0))
FEED = """
import asyncio, tempfile, time
from workbench.events import open_log
from workbench.records import Reply, Webhook
from workbench.settings import Settings
from workbench.widgets import EventTable, Publisher

log, publisher = open_log(Settings(state_dir=tempfile.mkdtemp())), Publisher()
table = EventTable(log, publisher)
body = "<Response><SpeakSentence>One moment.</SpeakSentence><Transfer><PhoneNumber>+19195550112</PhoneNumber></Transfer></Response>"

def feed(rate, count):
    due = time.perf_counter()
    for number in range(count):
        began = time.time()
        # a column of the row carries the time to the page
        data = {"callId": f"c-{rate}-{number}", "from": "+19195550100", "to": "+19195550111", "cause": repr(began)}
        begun = log.begin(Webhook("transfer", "answer", "transfer-1", "phone", f"/transfer/answer?{number}", data, began))
        log.finish(begun, Reply(body, 200, ("SpeakSentence", "Transfer"), 1.0))
        due += 1 / rate
        time.sleep(max(0, due - time.perf_counter()))
"""
WATCH = """() => {
    window.seen = [];
    new MutationObserver(changes => {
        const now = performance.timeOrigin + performance.now();
        for (const change of changes) for (const row of change.addedNodes)
            if (row.classList?.contains('wb-row')) window.seen.push(now - 1000 * Number(row.querySelector('.wb-c-cause').textContent));
    }).observe(document.querySelector('.wb-rows'), {childList: true});
}"""


# Each is a reader's doing, and what it costs until the page is laid out again.
CHOOSE = """() => {
    const [search, sorts] = [document.querySelector('.wb input[type=search]'), [...document.querySelectorAll('.wb-sort')]];
    const timed = act => {
        const began = performance.now();
        act();
        document.querySelector('.wb').offsetHeight;
        return performance.now() - began;
    };
    const type = text => timed(() => { search.value = text; search.dispatchEvent(new Event('input', {bubbles: true})); });
    return {filter: ['answer', 'c', 'nothing', ''].map(type), sort: sorts.map(head => timed(() => head.click()))};
}"""
MANY, CHOSEN_MS = 10_000, 100.0


@dataclass(frozen=True)
class Figure:
    """Milliseconds from storing an event to its row on the page, at `rate` events a second."""

    rate: int
    sent: int
    shown: int
    p50: float
    p95: float
    worst: float
    target: float

    @property
    def kept(self) -> bool:
        """Whether every event was shown and the target was kept."""
        return self.shown == self.sent and self.p95 <= self.target


def measure(rates: tuple[tuple[int, int, float], ...] = RATES) -> list[Figure]:
    """One figure per rate, on one open table. Takes about a minute."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright, start_lab(Path(home)) as lab:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        feeds = [f"await asyncio.to_thread(feed, {rate}, {count})" for rate, count, _ in ((50, 50, 0.0), *rates)]
        notebook = OpenNotebook(lab, browser.new_page(), lab.write("screen.ipynb", FEED, "table", *feeds))
        notebook.open()
        for cell in (0, 1):
            notebook.run_cell(cell)
        notebook.page.wait_for_selector(".wb-rows", state="attached")
        notebook.page.evaluate(WATCH)
        found = [_figure(notebook, cell, *rate) for cell, rate in enumerate(((50, 50, 0.0), *rates), 2)]
        browser.close()
    return found[1:]


def choosing(rows: int = MANY) -> dict[str, float]:
    """The longest that filtering and sorting so many rows takes, in milliseconds."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright, start_lab(Path(home)) as lab:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        notebook = OpenNotebook(lab, browser.new_page(), lab.write("choosing.ipynb", FEED, "table", f"feed(1_000_000, {rows})"))
        notebook.open()
        for cell in range(3):
            notebook.run_cell(cell, 60 + rows / 200)
        told = "rows => document.querySelector('.wb-count').textContent.startsWith(`${rows.toLocaleString('en')} events`)"
        notebook.page.wait_for_function(told, arg=rows)
        found = notebook.page.evaluate(CHOOSE)
        browser.close()
    return {name: max(times) for name, times in found.items()}


def _figure(notebook: OpenNotebook, cell: int, rate: int, count: int, target: float) -> Figure:
    notebook.page.evaluate("() => { window.seen.length = 0; }")
    notebook.run_cell(cell, 60 + count / rate)
    until(lambda: notebook.page.evaluate("() => window.seen.length") >= count, 10, "the last row")
    seen = notebook.page.evaluate("() => window.seen")
    cuts = quantiles(seen, n=100, method="inclusive")
    return Figure(rate, count, len(seen), cuts[49], cuts[94], max(seen), target)


if __name__ == "__main__":
    for figure in measure():
        times = f"p50 {figure.p50:5.1f}  p95 {figure.p95:5.1f}  worst {figure.worst:5.1f} ms"
        verdict = f"target {figure.target:.0f}: {'kept' if figure.kept else 'MISSED'}"
        print(f"{figure.rate:4}/s  {figure.shown} of {figure.sent} shown  {times}  {verdict}")
