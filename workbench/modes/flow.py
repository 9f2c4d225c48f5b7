"""One run of a mode with all its legs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from workbench import bxml
from workbench.errors import ApiError, WorkbenchError
from workbench.modes.documents import Document
from workbench.modes.webrtc import Participant
from workbench.records import About, Event

if TYPE_CHECKING:
    from pandas import DataFrame

    from workbench.modes.base import Mode

Handler = Callable[[Event, "Flow"], Document]
WEBRTC = "webrtc"
# Columns of the table of events that a flow's own table leaves out.
CLOSER = ("kind", "flow", "call")
# The leg whose event this thread is handling.
_SPEAKING_OF: ContextVar[str | None] = ContextVar("leg", default=None)
_HANDLING: ContextVar[bool] = ContextVar("handling", default=False)


def in_handler() -> bool:
    """Whether a handler runs on this thread: what waits for handlers must not be waited for there."""
    return _HANDLING.get()


@dataclass(eq=False, repr=False)
class Leg:
    """A call seen from its flow. `number` is the phone's, or the interconnect's address; `call_id` is known once the platform told it."""

    flow: Flow
    name: str
    number: str
    call_id: str | None = None
    parent_call_id: str | None = None
    # Whether we have placed the call: it is answered some time later.
    placed: bool = False
    answered: bool = False
    ended: bool = False
    waiting: bool = False
    # Runs a document that a cell gave it: it waits for nobody until it is asked again.
    aside: bool = False
    # Whom it was bridged with last.
    former: Leg | None = None
    cause: str | None = None
    # Given a document of its own: a B leg then outlives its Transfer.
    moved: bool = False
    participant: Participant | None = None
    # For how many seconds the platform waits for an answer of ours, when its call says so.
    callback_timeout: float | None = None
    # What its next `redirect` event is answered, when a cell asked for a redirect with a document.
    planned: list[Document | Handler] = field(default_factory=list)

    def __repr__(self) -> str:
        state = f"ended, {self.cause or 'cause unknown'}" if self.ended else "answered" if self.answered else "called"
        return f"<{self.name} leg of {self.flow.id}: {self.number}, {state}>"

    @property
    def up(self) -> bool:
        """Whether the call has not ended."""
        return not self.ended

    @property
    def webrtc(self) -> bool:
        """Whether it goes to the interconnect rather than to a phone."""
        return self.participant is not None or self.number == self.flow.mode.desk.webrtc.address

    @property
    def endpoint(self) -> bool:
        """Whether it is no call at all: an endpoint, with which a phone's call is connected."""
        return self.participant is not None and not self.flow.mode.desk.webrtc.callable

    @property
    def about(self) -> About:
        """What its requests are for."""
        return About(flow=self.flow.id, leg=self.name, mode=self.flow.mode.name)

    @property
    def id(self) -> str:
        """The call id; WorkbenchError while the platform has not told it, and for an endpoint, which has none."""
        if self.endpoint:
            raise WorkbenchError(f"the {self.name} leg of {self.flow.id} is an endpoint, not a call: redirect or end the phone's call")
        if self.call_id is None:
            raise WorkbenchError(f"the {self.name} leg of {self.flow.id} has no call yet")
        return self.call_id

    def state(self) -> dict[str, Any]:
        """What the platform says about the call."""
        return dict(self.flow.mode.desk.voice.call(self.id, about=self.about))

    def hangup(self) -> None:
        """End the call; one that has ended is no error."""
        try:
            self.flow.mode.desk.voice.update_call(self.id, state="completed", about=self.about)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    def redirect(self, document: Document | Handler = None) -> None:
        """Stop what the call does. Its `redirect` event is answered with the document; without one, by the mode's handler."""
        if document is not None:
            self.planned.append(document)
        desk, url = self.flow.mode.desk, self.flow.url("redirect", self.name)
        # Noted first: events that this causes may come before the answer.
        before, self.moved = self.moved, True
        try:
            desk.voice.update_call(self.id, redirect_url=url, username=desk.gate.username, password=desk.gate.password, about=self.about)
        except ApiError:
            self.moved = before
            self.planned.clear()
            raise


