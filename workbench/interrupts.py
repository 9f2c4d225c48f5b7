"""Hears when a reader interrupts a cell of this notebook."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
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
