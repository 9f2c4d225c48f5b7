"""Transfer: one call with two ends. The simplest way, and any change to the call takes the WebRTC leg down (behaviour 2)."""

from __future__ import annotations

from typing import Any

from workbench.modes.base import Mode, speak
from workbench.modes.documents import Document
from workbench.modes.flow import WEBRTC, Flow, Leg
from workbench.records import Event

# When one of these comes for the A leg, its B leg is over.
_B_LEG_OVER = frozenset({"redirect", "transferComplete", "disconnect"})


class TransferMode(Mode):
    """The phone's call runs `<Transfer>`; the platform dials the WebRTC leg and takes it down with the call."""

    name = "transfer"

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

    def on_transferComplete(self, event: Event, flow: Flow) -> Document:
        """The other end is gone or never came, and this call goes on: say so."""
        return speak("The other side is not there.")

    def before(self, event: Event, flow: Flow, leg: Leg | None) -> None:
        """The WebRTC leg ends with the Transfer, and no webhook of its own tells us."""
        super().before(event, flow, leg)
        if leg is None or leg.webrtc or event.event_type not in _B_LEG_OVER:
            return
        webrtc = flow.legs.get(WEBRTC)
        if webrtc is not None and webrtc.up and not webrtc.moved:
            flow.release(WEBRTC)
            flow.ended(webrtc, event.cause)
