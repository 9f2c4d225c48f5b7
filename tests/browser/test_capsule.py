"""A capsule opened from its file with no network at all: it plays, is picked from and filtered, and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from workbench.capsule import Capsule
from workbench.messages import NOTEBOOK, VOICE, WEBRTC, Lane, Message
from workbench.records import Event

LANES = [Lane("phone", "+19195550111"), Lane(VOICE), Lane(NOTEBOOK), Lane(WEBRTC), Lane("browser")]


def message(at: int, seconds: float, kind: str, name: str, source: str, target: str, label: str, event: int | None = None) -> Message:
    return Message(
        f"m{at}", float(at), 1_700_000_000.0 + seconds, source, target, label, kind, name, event, "phone", "transfer-1", "transfer"
    )  # type: ignore[arg-type]


STORY = [
    message(1, 0, "sip", "arrived", "phone", VOICE, "calls"),
    message(2, 0.1, "webhook", "initiate", VOICE, NOTEBOOK, "initiate phone", 1),
    message(3, 0.2, "reply", "initiate", NOTEBOOK, VOICE, "Transfer", 1),
    message(4, 0.3, "media", "joined", "phone", WEBRTC, "joined"),
    message(5, 60.0, "sip", "ended", "phone", VOICE, "ends · hangup"),
]
ASKED = {"eventType": "initiate", "from": "+19195550111", "x": "</script><script>alert(1)</script><img src=x onerror=alert(1)>"}
REPLY = "<Response><Transfer><PhoneNumber>+19195550112</PhoneNumber></Transfer></Response>"
EVENT = Event(
    1, "run", 0.0, "transfer", "transfer-1", "phone", "webhook", "initiate", "c-1", None, None, None, ASKED, 200, REPLY, ("Transfer",)
)
PICTURES = [
    {"place": place, "at": None, "parties": ["phone", "browser"], "hears": [[False, on], [on, False]]}
    for place, on in ((1, False), (4, True))
]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    file = tmp_path / "call.html"
    file.write_text(Capsule("A call", LANES, STORY, [EVENT], PICTURES).html(), "utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda one: told.append(one.text))
    page.on("pageerror", lambda one: told.append(str(one)))
    page.on("request", lambda one: asked.append(one.url))
    page.goto(file.as_uri())
    expect(page.locator("body[data-ready]")).to_have_count(1)
    yield page
    assert told == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    context.close()


def test_it_is_looked_into(opened: Page) -> None:
    rows = opened.get_by_role("option").filter(has=opened.locator(".wb-said"))
    expect(rows).to_have_count(5)
    rows.nth(2).click()
    expect(opened.locator(".wb-narration")).to_have_text("Our application answers: call the other side and connect the two.")
    expect(opened.locator(".wb-part-bxml")).to_contain_text("<Transfer>")
    expect(opened.locator(".wb-part-json")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(rows).to_have_count(5)
    opened.get_by_label("Find a message").fill("initiate")
    expect(rows).to_have_count(2)
    opened.get_by_label("Find a message").fill("")
    opened.get_by_label("Kind of message").select_option("sip")
    expect(rows).to_have_count(2)
    assert "+1919" not in opened.content() and "9195550" not in opened.content()


def test_it_plays_and_is_stepped_through(opened: Page) -> None:
    rows = opened.get_by_role("option").filter(has=opened.locator(".wb-said"))
    opened.get_by_label("Speed").select_option("4×")
    opened.keyboard.press("Home")
    expect(rows).to_have_count(1)
    opened.keyboard.press("ArrowRight")
    expect(opened.locator(".wb-narration")).to_have_text("Bandwidth asks our application what to do: the phone is calling our number.")
    expect(opened.locator(".wb-matrix .wb-hears")).to_have_count(0)
    opened.get_by_role("button", name="Play").click()
    # a minute of silence is shortened, and said so
    expect(opened.get_by_text("60 s of silence, shortened")).to_be_visible()
    expect(opened.locator(".wb-matrix .wb-hears")).to_have_count(2)
    expect(opened.get_by_role("button", name="Play again")).to_be_visible(timeout=5000)
    expect(rows).to_have_count(5)
    slider = opened.get_by_label("Place in the call")
    slider.focus()
    slider.press("Home")
    expect(rows).to_have_count(0)
    expect(opened.get_by_role("log", name="What has happened so far").locator("li")).to_have_count(3)


@pytest.mark.parametrize("width", [390, 900])
def test_narrow_pages_do_not_overflow(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 844})
    opened.emulate_media(color_scheme="dark")
    expect(opened.get_by_role("button", name="Switch to light colours")).to_be_visible()
    opened.get_by_role("button", name="Switch to light colours").click()
    expect(opened.get_by_role("button", name="Switch to dark colours")).to_be_visible()
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.emulate_media(media="print")
    expect(opened.locator(".wb-script li")).to_have_count(5)
    expect(opened.locator(".wb-script")).to_be_visible()
