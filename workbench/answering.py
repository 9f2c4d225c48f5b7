"""What becomes of a webhook that was let in: it is stored, its mode is asked, its reply is noted. No HTTP in here.

A webhook is stored before it is answered, so the log never misses what the platform believes delivered.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from typing import Protocol

from workbench.lanes import Lanes
from workbench.modes.handlers import TELLING
from workbench.records import ANSWERING, Begun, Event, Refused, Reply, Webhook

# The platform waits 15 s unless a call says otherwise (callbackTimeout, 1..25 s); one second is left for the way back.
PATIENCE = 14.0


class FlowLock(Protocol):
    """What `threading.Lock` and `RLock` offer; an RLock also lets a handler call methods of its own flow."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...


class Asker(Protocol):
    """A mode, as far as the callback server knows it."""

    def knows(self, event_type: str) -> bool:
        """Whether it has a handler for such events; if not, the platform gets a 404."""
        ...

    def locate(self, webhook: Webhook) -> tuple[str | None, str | None]:
        """The flow and leg it belongs to; an inbound call starts a flow. Must be quick: nothing is stored before it returns."""
        ...

    def lock(self, flow: str) -> FlowLock:
        """The lock of this flow: its events are handled one after the other."""
        ...

    def ask(self, event: Event) -> Reply:
        """Run the handler. What it raises becomes part of the event, and the platform gets a 500."""
        ...


class Store(Protocol):
    """What the callback server needs of the log."""

    def begin(self, webhook: Webhook) -> Begun:
        """Commit the webhook; tells too whether it is a repetition."""
        ...

    def finish(self, begun: Begun, reply: Reply) -> Event:
        """Commit the outcome, tell the listeners."""
        ...

    def refuse(self, refused: Refused) -> None:
        """Note what was turned away."""
        ...


class Answering:
    """Has webhooks handled, those of one flow one after the other. `close` ends its worker threads, `drain` waits for handlers under way.

    Webhooks whose path begins with one of `objects` are of the WebRTC side's. `patience` is the number of seconds the platform waits.
    """

    def __init__(self, modes: Mapping[str, Asker], store: Store, objects: Collection[str], patience: float) -> None:
        self.modes = modes
        self.store = store
        self.lanes = Lanes()
        # For how long, so far, a reader has held events back while the platform's clock stood.
        self.held_seconds: Callable[[], float] = lambda: 0.0
        self._objects = tuple(f"/{kind}/" for kind in objects)
        self._patience = patience

    def drain(self, timeout: float) -> bool:
        """Wait until every answered webhook's handler has run; False when `timeout` seconds were not enough."""
        return self.lanes.drain(timeout)

    def close(self) -> None:
        """End the worker threads; handlers that have not begun are dropped, their webhooks stay in the log."""
        self.lanes.close()

    def answer(self, webhook: Webhook) -> Reply:
        """Store a webhook, have it handled, give its reply."""
        asker = self.modes.get(webhook.mode or "")
        webhook, fault = self._located(webhook, asker)
        begun = self.store.begin(webhook)
        if fault is not None:
            return self._finished(begun, Reply(status=500, error=fault))
        of_object = webhook.url.startswith(self._objects)
        if asker is None or not asker.knows(webhook.event_type):
            # an object's webhook is taken from any mode, or from none: it only has to be in the log
            return self._finished(begun, Reply(status=200 if of_object else 404))
        if webhook.event_type in TELLING:
            if begun.duplicate:
                return self._finished(begun, Reply())
            self.lanes.put(begun.event.flow or "", lambda: self._handle_later(asker, begun))
            return Reply()
        if begun.duplicate:
            return self._finished(begun, self._repeated(begun))
        return self._finished(begun, self._handle(asker, begun.event, self._patience))

    def _located(self, webhook: Webhook, asker: Asker | None) -> tuple[Webhook, str | None]:
        if asker is None:
            return webhook, None
        try:
            flow, leg = asker.locate(webhook)
        except Exception as error:
            return webhook, _traceback(error)
        return replace(webhook, flow=flow, leg=leg), None

    def _repeated(self, begun: Begun) -> Reply:
        """The reply of the webhook this one repeats; if that is still being handled, when it is there."""
        try:
            return replace(begun.answer.result(self._patience), handler_ms=None)
        except FutureTimeout:
            return Reply(status=503, late=True, error="the first of these webhooks was still being handled")

    def _handle(self, asker: Asker, event: Event, patience: float) -> Reply:
        """Ask the handler under the flow's lock; two answers of one flow go one after the other, else both would bridge."""
        began, held = time.perf_counter(), self.held_seconds()

        def waited() -> float:
            """How long the platform's clock has run meanwhile: while a reader holds an event it stands."""
            return time.perf_counter() - began - (self.held_seconds() - held)

        lock = None if event.flow is None else asker.lock(event.flow)
        if lock is not None and not self._acquired(lock, patience, waited):
            return Reply(status=503, late=True, error="another event of this flow was handled for too long")
        asked, outer = time.perf_counter(), ANSWERING.set(event.id)
        try:
            reply = asker.ask(event)
        except Exception as error:
            reply = Reply(status=500, error=_traceback(error))
        finally:
            ANSWERING.reset(outer)
            if lock is not None:
                lock.release()
        now = time.perf_counter()
        ms = round((now - asked) * 1000, 3) if reply.handler_ms is None else reply.handler_ms
        return replace(reply, handler_ms=ms, late=reply.late or 0 <= patience < waited())

    def _acquired(self, lock: FlowLock, patience: float, waited: Callable[[], float]) -> bool:
        left = patience
        while not lock.acquire(timeout=left):
            left = patience - waited()
            if left <= 0:
                return False
        return True

    def _handle_later(self, asker: Asker, begun: Begun) -> None:
        # The platform has its 200 already: only what the handler did is noted. No patience, as nobody waits.
        reply = self._handle(asker, begun.event, -1)
        self._finished(begun, replace(reply, body="", status=200))

    def _finished(self, begun: Begun, reply: Reply) -> Reply:
        self.store.finish(begun, reply)
        return reply


def _traceback(error: Exception) -> str:
    """The traceback from the handler on; what is above is this server's own business."""
    frames = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames.tb_next if frames else None)).strip()
