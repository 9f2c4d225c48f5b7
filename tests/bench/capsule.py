"""How big a capsule is, and how soon it is there: a file of so many messages, opened in Chromium without a network."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.figures import Row
from tests.browser.conftest import ARGUMENTS
from tests.browser.lab import chromium
from workbench.capsule import Capsule
from workbench.messages import NOTEBOOK, VOICE, WEBRTC, Lane, Message
from workbench.records import Event

# A call, and a day of a conference.
SIZES = (60, 2000)
RUNS = 5
OPEN_SECONDS = 1.0
REPLY = "<Response><SpeakSentence>One moment.</SpeakSentence><Transfer><PhoneNumber>+19195550112</PhoneNumber></Transfer></Response>"


def measure(sizes: tuple[int, ...] = SIZES, runs: int = RUNS) -> list[Row]:
    """A row for each size: kilobytes, and milliseconds from opening the file to a page that can be used, the slowest of some runs."""
    rows = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for size in sizes:
            file = Path(folder) / f"{size}.html"
            file.write_text(capsule(size).html(), "utf-8")
            slowest = 0.0
            for _ in range(runs):
                context = browser.new_context(offline=True)
                page = context.new_page()
                page.goto(file.as_uri())
                page.wait_for_selector("body[data-ready]")
                slowest = max(slowest, float(page.evaluate("() => Number(document.body.dataset.ready)")))
                context.close()
            measured = f"{file.stat().st_size / 1000:.0f} kB, open in {slowest:.0f} ms"
            met = slowest <= OPEN_SECONDS * 1000
            rows.append(Row(f"capsule of {size} messages", measured, target=f"≤ {OPEN_SECONDS:.0f} s", met=met))
        browser.close()
    return rows


def capsule(size: int) -> Capsule:
    """A capsule of so many messages: webhooks and their answers."""
    lanes = [Lane("phone"), Lane(VOICE), Lane(NOTEBOOK), Lane(WEBRTC), Lane("browser")]
    messages, events = [], []
    for at in range(size // 2):
        about = ("answer", at, "phone", "transfer-1", "transfer", None, "documented", "call.answer", "")
        messages.append(Message(f"e{at}", at, 1.7e9 + at, VOICE, NOTEBOOK, "answer phone", "webhook", *about))
        messages.append(Message(f"a{at}", at + 0.5, 1.7e9 + at, NOTEBOOK, VOICE, "SpeakSentence, Transfer", "reply", *about))
        data = {
            "eventType": "answer",
            "callId": f"c-{at}",
            "from": "+19195550100",
            "to": "+19195550111",
            "eventTime": "2026-01-01T00:00:00Z",
        }
        events.append(
            Event(
                at, "run", 1.7e9 + at, "transfer", "transfer-1", "phone", "webhook", "answer", f"c-{at}", None, None, None, data, 200, REPLY
            )
        )
    return Capsule("A call", lanes, messages, events)
