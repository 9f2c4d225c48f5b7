"""Bridge: two independent calls, joined. Each may change without breaking the other (behaviour 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes.base import Desk, Mode, speak
from workbench.modes.documents import Document, Written
from workbench.modes.flow import WEBRTC, Flow, Leg
from workbench.records import Event

Plan = Literal["parallel", "sequential", "early"]
# The longest <Pause> there is: a parked call must not end because a document did (bxml 5).
DAY = 86400.0


class BridgeMode(Mode):
    """A call to the phone and a call to the interconnect. The first to answer waits; the second runs `<Bridge>` naming it.

    An endpoint is no call, so `<Bridge>` cannot name it (brtc 7): it waits without one, and one phone after the other runs `<Connect>`.
    """

    name = "bridge"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        # The call to place once a flow's first leg has answered.
        self._next: dict[str, Callable[[], Leg]] = {}
        # Of each flow the connection with an endpoint that has ended last.
        self._over: dict[str, str] = {}

    # -- calls ---------------------------------------------------------------------------------------------------------------------

    def dial(self, phone: Any, plan: Plan = "parallel") -> Flow:
        """Call a phone and the WebRTC side: `parallel`, one after the other (`sequential`), or the WebRTC leg `early`, before the phone.

        An endpoint is always early: it is there before the phone is called.
        """
        if plan not in get_args(Plan):
            raise WorkbenchError(f"plan is one of {', '.join(get_args(Plan))}, not {plan!r}")
        flow, placed = self.open(), self.desk.webrtc.callable
        flow.plan = plan if placed else "early"
        if plan == "parallel" or not placed:
            self.dial_webrtc(flow)
            self.dial_phone(phone, flow)
        elif plan == "sequential":
            self._next[flow.id] = lambda: self.dial_webrtc(flow)
            self.dial_phone(phone, flow)
        else:
            self._next[flow.id] = lambda: self.dial_phone(phone, flow)
            self.dial_webrtc(flow)
        return flow

    def begin(self, phone: Any) -> Flow:
        """Call a phone and the WebRTC side in parallel."""
        return self.dial(phone)

    def dial_phone(self, phone: Any, flow: Flow | None = None, **fields: Any) -> Leg:
        """Call a phone as a leg of a flow: of the newest one, unless all its calls have ended."""
        return self.call(flow or self._open(), phone, **fields)

    def dial_webrtc(self, flow: Flow | None = None, **fields: Any) -> Leg:
        """Call the WebRTC side, its participant's token in the User-to-User value, as a leg of a flow (as in `dial_phone`).

        An endpoint is not called, and `fields` are of no call: it is the leg that waits.
        """
        chosen = flow or self._open()
        if self.desk.webrtc.callable:
            return self.call_webrtc(chosen, **fields)
        present = chosen.webrtc
        if present is not None and present.endpoint:
            return present
        chosen.participant()
        leg = chosen.leg(WEBRTC)
        leg.answered = leg.waiting = True
        return leg

    def join(self, runner: str | Leg, target: str | Leg) -> None:
        """Redirect one leg to a `<Bridge>` that names the other, or to a `<Connect>` if that is an endpoint."""
        runs, waits = self.leg(runner), self.leg(target)
        runs.redirect(lambda event, flow: self.bridge(waits))

    def announce(self, leg: str | Leg, text: str) -> None:
        """Take a leg out of the bridge, say something to it alone, and let it wait."""
        self.leg(leg).redirect([speak(text), self.wait()])

    def swap(self, phone: Any, old: str | Leg | None = None) -> Leg:
        """End the phone leg and call another phone; the WebRTC leg stays up and waits for it."""
        flow = self.flow
        for leg in [flow.leg(old) if isinstance(old, str) else old] if old else flow.phones:
            leg.hangup()
        return self.dial_phone(phone, flow)

    def room(self) -> Flow | None:
        """A caller joins the flow whose WebRTC leg waits for one; that of an endpoint also to wait, for there is no second."""
        found = next((flow for flow in reversed(self.flows) if not flow.over), None)
        webrtc = found.webrtc if found else None
        return found if webrtc is not None and (webrtc.waiting or webrtc.endpoint) else None

    def _open(self) -> Flow:
        return self.flow if self.flows and not self.flow.over else self.open()

    # -- verbs ---------------------------------------------------------------------------------------------------------------------

    def wait(self) -> bxml.Pause:
        """What a leg does that has nobody to talk to."""
        return bxml.Pause(duration=DAY)

    def bridge(self, target: Leg) -> list[bxml.Verb]:
        """Join the call that runs this with the target; whichever leaves, the other one is asked for, or waits."""
        flow = target.flow
        if target.endpoint:
            # Its device may have come back meanwhile, by another endpoint.
            target.participant = endpoint = flow.mode.desk.webrtc.for_call(target.name, about=target.about)
            return [flow.connect_verb(endpoint), self.wait()]
        told = flow.url("bridgeTargetComplete", target.name)
        return [bxml.Bridge(target.id, bridge_complete_url=flow.url("bridgeComplete"), bridge_target_complete_url=told)]

    # -- handlers ------------------------------------------------------------------------------------------------------------------

    def on_initiate(self, event: Event, flow: Flow) -> Document:
        """A phone calls our number: join it with the WebRTC leg, or let it wait while that one is called."""
        webrtc = self.partner(event, flow)
        if webrtc is None:
            self.dial_webrtc(flow)
            # An endpoint is there at once; a call has to be answered first.
            webrtc = self.partner(event, flow)
        if webrtc is not None:
            return self.bridge(webrtc)
        return [speak("Please wait while we connect you."), self.wait()]

    def on_answer(self, event: Event, flow: Flow) -> Document:
        """The first leg to answer waits; the second one joins the two."""
        partner = self.partner(event, flow)
        if partner is None:
            return self.wait()
        return self.bridge(partner)

    def on_redirect(self, event: Event, flow: Flow) -> Document:
        """A redirected leg has left its bridge: it joins another one that waits, or waits itself."""
        return self.on_answer(event, flow)

    def on_bridgeComplete(self, event: Event, flow: Flow) -> Document:
        """The target has left, and this leg, which ran the verb, goes on; with a cause, the two could not be bridged at all."""
        if event.cause:
            return self.wait()
        return self.on_answer(event, flow)

    def on_bridgeTargetComplete(self, event: Event, flow: Flow) -> Document:
        """The leg that ran the verb has left: its target waits, or joins the next caller if that one waits already."""
        return self.on_answer(event, flow)

    def on_connectStatus(self, event: Event, flow: Flow) -> None:
        """How a connection with an endpoint goes (endpoints only). Once it is over, the next phone that waits is connected.

        Not when the endpoint cannot be had (DENIED, FAILED): phones that wait would be sent there in turns, for ever.
        """
        webrtc = flow.webrtc
        if webrtc is not None and webrtc.waiting and event.cause in ("COMPLETED", "CANCELED"):
            following = next((leg for leg in flow.phones if leg.waiting and leg is not webrtc.former), None)
            if following is not None:
                self.join(following, webrtc)

    def partner(self, event: Event, flow: Flow) -> Leg | None:
        """The leg that waits for the one this event is about: a phone for the WebRTC leg, the WebRTC leg for a phone.

        Not the one it has just left: whoever takes a leg out of a bridge wants the two apart, and `join` brings them together again.
        """
        asking = flow.leg(event.leg)
        others = [leg for leg in flow.up if leg.waiting and leg.webrtc is not asking.webrtc]
        return next((leg for leg in others if leg is not asking.former), None)

    def before(self, event: Event, flow: Flow, leg: Leg | None) -> None:
        """An endpoint waits again when its connection is over, or the call has ended; no verb of its own says so."""
        super().before(event, flow, leg)
        webrtc = flow.webrtc
        if leg is None or webrtc is None or not webrtc.endpoint or webrtc.former is not leg:
            return
        if event.event_type == "connectStatus":
            self._connected(event, webrtc, leg)
        elif event.event_type == "disconnect":
            webrtc.waiting = True

    def _connected(self, event: Event, webrtc: Leg, leg: Leg) -> None:
        connection, begins = str(event.data.get("sessionId")), event.cause == "INITIATED"
        # A connection that fails at once is told of twice within moments, and the end may overtake the beginning.
        if begins and self._over.get(webrtc.flow.id) == connection:
            return
        if not begins:
            self._over[webrtc.flow.id] = connection
        webrtc.waiting = not begins
        leg.waiting = webrtc.waiting and leg.up and not leg.aside

    def after(self, event: Event, flow: Flow, leg: Leg | None, written: Written) -> None:
        """Who waits is read from what was really answered, so that a cell's handler counts as well."""
        if leg is not None and leg.up and written.verbs:
            targets = [self.desk.board.leg(verb.target_call) for verb in written.verbs if isinstance(verb, bxml.Bridge)]
            targets += [flow.webrtc for verb in written.verbs if isinstance(verb, bxml.Connect)]
            # Also for a while only, with a farewell after it; music and what is asked for anew at the end go on until then.
            waits = any(isinstance(verb, (bxml.Pause, bxml.Ring)) for verb in written.verbs)
            waits = waits or isinstance(written.verbs[-1], (bxml.PlayAudio, bxml.Redirect))
            leg.waiting = waits and not (targets or leg.aside)
            for target in targets:
                if target is not None:
                    target.waiting, target.former, leg.former = False, leg, target
        if event.event_type == "answer" and flow.id in self._next:
            self._next.pop(flow.id)()
