"""How far something long is: one line that changes, in a cell's output or on a terminal, and is gone at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# What is done sooner shows nothing.
PATIENCE = 1.0


@contextmanager
def shown() -> Iterator[Callable[[str], None]]:
    """Gives a function that is told what is being done."""
    began, line = time.monotonic(), _line()

    def tell(text: str) -> None:
        if line is not None and time.monotonic() - began > PATIENCE:
            line.show(text)

    try:
        yield tell
    finally:
        if line is not None:
            line.clear()


def _line() -> _Cell | _Terminal | None:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is not None:
        return _Cell()
    return _Terminal() if sys.stderr.isatty() else None


class _Cell:
    """A line in the cell that runs."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str) -> None:
        from IPython.display import display

        shown = {"text/plain": text}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)


class _Terminal:
    """A line of a terminal, written over."""

    def show(self, text: str) -> None:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
