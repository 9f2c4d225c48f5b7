"""Progress: nothing for what is short, one line for what is long, gone at the end."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from workbench import progress


class Displayed:
    """IPython's display, as far as it is used: what a cell's output has shown, one after the other."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, data: dict[str, str], raw: bool, display_id: bool) -> Displayed:
        self.update(data, raw)
        return self

    def update(self, data: dict[str, str], raw: bool) -> None:
        self.shown.append(data["text/plain"])


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Displayed:
    displayed = Displayed()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=displayed))
    return displayed


def test_a_cell_shows_one_line_that_changes_and_goes(cell: Displayed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    with progress.shown() as tell:
        tell("one")
        tell("two")
    assert cell.shown == ["one", "two", ""]


def test_what_is_short_shows_nothing(cell: Displayed) -> None:
    with progress.shown() as tell:
        tell("one")
    assert cell.shown == []


def test_a_terminal_writes_over_its_line_and_a_file_gets_nothing(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    with progress.shown() as tell:
        tell("one")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.shown() as tell:
        tell("one")
    assert capsys.readouterr().err.split("\x1b[K")[1:] == ["one\r", ""]
