"""Hears when a reader interrupts a cell of this notebook, and when the system asks this process to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def when_interrupted(act: Callable[[], object]) -> Callable[[], None]:
    """Call `act` after each cell that was interrupted; gives what ends it. Outside a notebook there are no cells."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return lambda: None

    def ran(result: Any) -> None:
        # A cell that waits is cancelled, one that computes gets the signal's own error.
        if isinstance(result.error_in_exec, KeyboardInterrupt | asyncio.CancelledError):
            act()

    def end() -> None:
        if ran in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", ran)

    shell.events.register("post_run_cell", ran)
    return end


class Termination:
    """What SIGTERM does in this process: everything in `acts`, then it ends as it would have."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], object]] = []
        self._process = os.getpid()

    def __call__(self, number: int, frame: object) -> None:
        # From now on the signal ends the process at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if os.getpid() != self._process:
            # A forked child has inherited this, but nothing there is its to end.
            os.kill(os.getpid(), signal.SIGTERM)
            return
        # On a thread: the one that was interrupted here may hold a lock that the acts need.
        threading.Thread(target=self._end, name="workbench-termination", daemon=True).start()

    def _end(self) -> None:
        for act in tuple(self.acts):
            with suppress(Exception):
                act()
        os.kill(os.getpid(), signal.SIGTERM)

    def forget(self, act: Callable[[], object]) -> None:
        """One of the acts is no longer needed."""
        with suppress(ValueError):
            self.acts.remove(act)


def when_terminated(act: Callable[[], object]) -> Callable[[], None]:
    """Call `act` when SIGTERM comes, before the process ends; gives what ends it. A program's own handler of that signal stays in place."""
    present = signal.getsignal(signal.SIGTERM)
    if present is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        present = Termination()
        signal.signal(signal.SIGTERM, present)
    if not isinstance(present, Termination):
        return lambda: None
    termination = present
    termination.acts.append(act)
    return lambda: termination.forget(act)
