"""`run.py demo` in Chromium: a page without code whose one button plays a story that this browser hears."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import ROOT, clean_environment


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a running demonstration."""
    environment = clean_environment(tmp_path) | {"CONDA_DEFAULT_ENV": "workbench", "PYTHONUNBUFFERED": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Should it be taken meanwhile, the next one is.
    command = [sys.executable, str(ROOT / "run.py"), "demo", "--no-browser", f"--port={port}"]
    demo = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        assert demo.stdout
        found = next(match for line in demo.stdout if (match := re.search(r"http://\S+:\d+/", line)))
        yield found[0]
    finally:
        demo.terminate()
        demo.communicate(timeout=20)


def test_a_story_is_heard_without_a_microphone_and_stopped(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 900, "height": 900}, permissions=[])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    play = page.locator(".wb-demo-play")
    expect(play).to_have_text("Play", timeout=40_000)
    assert page.locator(".jp-CodeCell .jp-InputArea-editor:visible").count() == 0
    page.get_by_role("button", name="Bridge").click()
    expect(page.locator(".wb-demo-title")).to_contain_text("Bridge")
    page.get_by_role("button", name="Transfer").click()
    play.click()
    expect(play).to_have_text("Stop")
    sound = "You hear the call in this browser. Without a microphone you only listen."
    expect(page.locator(".wb-demo-sound")).to_have_text(sound, timeout=15_000)
    expect(page.locator(".wb-demo-faces")).to_contain_text("hears the call", timeout=20_000)
    expect(page.locator(".wb-demo-ladder [role=option]").filter(has_text="joined").first).to_be_visible()
    play.click()
    expect(page.locator(".wb-demo-caption")).to_have_text("Stopped.")
    expect(play).to_have_text("Again")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert errors == []
    context.close()