class Flow:
    """One run of a mode: `flow.id` and the leg's name travel in every callback URL, so that each event finds its way back."""

    def __init__(self, mode: Mode, flow_id: str) -> None:
        self.mode = mode
        self.id = flow_id
        # How its calls were set up, where a mode has several ways.
        self.plan = ""
        self.legs: dict[str, Leg] = {}
        self.closed = False
        # Ids of the events that were answered by a document of a cell's, not by a handler.
        self.given: set[int] = set()
        # Played beside the reader's own: nobody stops its answers or spoils them.
        self.beside = False
        # Reentrant: a handler may call methods of its own flow.
        self.lock = threading.RLock()
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        legs = ", ".join(f"{leg.name} {'ended' if leg.ended else 'answered' if leg.answered else 'called'}" for leg in self.legs.values())
        return f"<Flow {self.id}: {legs or 'no legs yet'}>"

    def leg(self, name: str | None) -> Leg:
        """A leg by name; WorkbenchError lists the names there are."""
        if name in self.legs:
            return self.legs[name]
        raise WorkbenchError(f"{self.id} has no leg {name!r}; it has {', '.join(self.legs) or 'none yet'}")

    @property
    def webrtc(self) -> Leg | None:
        """The WebRTC leg, as long as it is up."""
        return next((leg for leg in self.up if leg.webrtc), None)

    @property
    def phones(self) -> list[Leg]:
        """The phone legs that are up."""
        return [leg for leg in self.up if not leg.webrtc]

    @property
    def up(self) -> list[Leg]:
        """The legs that have not ended, in the order they were made."""
        return [leg for leg in tuple(self.legs.values()) if leg.up]

    @property
    def over(self) -> bool:
        """Whether it was closed, or every leg it had has ended."""
        return self.closed or bool(self.legs and not self.up)

    @property
    def session(self) -> str:
        """Id of the WebRTC session."""
        return self.mode.desk.webrtc.session

    @property
    def events(self) -> DataFrame:
        """Its requests and webhooks as a table; `wb.<mode>.events` has more columns."""
        table = self._frame().drop(columns=list(CLOSER))
        # A request has no handler: a blank reads better than NaN.
        table["handler ms"] = [f"{ms:.1f}" if ms == ms else "" for ms in table["handler ms"]]
        return table

    def calls(self) -> DataFrame:
        """Its calls as the platform sees them, B legs included."""
        return self.mode.calls(self)

    @property
    def webhooks(self) -> list[str]:
        """Its webhooks in order, each as "event leg cause", what is not there left out; those that came again are not counted."""
        table = self._frame()
        told = table[(table["kind"] == "webhook") & ~table["event"].str.endswith("(again)")]
        return [" ".join(filter(None, row)) for row in told[["event", "leg", "cause"]].itertuples(index=False)]

    def _frame(self) -> DataFrame:
        return self.mode.desk.frame(self.mode.name, self.id)

    def url(self, event_type: str, leg: str | None = None) -> str:
        """Where the platform asks about this flow; `leg` is the one whose event is being handled unless told, "" for none."""
        about = {"flow": self.id, "leg": _SPEAKING_OF.get() if leg is None else leg}
        query = urlencode({name: value for name, value in about.items() if value})
        return f"{self.mode.desk.gate.base}/{self.mode.name}/{event_type}?{query}"

    def participant(self, leg: str = WEBRTC) -> Participant:
        """Whom the phone side is connected with: a new participant, whose token admits one WebRTC leg; or the browser's endpoint."""
        desk = self.mode.desk
        self.release(leg)
        made = desk.webrtc.for_call(f"{self.id} {leg}", about=About(flow=self.id, leg=leg, mode=self.mode.name))
        self.add(leg, desk.webrtc.address).participant = made
        return made

    def connect_verb(self, participant: Participant, **attributes: Any) -> bxml.Verb:
        """The verb that connects the call running it with the participant."""
        return self.mode.desk.webrtc.connect_verb(participant, self.url("connectStatus"), **attributes)

    def add(self, name: str, number: str) -> Leg:
        """A new leg; it takes the place of one by the same name that has ended or was never called."""
        with self._changed:
            present = self.legs.get(name)
            if present is not None and present.up and present.call_id is not None:
                name = self._free(name)
            self.legs.pop(name, None)
            leg = self.legs[name] = Leg(self, name, number)
            return leg

    def _free(self, name: str) -> str:
        return next(other for number in range(2, 1000) if (other := f"{name} ({number})") not in self.legs)

    def ended(self, leg: Leg, cause: str | None) -> None:
        """Note that a leg's call has ended."""
        with self._changed:
            leg.ended, leg.waiting, leg.cause = True, False, cause
            self._changed.notify_all()

    def release(self, leg: str) -> None:
        """Delete a leg's participant, if it has one: its token has served."""
        held = self.legs.get(leg)
        if held is None or held.participant is None:
            return
        participant, held.participant = held.participant, None
        self.mode.desk.webrtc.after_call(participant, about=held.about)

    def handling(self, leg: str | None, run: Callable[[], Document]) -> Document:
        """Run a handler; URLs made meanwhile name this leg."""
        about, busy = _SPEAKING_OF.set(leg), _HANDLING.set(True)
        try:
            return run()
        finally:
            _SPEAKING_OF.reset(about)
            _HANDLING.reset(busy)

    def close(self, patience: float = 2.0) -> None:
        """End every call and delete every participant of this flow; the platform has `patience` seconds to tell each call's end."""
        self.mode.desk.settle()
        self.closed = True
        # What fails for one leg keeps no other from its end: what stays up costs money, live.
        with ExitStack() as last_first:
            for leg in reversed(tuple(self.legs.values())):
                last_first.callback(self._forget, leg)
            for leg in reversed(self.up):
                last_first.callback(self._end, leg, patience)

    def _end(self, leg: Leg, patience: float) -> None:
        # The B leg of a Transfer ends with its A leg; a leg without a call never began.
        if leg.up and leg.call_id is not None and leg.parent_call_id is None:
            leg.hangup()
            with self._changed:
                self._changed.wait_for(lambda: leg.ended, patience)

    def _forget(self, leg: Leg) -> None:
        self.release(leg.name)
        self.ended(leg, leg.cause)
