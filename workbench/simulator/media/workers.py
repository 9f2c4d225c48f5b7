"""Work on sound that takes longer than a frame: it is done in threads, and what is wrong with it is told on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

Fault = Callable[[str, str], None]  # is told what is not heard as it should be, and why


class Workers:
    """One thread, begun when there is something to do. `fault` is called on the loop, whichever thread finds it."""

    def __init__(self, name: str, fault: Fault) -> None:
        self._name, self._fault = name, fault
        self._pool: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, work: Callable[[], None], about: str) -> None:
        """Have something done; an error in it becomes a fault."""
        if self._pool is None:
            self._pool, self._loop = ThreadPoolExecutor(1, self._name), asyncio.get_running_loop()
        self._pool.submit(self._run, work, about)

    def _run(self, work: Callable[[], None], about: str) -> None:
        try:
            work()
        except Exception as error:
            self.tell(about, f"{type(error).__name__}: {error}")

    def tell(self, about: str, why: str) -> None:
        """Tell a fault, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._fault, about, why)

    def close(self) -> None:
        """What has not begun is not done any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
