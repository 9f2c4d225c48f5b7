"""Looks at the platform when something happened, and tells the panels when the picture has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from workbench.widgets import text

Picture = Mapping[str, Any]
BUSY_SECONDS = 0.4
IDLE_SECONDS = 2.0
# What a picture always has: the platform's phones, calls, conferences, participants and endpoints as in `GET /_local/state`; who hears
# whom, or None; the legs and participants this workbench knows by name; and what kept us from looking.
NOTHING: Picture = {
    **{name: [] for name in ("phones", "calls", "conferences", "participants", "endpoints", "legs", "made")},
    "hears": None,
    "error": None,
}


class Lookout:
    """One thread for all panels, awake while any of them listens.

    It looks after every nudge, and in between now and then: a phone that starts to ring tells nobody.
    """

    def __init__(self, look: Callable[[], Picture]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Picture], None]] = []
        self._nudged = threading.Event()
        self._thread: threading.Thread | None = None
        self._picture: Picture = NOTHING
        self._closed = False

    def subscribe(self, listener: Callable[[Picture], None]) -> Callable[[], None]:
        """Hear each new picture, the present one at once; returns what ends it. `listener` must be quick."""
        with self._lock:
            self._listeners.append(listener)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="workbench-lookout", daemon=True)
                self._thread.start()
            # Under the lock, lest an older picture come after a newer one.
            listener(self._picture)
        self.nudge()
        return lambda: self._leave(listener)

    def nudge(self, *_anything: object) -> None:
        """Something happened: look again soon. Any thread; returns at once; fits as a listener of the log."""
        self._nudged.set()

    def look(self) -> Picture:
        """The picture now, on this thread; what went wrong is in its `error`."""
        try:
            return self._look()
        except Exception as error:  # whatever it is, the next look may succeed
            return {**self._picture, "error": text.explain(error)}

    def close(self) -> None:
        """End the thread; panels keep their last picture."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        self._nudged.set()
        if thread is not None:
            thread.join()

    def _leave(self, listener: Callable[[Picture], None]) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _work(self) -> None:
        while True:
            self._nudged.clear()
            # Asked after clearing: else the nudge of `close` might be cleared away, and nobody would come again.
            if self._closed:
                return
            if self._listeners:
                self._tell(self.look())
            wait = None if not self._listeners else BUSY_SECONDS if self._picture["calls"] else IDLE_SECONDS
            self._nudged.wait(wait)

    def _tell(self, picture: Picture) -> None:
        if picture == self._picture:
            return
        with self._lock:
            self._picture = picture
            for listener in self._listeners:
                listener(picture)
