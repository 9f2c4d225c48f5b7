"""Makes things go wrong: our own answers, webhooks and tokens on the local platform, full rooms, silent browsers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workbench.errors import WorkbenchError
from workbench.handles import Device, Phone
from workbench.local import Local
from workbench.modes import ConferenceMode, Flow, Written
from workbench.records import Event, Reply
from workbench.spoiling import spoilt

# The platform waits 15 s for an answer unless a call says otherwise (webhooks/about).
TIMEOUT_SECONDS = 15.0
# Real seconds for which an answer is held back while the platform's clock stands and nobody moves it.
STANDING_SECONDS = 30.0
ROOM = 20
# The simulated phones that fill a room, from this one on: a reader's own are counted from 1.
FIRST = 40
MANY = 50
FILLING_SECONDS = 10.0


@dataclass(eq=False)
class _Spoiling:
    """An answer's fault: for events of this type (any, when None), `times` of them (for ever, when None), each by `chance`."""

    kind: str
    event: str | None
    times: int | None
    chance: float
    luck: random.Random = field(repr=False)


class Answers:
    """Spoils what handlers have answered, on the callback server's threads."""

    def __init__(self, local: Callable[[], Local | None]) -> None:
        self._local = local
        self._lock = threading.Lock()
        self._on: list[_Spoiling] = []

    def add(self, kind: str, event: str | None, times: int | None, chance: float, seed: int) -> Callable[[], None]:
        """Spoil answers from now on; gives what ends it."""
        one = _Spoiling(kind, event, times, chance, random.Random(seed))
        with self._lock:
            self._on.append(one)

        def end() -> None:
            with self._lock:
                if one in self._on:
                    self._on.remove(one)

        return end

    def review(self, event: Event, flow: Flow, written: Written | Reply) -> Written | Reply:
        """What is really sent."""
        kind = self._next(event.event_type) if self._on else None
        if kind is None:
            return written
        reply = written if isinstance(written, Reply) else Reply(body=written.body, verbs=written.names)
        if kind == "timeout":
            self._outwait(event)
        return spoilt(kind, reply)

    def _next(self, event_type: str) -> str | None:
        with self._lock:
            for one in self._on:
                if one.event in (None, event_type) and one.luck.random() < one.chance:
                    if one.times is not None:
                        one.times -= 1
                        if not one.times:
                            self._on.remove(one)
                    return one.kind
        return None

    def _outwait(self, event: Event) -> None:
        """Hold an answer back until the platform has stopped waiting; the local one's clock is moved, unless somebody else moves it."""
        local = self._local()
        if local is None:
            time.sleep(TIMEOUT_SECONDS + 1)
            return
        if not local.clock.paused:
            local.clock.advance(TIMEOUT_SECONDS)
            return
        # A clock that is being moved tells its time only when it has arrived, so the event's own time counts.
        until = time.monotonic() + STANDING_SECONDS
        while _seconds(local.clock.now) < _seconds(str(event.data["eventTime"])) + TIMEOUT_SECONDS and time.monotonic() < until:
            time.sleep(0.02)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


class Deliveries:
    """Faults of the local platform's own: what happens to webhooks on their way, and to tokens."""

    def __init__(self, local: Local) -> None:
        self._local = local

    def add(self, kind: str, event: str | None, times: int | None, chance: float, seed: int) -> Callable[[], None]:
        """Have webhooks go wrong on their way; gives what ends it."""
        row = {"kind": kind, "event": event, "times": times, "chance": chance}
        self._put([*self._now(), row], seed)
        return lambda: self._put([one for one in self._now() if (one["kind"], one["event"]) != (kind, event)], seed)

    def expire(self, times: int) -> Callable[[], None]:
        """Have the next tokens be given out when their time is over."""
        self._local.send("PUT", "/faults", {"faults": self._now(), "expiredTokens": times})
        return lambda: self._put(self._now(), 0)

    def _now(self) -> list[dict[str, Any]]:
        return list(self._local.send("GET", "/faults")["faults"])

    def _put(self, rows: list[dict[str, Any]], seed: int) -> None:
        self._local.send("PUT", "/faults", {"faults": rows, "seed": seed})


def silence(local: Local, participant_id: str) -> Callable[[], None]:
    """Have a participant's devices send no sound. Raises WorkbenchError when it has none."""
    ids = [one["deviceId"] for one in local.devices(participant_id)]
    if not ids:
        raise WorkbenchError("the browser's participant has no device yet: connect one first, wb.connect(wb.participant())")
    devices = [Device(device, local) for device in ids]
    for device in devices:
        device.publish(False)
    return lambda: _again(devices, local)


def fill(conference: ConferenceMode, phones: Sequence[Phone], run_on: Callable[[], object]) -> Callable[[], None]:
    """Have simulated phones take every free place of the newest room; `run_on` moves a clock that stands.

    Raises WorkbenchError when there is no room yet, or it does not fill.
    """
    free = ROOM - len(conference.members())
    legs = [conference.add(phone.set(ring_seconds=0)) for phone in phones[:free]]
    until = time.monotonic() + FILLING_SECONDS
    while (there := len(conference.members())) < ROOM:
        if time.monotonic() > until:
            raise WorkbenchError(
                f"the room did not fill within {FILLING_SECONDS:g} s: {there} of {ROOM} are in it; do your handlers enter it?"
            )
        run_on()
        time.sleep(0.05)

    def leave() -> None:
        for leg in legs:
            leg.hangup()

    return leave


def _again(devices: Iterable[Device], local: Local) -> None:
    there = {one["deviceId"] for one in local.state()["devices"]}
    for device in devices:
        if device.id in there:
            device.publish(True)
