"""Everything that happens, as messages: the log's events and the local platform's happenings joined, flow by flow, live."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

from workbench.errors import WorkbenchError
from workbench.messages import Message, Reading
from workbench.records import Event, Happened

# Real seconds between two looks at what the platform did: while something is up, else, and after an event, which has seldom come alone.
BUSY_SECONDS, IDLE_SECONDS, SOON_SECONDS = 0.1, 1.0, 0.02
# Looks without news after which the platform counts as idle.
QUIET_LOOKS = 20
# Calls that nobody knows yet: so many keep what is told of them.
UNKNOWN_CALLS = 1000


@dataclass(frozen=True)
class Picture:
    """Who hears whom from `place` on: `hears[listener][voice]`, in the order of `parties`, by name. `at` in epoch seconds."""

    place: float
    at: float
    parties: tuple[str, ...]
    hears: tuple[tuple[bool, ...], ...]


@dataclass
class Batch:
    """News: messages that are new or changed, the lanes of flows that have new ones, pictures of who hears whom. Ready for JSON."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    lanes: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    pictures: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.messages or self.lanes or self.pictures)


Listener = Callable[[Batch], object]


class Feed:
    """One thread that reads all flows; it begins with the first who listens and ends with `close`.

    `past` gives the events of the log so far, `happenings(after)` what the platform did later (nothing, live), `legs(flow)` number or
    address of each leg by name, `people()` the browsers by participant id, `names` what phones are called, by number; `mask` hides in a
    text what must not be seen.
    """

    def __init__(
        self,
        *,
        subscribe: Callable[[Callable[[Event], None]], Callable[[], None]],
        past: Callable[[], Sequence[Event]],
        happenings: Callable[[int], Sequence[Happened]],
        legs: Callable[[str], Mapping[str, str]],
        people: Callable[[], Mapping[str, str]],
        names: Mapping[str, str],
        mask: Callable[[str], str],
    ) -> None:
        self._subscribe, self._past, self._happenings = subscribe, past, happenings
        self._legs, self._people, self._names, self._mask = legs, people, names, mask
        self._queue: SimpleQueue[Event | Listener | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._listeners: list[Listener] = []
        self._end: Callable[[], None] = lambda: None
        self._readings: dict[str, Reading] = {}
        self._lanes: dict[str, list[dict[str, str]]] = {}
        self._pictures: list[dict[str, Any]] = []
        self._flow_of: dict[str, str] = {}
        self._unknown: OrderedDict[str, list[Happened]] = OrderedDict()
        self._seq = 0

    # -- who listens ---------------------------------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear all there is, then each news, on the feed's thread; returns what ends it. `listener` must be quick."""
        with self._lock:
            if self._closed:
                raise WorkbenchError("this workbench is closed; make a new one (wb = Workbench())")
            if self._thread is None:
                self._end = self._subscribe(self._queue.put)
                self._thread = threading.Thread(target=self._work, name="workbench-feed", daemon=True)
                self._thread.start()
        self._queue.put(listener)

        def leave() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return leave

    def close(self) -> None:
        """End the thread, after a last look."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        self._end()
        if thread is not None:
            self._queue.put(None)
            thread.join()

    # -- the thread ----------------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        for event in self._past():
            self._event(event, Batch())
        quiet, going = 0, True
        while going:
            batch, newcomers = Batch(), []
            for item in self._waiting(SOON_SECONDS if quiet == 0 else BUSY_SECONDS if quiet < QUIET_LOOKS else IDLE_SECONDS):
                if item is None:
                    going = False
                elif isinstance(item, Event):
                    self._event(item, batch)
                else:
                    newcomers.append(item)
            self._tell(batch)
            news = Batch()
            with suppress(WorkbenchError):  # it may be gone, or not be there yet
                self._look(news)
            self._tell(news)
            quiet = 0 if batch else 1 if news else quiet + 1
            for listener in newcomers:
                self._listeners.append(listener)
                self._tell(self._whole(), [listener])

    def _waiting(self, seconds: float) -> list[Event | Listener | None]:
        """What has come, or comes within so many seconds."""
        found: list[Event | Listener | None] = []
        with suppress(Empty):
            found.append(self._queue.get(timeout=seconds))
            while True:
                found.append(self._queue.get_nowait())
        return found

    def _tell(self, batch: Batch, listeners: Iterable[Listener] | None = None) -> None:
        if batch:
            for listener in list(self._listeners) if listeners is None else listeners:
                # One who fails keeps nothing from the others.
                with suppress(Exception):
                    listener(batch)

    def _whole(self) -> Batch:
        found = [asdict(message) for reading in self._readings.values() for message in reading.ordered()]
        return Batch(found, dict(self._lanes), list(self._pictures))

    # -- reading -------------------------------------------------------------------------------------------------------------------

    def _event(self, event: Event, batch: Batch) -> None:
        if event.flow is None:
            return
        reading = self._readings.get(event.flow)
        if reading is None:
            reading = self._readings[event.flow] = Reading(event.flow, self._mask, names=self._names)
        found = [*reading.learn(self._legs(event.flow), self._people()), *reading.event(event)]
        if event.call_id and event.call_id not in self._flow_of:
            found += self._belongs(event.call_id, event.flow)
        self._add(event.flow, found, batch)

    def _look(self, batch: Batch) -> None:
        for one in self._later():
            self._seq = one.seq
            if one.kind == "hears":
                self._pictures.append(asdict(self._picture(one)))
                batch.pictures.append(self._pictures[-1])
            elif not one.kind.startswith("webhook") or one.kind in ("webhookTimeout", "webhookFailed", "webhookLost"):
                self._happening(one, batch)

    def _later(self) -> Sequence[Happened]:
        """What is new. The last one known is asked for again: when it is not there any more, the platform has started over."""
        found = self._happenings(max(0, self._seq - 1))
        if self._seq and (not found or found[0].seq != self._seq):
            return self._happenings(0)
        return found[1:] if self._seq else found

    def _happening(self, one: Happened, batch: Batch) -> None:
        # A target is dialled for a call: so it is known whose it is before it is joined, or when it never is.
        calls = (*one.call_ids, *filter(None, [one.data.get("parentCallId")]))
        flows = {self._flow_of[call] for call in calls if call in self._flow_of}
        if not one.call_ids:
            # A browser that comes or goes is seen in whatever is going on.
            flows = set(self._readings)
        for flow in flows:
            found = [message for call in one.call_ids if call not in self._flow_of for message in self._belongs(call, flow)]
            reading = self._readings[flow]
            self._add(flow, [*found, *reading.learn(self._legs(flow), self._people()), *reading.happening(one)], batch)
        if not flows:
            for call in calls:
                self._unknown.setdefault(call, []).append(one)
            while len(self._unknown) > UNKNOWN_CALLS:
                self._unknown.popitem(last=False)

    def _belongs(self, call: str, flow: str) -> list[Message]:
        """A call turns out to be a flow's: what was told of it before is read now."""
        self._flow_of[call] = flow
        found: list[Message] = []
        for one in self._unknown.pop(call, ()):
            found += self._readings[flow].happening(one)
            for other in one.call_ids:
                if other not in self._flow_of:
                    found += self._belongs(other, flow)
        return found

    def _add(self, flow: str, found: Sequence[Message], batch: Batch) -> None:
        batch.messages += [asdict(message) for message in found]
        lanes = [asdict(lane) for lane in self._readings[flow].lanes]
        if lanes != self._lanes.get(flow):
            self._lanes[flow] = batch.lanes[flow] = lanes

    def _picture(self, one: Happened) -> Picture:
        parties = one.data["parties"]
        ids = [party["id"] for party in parties]
        names = tuple(self._names.get(party["id"]) or self._mask(str(party["name"])) for party in parties)
        rows = tuple(tuple(other in one.data["hears"].get(listener, ()) for other in ids) for listener in ids)
        return Picture(float(one.seq), datetime.fromisoformat(one.time).timestamp(), names, rows)
