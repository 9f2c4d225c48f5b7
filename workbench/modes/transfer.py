"""Transfer: one call with two ends. The simplest way, and any change to the call takes the WebRTC leg down (behaviour 2)."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from workbench.errors import WorkbenchError
from workbench.modes.base import Desk, Mode, speak
from workbench.modes.documents import Document
from workbench.modes.flow import WEBRTC, Flow, Leg
from workbench.records import Event, Reply

# When one of these comes for the A leg, its B leg is over.
_B_LEG_OVER = frozenset({"redirect", "transferComplete", "disconnect"})
# For so long after a call's end a published sample does not believe a device that asks for another one.
STALE_SECONDS = 5.0


class TransferMode(Mode):
    """The phone's call runs `<Transfer>`; the platform dials the WebRTC leg and takes it down with the call."""

    name = "transfer"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        # Of two requests at once the second finds the browser in a call.
        self._asked = threading.Lock()

    def dial(self, phone: Any, **fields: Any) -> Flow:
        """Call a phone; once it answers, it hears a sentence and is connected with the browser."""
        flow = self.open()
        self.call(flow, phone, **fields)
        return flow

    def begin(self, phone: Any) -> Flow:
        """Call a phone and connect it with the browser."""
        return self.dial(phone)

    def on_initiate(self, event: Event, flow: Flow) -> Document:
        """A phone calls our number: connect it with the browser."""
        # A participant that stands for this phone. POST /participants answers with
        # its token, and <Transfer> carries the token to the SIP interconnect.
        p2 = flow.participant()
        return flow.connect_verb(p2)

    def on_answer(self, event: Event, flow: Flow) -> Document:
        """The phone we called has answered: say what comes, then connect it with the browser."""
        p2 = flow.participant()
        return [speak("Please wait while we connect you."), flow.connect_verb(p2)]

    def on_redirect(self, event: Event, flow: Flow) -> Document:
        """The call was redirected, so its WebRTC leg is gone: a new one needs a new token."""
        p2 = flow.participant()
        return flow.connect_verb(p2)

    def on_outboundConnectionRequest(self, event: Event, flow: Flow) -> None:
        """The browser asks for a phone (endpoints only): call it; once it answers, the two are connected."""
        self.call(flow, str(event.data.get("to")))

    def on_transferComplete(self, event: Event, flow: Flow) -> Document:
        """The other end is gone or never came, and this call goes on: say so."""
        return speak("The other side is not there.")

    def ask(self, event: Event) -> Reply:
        """Answer an event of one of our flows; what a device asks for begins one."""
        if event.event_type != "outboundConnectionRequest" or event.flow is not None:
            return super().ask(event)
        with self._asked:
            self._check_request(event)
            flow = self.open()
            reply = super().ask(replace(event, flow=flow.id))
            # Nobody was called, so it will never be over by itself.
            flow.closed = not flow.legs
        return reply

    def _check_request(self, event: Event) -> None:
        """Raises WorkbenchError for what is not to be done. That stale requests come is observed (brtc 5), the rest is our caution."""
        asked = event.data.get("timestamp")
        if isinstance(asked, (int, float)) and asked / 1000 < self.desk.board.last_end + STALE_SECONDS:
            raise WorkbenchError(f"asked less than {STALE_SECONDS:g} s after a call's end, so it may be a stale request: ask again")
        if event.data.get("toType", "PHONE_NUMBER") != "PHONE_NUMBER":
            raise WorkbenchError(f"toType: {event.data['toType']!r} cannot be called yet, only PHONE_NUMBER")
        if any(flow.up for flow in self.flows) or self.desk.board.endpoint_busy:
            raise WorkbenchError("the browser is in a call already, so its request is a stale one")
        self.desk.webrtc.check_asks(str(event.data.get("endpointId")))

    def before(self, event: Event, flow: Flow, leg: Leg | None) -> None:
        """The WebRTC leg ends with the Transfer, and no webhook of its own tells us."""
        super().before(event, flow, leg)
        if leg is None or leg.webrtc or event.event_type not in _B_LEG_OVER:
            return
        webrtc = flow.legs.get(WEBRTC)
        if webrtc is not None and webrtc.up and not webrtc.moved:
            flow.release(WEBRTC)
            flow.ended(webrtc, event.cause)
