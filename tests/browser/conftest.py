"""Fixtures around JupyterLab in Chromium; see `lab.py` for what they give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.lab import Lab, OpenNotebook, chromium, start_lab

# Chromium on a machine without a way out otherwise asks for its maker's hosts, many at a time.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# A microphone that beeps once a second, for pages that are allowed one; a name of this machine that is no secure context.
ARGUMENTS += ["--use-fake-device-for-media-stream", "--host-resolver-rules=MAP far.test 127.0.0.1"]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


# "package", not "session": while Playwright runs, no other test of this thread can have an event loop of its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = chromium()
    if not executable:
        message = "no Chromium found; install it (Debian: apt install chromium) or name one in CHROMIUM"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running JupyterLab on a copy of the notebooks."""
    with start_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser) -> Iterator[Callable[..., OpenNotebook]]:
    """`open_notebook("notebooks/01_transfer.ipynb", width=1400, height=1000)`; kernels and pages are gone after the test."""
    contexts = []

    def make(path: str, width: int = 1400, height: int = 1000) -> OpenNotebook:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        context.set_default_timeout(15_000)
        notebook = OpenNotebook(lab, context.new_page(), path)
        notebook.open()
        return notebook

    yield make
    for context in contexts:
        context.close()
    lab.stop_kernels()
