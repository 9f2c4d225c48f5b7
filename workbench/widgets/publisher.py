"""One thread that touches widgets, and a few beside it for slow work.

Every thread that publishes costs the kernel sockets, and two threads on one widget mix up its messages. So everybody puts what they
have into a queue, and one thread hands it on, all that waited for one panel in one go.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Any, Protocol

log = logging.getLogger(__name__)
POOL = "workbench-panel"
# A page draws 60 times a second and each message costs it a millisecond or two: what comes closer together goes out together.
GAP = 0.03


class Publishes(Protocol):
    """What the publisher needs of a panel."""

    def publish(self, items: list[Any]) -> float | None:
        """Show `items`, oldest first; return the seconds after which to be called again with no items, or None."""


class Publisher:
    """A queue with one thread behind it; both end with `close()`.

    Threads start with the first use. After `close()` what is put is published on the caller's thread: nobody else publishes any more.
    """

    def __init__(self) -> None:
        # By this the panels of one workbench know each other on a page that shows two.
        self.bench = token_hex(6)
        self._queue: queue.SimpleQueue[tuple[Publishes, Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._due: dict[Publishes, float] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it has ended, and with it the workbench."""
        return self._closed

    def put(self, panel: Publishes, item: Any) -> None:
        """Have `item` published by its panel, soon, in order. Any thread; returns at once."""
        with self._lock:
            if not self._closed:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="workbench-publisher", daemon=True)
                    self._thread.start()
                self._queue.put((panel, item))
                return
        _publish(panel, [item])

    def run(self, work: Callable[[], None]) -> None:
        """Do slow work on a thread of its own; `work` handles its errors."""
        with self._lock:
            if not self._closed:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(4, POOL)
                self._pool.submit(work)
                return
        work()

    def close(self) -> None:
        """Publish what is waiting, then end the threads. May be called twice, and from one of the panel threads."""
        with self._lock:
            self._closed = True
            thread, pool = self._thread, self._pool
            self._thread = self._pool = None
        if pool is not None:
            pool.shutdown(wait=not threading.current_thread().name.startswith(POOL), cancel_futures=True)
        if thread is not None:
            self._queue.put(None)
            if thread is not threading.current_thread():
                thread.join()

    def _work(self) -> None:
        rested = 0.0
        while True:
            try:
                first = self._queue.get(timeout=self._wait())
            except queue.Empty:
                self._remind()
                continue
            time.sleep(max(0.0, rested - time.monotonic()))
            if first is None or self._drain(first):
                return
            rested = time.monotonic() + GAP
            self._remind()

    def _drain(self, first: tuple[Publishes, Any]) -> bool:
        """Publish `first` and all that waits behind it; True when the end was among it."""
        waiting: dict[Publishes, list[Any]] = {first[0]: [first[1]]}
        ended = False
        while not ended and not self._queue.empty():
            entry = self._queue.get()
            if entry is None:
                ended = True
            else:
                waiting.setdefault(entry[0], []).append(entry[1])
        for panel, items in waiting.items():
            self._plan(panel, _publish(panel, items))
        return ended

    def _wait(self) -> float | None:
        return max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None

    def _remind(self) -> None:
        now = time.monotonic()
        for panel in [panel for panel, due in self._due.items() if due <= now]:
            self._plan(panel, _publish(panel, []))

    def _plan(self, panel: Publishes, seconds: float | None) -> None:
        if seconds is None:
            self._due.pop(panel, None)
        else:
            self._due[panel] = time.monotonic() + seconds


def _publish(panel: Publishes, items: list[Any]) -> float | None:
    try:
        return panel.publish(items)
    except Exception:
        # One panel that cannot be drawn must not silence the others.
        log.exception("a panel could not be published")
        return None
