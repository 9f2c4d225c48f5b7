"""How long the event table takes to filter and sort a long log: the panel's own script in Chromium, fed by a stand-in for its model.

The clock starts when a reader has chosen and stops when the page has been laid out.
"""

from __future__ import annotations

from statistics import median

from playwright.sync_api import sync_playwright

from tests.bench.figures import Row
from tests.browser.conftest import ARGUMENTS
from tests.browser.lab import chromium
from workbench.records import Event
from workbench.scripts import module, style
from workbench.widgets.table import row

LONG, LIMIT_MS, TIMES = 10_000, 100.0, 7
TEXTS = ("hang", "phone 1", "9195550", "bridge", "pause", "e", "")
DRAW = """async ([script, css, rows]) => {
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const traits = { title: "all · events", bench: "b", rows, view: {}, state: {}, last: 0, n: 0 };
    const model = { get: (name) => traits[name], set() {}, save_changes() {}, on() {}, off() {}, send() {} };
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const panel = (await import(url)).default();
    panel.initialize({ model });
    const el = document.body.appendChild(document.createElement("div"));
    panel.render({ model, el });
}"""
SORT = "async (name) => timed(() => document.querySelector(`.wb-c-${name} .wb-sort`).click())"
FILTER = """async (text) => timed(() => {
    const field = document.querySelector("[data-sieve=text]");
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
})"""
TIMED = """() => { window.timed = (act) => new Promise((done) => {
    const began = performance.now();
    act();
    document.body.offsetHeight;
    const took = performance.now() - began;
    setTimeout(() => done(took), 400);
}); }"""


def rows(count: int) -> list[dict[str, object]]:
    """A long log: twenty flows, forty legs, a cause for one in ten."""
    return [
        row(
            Event(
                number, "run", 1e9 + number / 100, "transfer", f"transfer-{number % 20}", f"phone {number % 40}", "webhook", "answer",
                f"c-{number}", f"+1919555{number % 9999:04}", "+19195550111", "hangup" if number % 10 == 0 else None, {},
                reply="", status=200, verbs=("Pause",), handler_ms=number * 7 % 1000 / 10, seq=number,
            )
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def measure(long: int = LONG) -> list[Row]:
    """Median of filtering by text, and of sorting by the column of most different values and by one of names."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page()
        page.evaluate(DRAW, [module("table.js"), style(), rows(long)])
        page.evaluate(TIMED)
        assert f"{long:,} events" in page.locator(".wb-count").inner_text()
        filtered = [page.evaluate(FILTER, text) for text in TEXTS]
        found = {"filtered": filtered}
        for name in ("handler", "parties"):
            found[f"sorted by {name}"] = [page.evaluate(SORT, name) for _ in range(TIMES)]
        browser.close()
    return [_figure(f"{long} rows {how}", times) for how, times in found.items()]


def _figure(name: str, times: list[float]) -> Row:
    return Row(
        name, f"{median(times):.0f} ms, at most {max(times):.0f}", target=f"median ≤ {LIMIT_MS:.0f} ms", met=median(times) <= LIMIT_MS
    )
