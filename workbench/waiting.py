"""Waiting for events of the log: each is waited for once, and it does not matter whether it came before the wait began."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from workbench.errors import WaitError
from workbench.records import Event

# An interrupted kernel cancels the cell's task from a signal handler, which wakes no loop: it is noticed at the loop's next turn.
TURN = 0.2


@dataclass(frozen=True)
class Wanted:
    """What is waited for; `flow` gives the id of the flow that counts now, None while it has not begun."""

    event_type: str
    leg: str | None
    flow: Callable[[], str | None]

    def fits(self, event: Event) -> bool:
        """Whether an event of the flow is it."""
        return event.direction == "webhook" and event.event_type == self.event_type and self.leg in (None, event.leg)

    def __str__(self) -> str:
        leg = f" of the {self.leg} leg" if self.leg else ""
        return f"{self.event_type}{leg} in {self.flow() or 'a flow that has not begun'}"


class Waits:
    """Hears every event of the log. A wait that does not succeed at once calls `drive`, which moves a clock that stands still.

    `held` says what a reader holds, `stuck` the same when for that reason nothing can come any more.
    """

    def __init__(self, drive: Callable[[], None] = lambda: None, held: Callable[[], str] = str, stuck: Callable[[], str] = str) -> None:
        self._drive, self._held, self._stuck = drive, held, stuck
        self._changed = threading.Condition()
        self._seen: dict[str | None, list[Event]] = {}
        self._used: set[int] = set()
        self._wakers: list[Callable[[], object]] = []

    def hear(self, event: Event) -> None:
        """A listener of the log; any thread, returns at once."""
        with self._changed:
            self._seen.setdefault(event.flow, []).append(event)
            self._changed.notify_all()
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()

    def take(self, wanted: Wanted) -> Event | None:
        """The first such event that nobody has waited for yet."""
        with self._changed:
            come = self._seen.get(wanted.flow(), ())
            found = next((event for event in come if event.id not in self._used and wanted.fits(event)), None)
            if found is not None:
                self._used.add(found.id)
            return found

    def wait(self, wanted: Wanted, timeout: float) -> Event:
        """Block until it is there; for plain scripts. Raises WaitError after `timeout` seconds."""
        until = time.monotonic() + timeout
        found = self.take(wanted)
        if found is None:
            self._drive()
        with self._changed:
            while found is None and (found := self.take(wanted)) is None:
                left = until - time.monotonic()
                if left <= 0 or self._stuck():
                    break
                self._changed.wait(min(left, TURN))
        return found or self._give_up(wanted, timeout)

    async def wait_for(self, wanted: Wanted, timeout: float) -> Event:
        """The same without blocking the loop, so that buttons stay alive. Raises WaitError after `timeout` seconds."""
        until = time.monotonic() + timeout
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # the loop may have ended while somebody waited
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)

        with self._changed:
            self._wakers.append(wake)
        try:
            found = self.take(wanted)
            if found is None:
                await asyncio.to_thread(self._drive)
            while found is None:
                news.clear()
                found = self.take(wanted)
                if found is None and not await _within(news, until, self._stuck):
                    break
            return found or self._give_up(wanted, timeout)
        finally:
            with self._changed:
                self._wakers.remove(wake)

    def _give_up(self, wanted: Wanted, timeout: float) -> Event:
        if (late := self.take(wanted)) is not None:
            return late
        with self._changed:
            come = [event for event in self._seen.get(wanted.flow(), ()) if event.direction == "webhook"]
        seen = [f"{event.event_type} ({event.leg or '–'})" for event in come]
        used = [event for event in come if wanted.fits(event)]
        again = f"; {len(used)} of them had been waited for already" if used else ""
        when = "yet" if self._stuck() else f"within {timeout:g} s"
        held = f". {held}" if (held := self._held()) else ""
        raise WaitError(f"no {wanted} {when}{again}. Seen there: {', '.join(seen) or 'no event'}{held}")


async def until(condition: Callable[[], object], timeout: float, pause: float = 0.02, held: Callable[[], str] = str) -> None:
    """Return once the condition holds; it is asked again and again, off the loop. Raises WaitError after `timeout` seconds.

    `held` says what a reader holds: it may be the reason.
    """
    end = time.monotonic() + timeout
    while not await asyncio.to_thread(condition):
        if time.monotonic() > end:
            raise WaitError(". ".join(filter(None, [f"the condition did not hold within {timeout:g} s", held()])))
        await asyncio.sleep(pause)


async def _within(news: asyncio.Event, until: float, stuck: Callable[[], str]) -> bool:
    while not news.is_set():
        left = until - time.monotonic()
        if left <= 0 or stuck():
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), min(left, TURN))
    return True
