"""The platform's clock: real time that can be paused and moved, or time in a test's hand."""

from __future__ import annotations

import time


class Clock:
    """Tells the platform's time in epoch seconds.

    Runs from `start` (now when None) at the pace of the monotonic clock, so that a correction of the host's time is never seen.
    `paused` makes it stand still from the beginning: the clock in a test's hand.
    """

    def __init__(self, start: float | None = None, *, paused: bool = False) -> None:
        self._start, self._start_paused = start, paused
        self.reset()

    def reset(self) -> None:
        """Begin again as at first."""
        self._shown = time.time() if self._start is None else self._start
        self._anchor = time.monotonic()
        self._paused = self._start_paused

    @property
    def paused(self) -> bool:
        """Whether time stands still."""
        return self._paused

    def now(self) -> float:
        """The time, in epoch seconds."""
        return self._shown if self._paused else self._shown + (time.monotonic() - self._anchor)

    def pause(self) -> None:
        """Stand still."""
        self._shown, self._paused = self.now(), True

    def resume(self) -> None:
        """Run on from the time shown."""
        if self._paused:
            self._anchor, self._paused = time.monotonic(), False

    def set(self, moment: float) -> None:
        """Show a later time; time never goes back."""
        if (now := self.now()) < moment:
            now = moment
        self._shown, self._anchor = now, time.monotonic()
