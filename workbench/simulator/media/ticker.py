"""A beat of 20 ms on the loop, by absolute deadlines: it does not drift, and what was missed for long is not caught up on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workbench.simulator.media.sound import FRAME_SECONDS

LATE_SECONDS = 0.2  # a loop that is held up for longer skips the beats in between


class Ticker:
    """Calls `tick` every 20 ms between `start` and `stop`; nothing happens at other times."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._handle: asyncio.TimerHandle | None = None
        self._begun = 0.0
        self._count = 0
        self.skipped = 0

    @property
    def running(self) -> bool:
        """Whether it beats."""
        return self._handle is not None

    def start(self) -> None:
        """Begin, the first beat at once; one that runs runs on."""
        if self._handle is None:
            loop = asyncio.get_running_loop()
            self._begun, self._count = loop.time(), 0
            self._handle = loop.call_at(self._begun, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._begun - self._count * FRAME_SECONDS
        if late > LATE_SECONDS:
            missed = int(late / FRAME_SECONDS)
            self._count += missed
            self.skipped += missed
        self._count += 1
        self._handle = loop.call_at(self._begun + self._count * FRAME_SECONDS, self._beat)
        self._tick()
