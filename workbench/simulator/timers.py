"""Timers of the engine: moments in epoch seconds, kept in order. They fire when the shell says what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass(slots=True)
class Timer:
    """A moment at which `run` is due; `waits` tells whether "run to idle" has to wait for it."""

    when: float
    run: Callable[[], None]
    waits: bool
    cancelled: bool = False


@dataclass(slots=True)
class Timers:
    """All timers, earliest first; those of one moment in the order they were set."""

    heap: list[tuple[float, int, Timer]] = field(default_factory=list)
    count: int = 0

    def add(self, when: float, run: Callable[[], None], *, waits: bool = True) -> Timer:
        """Have `run` called at `when`."""
        self.count += 1
        timer = Timer(when, run, waits)
        heappush(self.heap, (when, self.count, timer))
        return timer

    def next(self) -> float | None:
        """When the earliest timer is due."""
        while self.heap and self.heap[0][2].cancelled:
            heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def busy_until(self) -> float | None:
        """When the earliest timer is due that "run to idle" waits for."""
        return min((timer.when for _, _, timer in self.heap if timer.waits and not timer.cancelled), default=None)

    def pop(self) -> Timer:
        """Take the earliest timer; call `next` first."""
        return heappop(self.heap)[2]
