"""Timers of the engine: moments in epoch seconds, kept in order. They fire when the shell says what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass(slots=True)
class Timer:
    """A moment at which `run` is due."""

    when: float
    run: Callable[[], object]
    cancelled: bool = False


Heap = list[tuple[float, int, Timer]]


@dataclass(slots=True)
class Timers:
    """All timers, earliest first; those of one moment in the order they were set. Those that nobody waits for are kept apart."""

    awaited: Heap = field(default_factory=list)
    limits: Heap = field(default_factory=list)
    count: int = 0

    def add(self, when: float, run: Callable[[], object], *, waits: bool = True) -> Timer:
        """Have `run` called at `when`."""
        self.count += 1
        timer = Timer(when, run)
        heappush(self.awaited if waits else self.limits, (when, self.count, timer))
        return timer

    def next(self) -> float | None:
        """When the earliest timer is due."""
        _drop_cancelled(self.awaited)
        _drop_cancelled(self.limits)
        if not (self.awaited and self.limits):
            return self.awaited[0][0] if self.awaited else self.limits[0][0] if self.limits else None
        return min(self.awaited[0][0], self.limits[0][0])

    def busy_until(self) -> float | None:
        """When the earliest timer is due that "run to idle" waits for."""
        _drop_cancelled(self.awaited)
        return self.awaited[0][0] if self.awaited else None

    def pop(self) -> Timer:
        """Take the earliest timer. Raises IndexError when there is none."""
        _drop_cancelled(self.awaited)
        _drop_cancelled(self.limits)
        if self.awaited and self.limits:
            return heappop(min(self.awaited, self.limits, key=lambda heap: heap[0][:2]))[2]
        return heappop(self.awaited or self.limits)[2]


def _drop_cancelled(heap: Heap) -> None:
    while heap and heap[0][2].cancelled:
        heappop(heap)
