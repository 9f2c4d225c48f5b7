"""Step mode: a webhook is held before it is answered, and a reader decides what happens next.

The callback server's threads wait here; a cell or a panel decides. While something is held, the local platform's clock stands; live it
cannot, so the handler's own answer goes out before the platform stops waiting.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.errors import CLOSED, WaitError, WorkbenchError
from workbench.local import Local
from workbench.modes import Flow, Gate, Written
from workbench.modes.handlers import ASKING, CONFERENCE, known
from workbench.placeholders import shown
from workbench.records import Event, Reply
from workbench.stops import State, Stop

# Each held webhook keeps one of the callback server's 16 threads; the others answer on.
MOST = 8
# After so many real seconds nothing is on its way any more that had begun before the clock was halted.
CALM_SECONDS = 1.0
LOOK_SECONDS = 0.02


@dataclass
class Stepper:
    """Which webhooks are held, and those that are. Thread-safe. `local` is the platform whose clock can wait.

    `mask` hides secrets in what is shown, `write` makes a document of what a handler may return, `told` is called at each change, `seen`
    with event and flow of what is held.
    """

    gate: Gate
    local: Local | None
    mask: Callable[[str], str]
    write: Callable[[Any, Gate], Written]
    told: list[Callable[[], object]] = field(default_factory=list)
    seen: Callable[[int, str], object] = lambda event, flow: None
    events: frozenset[str] | None = frozenset()
    once: bool = False
    # Set with the workbench that it belongs to: nothing comes any more.
    closed: bool = False

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        # Set while step mode is off: nothing of it keeps a thread.
        self.ended = threading.Event()
        self.last: Stop | None = None
        self._held: list[Stop] = []
        self._given: set[int] = set()
        self._count = 0
        self._since, self._seconds, self._moved = 0.0, 0.0, 0.0

    def __repr__(self) -> str:
        if self.events is None:
            return "Step mode: every event that asks for a document is held."
        return f"Step mode: {', '.join(sorted(self.events))} is held." if self.events else "Step mode is off."

    # -- what is held --------------------------------------------------------------------------------------------------------------

    def on(self, *event_types: str) -> None:
        """Hold these events from now on; without a name all that ask for a document. Raises WorkbenchError for one that does not exist."""
        if self.closed:
            raise WorkbenchError(CLOSED)
        for name in event_types:
            known(name)
        self.events = frozenset(event_types) or None
        self.ended.clear()
        self.tell()

    def off(self) -> None:
        """Hold nothing more; what is held is answered by its handler."""
        self.events, self.once = frozenset(), False
        self.ended.set()
        self.release()
        self.tell()

    def release(self) -> None:
        """Answer all that is held by its handler."""
        for stop in self.stops:
            stop.let_go()

    @property
    def stops(self) -> list[Stop]:
        """What is held, the oldest first."""
        with self._changed:
            return list(self._held)

    @property
    def holding(self) -> bool:
        """Whether something is held."""
        return bool(self._held)

    def held_seconds(self) -> float:
        """For how long, so far, something was held while the platform's clock stood."""
        with self._changed:
            return self._seconds + (time.perf_counter() - self._since if self._since else 0.0)

    def held_up(self) -> str:
        """What is held, and what to do about it, in words; empty while nothing is."""
        names = ", ".join(stop.about for stop in self.stops)
        waits = "the platform waits until it is sent" if self.local is not None else "its handler's answer goes out in time"
        return names and f"Held: {names}; {waits} (wb.stops, stop.send(), wb.step(False))"

    def stuck(self) -> str:
        """`held_up`, when nothing can come any more: the clock stands for good, and there is no panel in which a reader could decide."""
        if not self._held or self.local is None or self.told or time.monotonic() - self._moved < CALM_SECONDS:
            return ""
        return self.held_up()

    def take(self, timeout: float) -> Stop:
        """The oldest stop that nobody has taken yet, or the next one. Raises WaitError after `timeout` seconds."""
        until = time.monotonic() + timeout
        while (stop := self._untaken()) is None:
            self._check(until, timeout)
            with self._changed:
                self._changed.wait(LOOK_SECONDS)
        return stop

    async def awaited(self, timeout: float) -> Stop:
        """`take` without blocking the loop; an interrupted cell takes nothing."""
        until = time.monotonic() + timeout
        while (stop := self._untaken()) is None:
            self._check(until, timeout)
            await asyncio.sleep(LOOK_SECONDS)
        return stop

    def _untaken(self) -> Stop | None:
        with self._changed:
            stop = next((stop for stop in self._held if stop.number not in self._given), None)
            if stop is not None:
                self._given.add(stop.number)
            return stop

    def _check(self, until: float, timeout: float) -> None:
        if stuck := self.stuck():
            raise WaitError(f"nothing more comes. {stuck}")
        if time.monotonic() >= until:
            raise WaitError(" ".join(filter(None, [f"nothing was held within {timeout:g} s. {self!r}", self.held_up()])))

    # -- the callbacks' threads ----------------------------------------------------------------------------------------------------

    def review(self, event: Event, flow: Flow, written: Written) -> Written | Reply:
        """What is sent: at a stop whatever the reader decides."""
        stop = self._stop(event, flow, written)
        if stop is None:
            return written
        with suppress(Exception):
            self.seen(event.id, flow.id)
        self.tell()
        return stop.wait(None if self.local is not None else max(0.0, stop.until - time.time()))

    def _stop(self, event: Event, flow: Flow, written: Written) -> Stop | None:
        with self._changed:
            if not self._wants(event.event_type) or len(self._held) >= MOST:
                return None
            self.once = False
            self._count += 1
            stop = Stop(self, self._masked(event), flow, written, self._count)
            local = self.local
            if local is not None and not self._held:
                local.clock.halt()
                self._since = time.perf_counter()
            self._held.append(stop)
            self._moved = time.monotonic()
            self._changed.notify_all()
            return stop

    def _gone(self, stop: Stop) -> None:
        local = self.local
        with self._changed:
            self._held.remove(stop)
            self._moved, self.last = time.monotonic(), stop
            if local is None:
                return
            # The platform may be gone by now.
            with suppress(WorkbenchError):
                if self._held:
                    # What has come while the clock passed a timeout waits from now on.
                    local.clock.halt()
                    return
                self._seconds, self._since = self._seconds + time.perf_counter() - self._since, 0.0
                local.clock.go_on()

    def _wants(self, event_type: str) -> bool:
        asks = event_type in ASKING or event_type in CONFERENCE
        return event_type in self.events if self.events is not None and not self.once else asks

    # -- decisions -----------------------------------------------------------------------------------------------------------------

    def decide(self, stop: Stop, state: State) -> bool:
        """Whether this decision is the first one."""
        with self._changed:
            if stop.state != "held":
                return False
            stop.state = state
        # Here and not where the answer leaves: whoever decides may move the clock next.
        self._gone(stop)
        return True

    def outwait(self, stop: Stop) -> None:
        """Let the local platform's clock pass the time that it waits for this answer; live the answer itself is held back for so long."""
        local = self.local
        if local is None:
            return
        if others := ", ".join(one.about for one in self.stops if one is not stop):
            raise WorkbenchError(f"the clock would also run past what else is held: {others}. Decide about that first")
        local.clock.go_on()
        local.clock.advance(stop.patience)

    # -- documents -----------------------------------------------------------------------------------------------------------------

    def written(self, document: Any) -> Written:
        """What goes out for a document: with our credentials beside our URLs."""
        return self.write(document, self.gate)

    def shown(self, written: Written) -> tuple[dict[str, str], str]:
        """The secrets behind a document's placeholders, and the document for a reader."""
        return shown(written, self.gate, self.mask)

    def _masked(self, event: Event) -> Event:
        return replace(event, data={name: self.mask(value) if isinstance(value, str) else value for name, value in event.data.items()})

    def tell(self) -> None:
        """Tell of a change."""
        for listener in tuple(self.told):
            with suppress(Exception):
                listener()
