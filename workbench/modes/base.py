"""What the three modes share: handlers, flows, placing calls, and the way from a webhook to its answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from workbench import bxml
from workbench.clients import Voice
from workbench.errors import WorkbenchError
from workbench.modes.board import Board
from workbench.modes.documents import Document, Gate, Written, write
from workbench.modes.flow import WEBRTC, Flow, Handler, Leg
from workbench.modes.handlers import ASKING, Handlers, Source
from workbench.modes.webrtc import WebRtcSide
from workbench.records import Event, Reply, Webhook
from workbench.spending import targets

if TYPE_CHECKING:
    from pandas import DataFrame

# A call's end: nothing of its leg is left to do.
ENDINGS = frozenset({"disconnect", "transferDisconnect"})
NOT_CALLED = "an endpoint cannot be called, so no call of its own stands for it here; with webrtc='sessions' one would"


@dataclass(frozen=True)
class Desk:
    """What a mode works with.

    `frame` gives the table of a mode or of one of its flows, `view` draws a named panel of it, `settle` waits for handlers of webhooks
    that were answered already, and `shown` hides in a text what must not be seen. `review` may put another document, or a reply that went
    wrong, in the place of what a handler has answered.
    """

    voice: Voice
    webrtc: WebRtcSide
    board: Board
    gate: Gate
    application_id: str
    number: str
    frame: Callable[[str, str | None], DataFrame]
    view: Callable[..., Any]
    settle: Callable[[], object] = lambda: None
    shown: Callable[[str], str] = str
    review: Callable[[Event, Flow, Written], Written | Reply] = lambda event, flow, written: written


class Mode:
    """A way to join a phone and WebRTC. Each `on_…` method answers one event type; `@wb.<mode>.on("answer")` replaces it."""

    name: ClassVar[str]
    flow_type: ClassVar[type[Flow]] = Flow

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._handlers = Handlers(self)

    # -- handlers ------------------------------------------------------------------------------------------------------------------

    def on(self, event_type: str) -> Callable[[Handler], Handler]:
        """A decorator: the function below answers this event type from now on, also for calls that are up.

        It gets the event and its flow, and returns a verb, a list of verbs, a Response, an object of Bandwidth's SDK, a text or None.
        """
        return self._handlers.on(event_type)

    def reset(self, event_type: str | None = None) -> None:
        """Undo `on`: the mode's own handler answers again; without a name, for every event type."""
        self._handlers.reset(event_type)

    def source(self, event_type: str) -> Source:
        """The source of the handler that answers this event type."""
        return self._handlers.source(event_type)

    @property
    def handlers(self) -> dict[str, str]:
        """The event types that have a handler, and whose: the mode's or a cell's."""
        return self._handlers.table()

    def source_of(self, event: int) -> str | None:
        """The source of the function that answered an event (its id), as it was then."""
        return self._handlers.source_of(event)

    @property
    def replaced(self) -> dict[str, Handler]:
        """The functions that answer in the place of the mode's own, by event type."""
        return self._handlers.replaced

    # -- what the callback server asks ---------------------------------------------------------------------------------------------

    def knows(self, event_type: str) -> bool:
        """Whether this is an event of the platform at all."""
        return self._handlers.knows(event_type)

    def locate(self, webhook: Webhook) -> tuple[str | None, str | None]:
        """The flow and leg an event belongs to; an unknown inbound call opens a flow."""
        return self.desk.board.locate(self, webhook)

    def lock(self, flow: str) -> Any:
        """The lock of a flow: its events are handled one after the other."""
        return self.desk.board.flow(flow).lock

    def ask(self, event: Event) -> Reply:
        """Answer an event of one of our flows."""
        if event.flow is None:
            raise WorkbenchError(f"{event.event_type} of call {event.call_id} belongs to no flow of this run")
        flow = self.desk.board.flow(event.flow)
        # Inbound calls may have been taken over by another mode since this one began.
        return flow.mode.answer(event, flow)

    def answer(self, event: Event, flow: Flow) -> Reply:
        """Run the handler and write down its document."""
        leg = flow.legs.get(event.leg or "")
        self.before(event, flow, leg)
        began = perf_counter()
        try:
            document = flow.handling(event.leg, lambda: self._decide(event, flow, leg))
            written = write(document, self.desk.gate)
            # Of the handler alone: a reader who decides takes longer.
            ms = round((perf_counter() - began) * 1000, 3)
            sent = written if flow.beside else self.desk.review(event, flow, written)
            spending = self.desk.voice.spending
            if isinstance(sent, Reply):
                # What goes wrong on demand may be obeyed all the same, but for what is cut off.
                if sent.late or sent.content_type or not written.verbs:
                    spending.charge_document(sent.body)
                return replace(sent, handler_ms=ms)
            # Of what is really sent: whoever decides at a stop may have put somebody else in.
            spending.charge(*targets(sent.verbs)) if sent.verbs else spending.charge_document(sent.body)
            self.after(event, flow, leg, sent)
        finally:
            if leg is not None and event.event_type in ENDINGS and event.call_id == leg.call_id:
                flow.release(leg.name)
                flow.ended(leg, event.cause)
        empty = document is None and event.event_type not in ASKING
        if empty and not sent.verbs:
            return Reply(status=204, handler_ms=ms)
        return Reply(body=sent.body, verbs=sent.names, handler_ms=ms)

    def _decide(self, event: Event, flow: Flow, leg: Leg | None) -> Document:
        handler = self._handlers.get(event.event_type)
        if leg is not None:
            leg.aside = event.event_type == "redirect" and bool(leg.planned)
        if leg is not None and leg.aside:
            planned = leg.planned.pop(0)
            flow.given.add(event.id)
            if not callable(planned):
                return planned
            handler = planned
        if handler is not None:
            self._handlers.used(event.id, handler)
            return handler(event, flow)
        if event.event_type not in ASKING:
            return None
        raise WorkbenchError(f"nothing answers {event.event_type} here; write a handler with @wb.{self.name}.on({event.event_type!r})")

    def before(self, event: Event, flow: Flow, leg: Leg | None) -> None:
        """Note what an event tells about its leg."""
        if leg is not None and event.event_type == "answer":
            leg.answered = True
        if event.event_type == "disconnect" and event.data.get("eventTime"):
            board = self.desk.board
            board.last_end = max(board.last_end, datetime.fromisoformat(str(event.data["eventTime"])).timestamp())

    def after(self, event: Event, flow: Flow, leg: Leg | None, written: Written) -> None:
        """Note what our answer makes of the leg."""

    # -- flows ---------------------------------------------------------------------------------------------------------------------

    @property
    def flows(self) -> list[Flow]:
        """Every flow of this mode in this run, oldest first."""
        return self.desk.board.flows(self)

    @property
    def flow(self) -> Flow:
        """The newest flow; WorkbenchError when there was none."""
        if not self.flows:
            raise WorkbenchError(f"no call was made in {self.name} yet; wb.{self.name}.dial(phone) makes one")
        return self.flows[-1]

    def open(self) -> Flow:
        """Begin a flow."""
        return self.desk.board.open(self)

    def alone(self) -> Flow:
        """Begin a flow that has nothing to do with any other."""
        return self.open()

    @property
    def joins(self) -> bool:
        """Whether it can join a phone with the WebRTC side."""
        return True

    def begin(self, phone: Any) -> Flow:
        """A flow of its own that connects a phone with the browser: the same story in every mode, for comparisons."""
        raise NotImplementedError

    def room(self) -> Flow | None:
        """The flow an inbound call joins, or None: it opens one of its own."""
        return None

    def take_inbound(self) -> None:
        """From now on inbound calls come to this mode, and to no other."""
        self.desk.board.take_inbound(self)

    def leg(self, leg: str | Leg) -> Leg:
        """A leg of the newest flow by name."""
        return leg if isinstance(leg, Leg) else self.flow.leg(leg)

    # -- calls ---------------------------------------------------------------------------------------------------------------------

    def call(self, flow: Flow, phone: Any, **fields: Any) -> Leg:
        """Place a call to a phone or number as a leg of this flow."""
        number = str(getattr(phone, "number", phone))
        leg = flow.add(flow.mode.desk.board.name(number, flow), number)
        return self._place(leg, to=number, **fields)

    def call_webrtc(self, flow: Flow, **fields: Any) -> Leg:
        """Place a call to a new participant as the WebRTC leg of this flow; its token travels in the User-to-User value."""
        webrtc = flow.mode.desk.webrtc
        if not webrtc.callable:
            raise WorkbenchError(f"{self.name}: {NOT_CALLED}")
        participant = flow.participant()
        callee = webrtc.callee(participant)
        leg = next(leg for leg in tuple(flow.legs.values()) if leg.participant is participant)
        return self._place(leg, to=callee.to, uui=callee.uui, **fields)

    def _place(self, leg: Leg, **fields: Any) -> Leg:
        # The flow's desk: a handler that names its mode may be replayed, and then nothing reaches the platform.
        flow, desk = leg.flow, leg.flow.mode.desk
        leg.placed = True
        if isinstance(fields.get("machine_detection"), dict):
            fields["machine_detection"] = self._telling_us(leg, fields["machine_detection"])
        leg.callback_timeout = fields.get("callback_timeout")
        try:
            made = desk.voice.create_call(
                from_=desk.number,
                application_id=desk.application_id,
                answer_url=flow.url("answer", leg.name),
                disconnect_url=flow.url("disconnect", leg.name),
                username=desk.gate.username,
                password=desk.gate.password,
                about=leg.about,
                **fields,
            )
        except BaseException:
            flow.release(leg.name)
            flow.ended(leg, None)
            raise
        # The first event may have told the id before this answer did.
        if leg.call_id is None:
            desk.board.bind(leg, str(made["callId"]))
        return leg

    def _telling_us(self, leg: Leg, detection: dict[str, Any]) -> dict[str, Any]:
        """A machine detection whose result comes to this flow, unless it says where else, or that `answer` is to wait for it."""
        if detection.get("mode") == "sync" or detection.get("callbackUrl"):
            return detection
        url = leg.flow.url("machineDetectionComplete", leg.name)
        return {**detection, "callbackUrl": url, "username": self.desk.gate.username, "password": self.desk.gate.password}

    def redirect(self, leg: str | Leg, document: Document | Handler = None) -> None:
        """Stop what a leg's call does; its `redirect` event is answered with the document, or by the handler."""
        self.leg(leg).redirect(document)

    def hangup(self, leg: str | Leg) -> None:
        """End a leg's call."""
        self.leg(leg).hangup()

    def close(self) -> None:
        """End every flow of this mode: no call and no participant of theirs is left."""
        with ExitStack() as last_first:
            for flow in reversed(self.flows):
                if not flow.closed:
                    last_first.callback(flow.close)

    # -- views ---------------------------------------------------------------------------------------------------------------------

    @property
    def events(self) -> DataFrame:
        """Requests and webhooks of all flows of this mode in this run."""
        return self.desk.frame(self.name, None)

    def calls(self, flow: Flow | None = None) -> DataFrame:
        """The calls of the newest flow as the platform sees them, B legs included."""
        from pandas import DataFrame

        self.desk.settle()
        board, chosen = self.desk.board, flow or self.flow
        ours = {call: leg.name for call, leg in board.legs(chosen).items()}
        found = [call for call in self.desk.voice.list_calls() if ours.keys() & {call["callId"], call.get("parentCallId")}]
        rows = [
            {
                "leg": ours.get(call["callId"]) or (WEBRTC if call["to"] == self.desk.webrtc.address else board.names.get(call["to"], "")),
                "direction": call.get("direction") or "",
                **{end: self.desk.shown(call.get(end) or "") for end in ("from", "to")},
                "state": call.get("state") or "",
                "cause": call.get("disconnectCause") or "",
                "call": call["callId"],
                "parent": call.get("parentCallId") or "",
            }
            for call in found
        ]
        return DataFrame(rows, columns=["leg", "direction", "from", "to", "state", "cause", "call", "parent"])

    def setup_times(self) -> DataFrame:
        """How long each flow of this run took from the phone's call until both ends heard each other, sentences not counted; in seconds."""
        from pandas import DataFrame

        self.desk.settle()
        rows = [(flow.id, flow.plan, self.desk.view("setup", flow)) for flow in self.flows]
        return DataFrame(rows, columns=["flow", "plan", "set-up s"])

    def timing(self, *flows: Flow) -> Any:
        """These set-up times phase by phase and leg by leg, as bars on one scale: of the flows given, or of the newest ten."""
        return self.desk.view("timing", flows or tuple(self.flows[-10:]) or (self.flow,))

    def figure(self, flow: Flow | None = None) -> Any:
        """The newest flow as a sequence figure."""
        return self.desk.view("figure", flow or self.flow)

    def table(self) -> Any:
        """The live event table of this mode."""
        return self.desk.view("table", self)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.flows)} flows>"


def speak(text: str) -> bxml.SpeakSentence:
    """A sentence in the voice the samples use."""
    return bxml.SpeakSentence(text, voice="julie")
