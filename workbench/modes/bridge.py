"""Bridge: two independent calls, joined. Each may change without breaking the other (behaviour 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes.base import Desk, Mode, speak
from workbench.modes.documents import Document, Written
from workbench.modes.flow import Flow, Leg
from workbench.records import Event

Plan = Literal["parallel", "sequential", "early"]
# The longest <Pause> there is: a parked call must not end because a document did (bxml 5).
DAY = 86400.0


class BridgeMode(Mode):
    """A call to the phone and a call to the interconnect. The first to answer waits; the second runs `<Bridge>` naming it."""

    name = "bridge"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        # The call to place once a flow's first leg has answered.
        self._next: dict[str, Callable[[], Leg]] = {}

    # -- calls ---------------------------------------------------------------------------------------------------------------------

    def dial(self, phone: Any, plan: Plan = "parallel") -> Flow:
        """Call a phone and the WebRTC side: `parallel`, one after the other (`sequential`), or the WebRTC leg `early`, before the phone."""
        if plan not in get_args(Plan):
            raise WorkbenchError(f"plan is one of {', '.join(get_args(Plan))}, not {plan!r}")
        flow = self.open()
        flow.plan = plan
        if plan == "parallel":
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
        """Call the WebRTC side, its participant's token in the User-to-User value, as a leg of a flow (as in `dial_phone`)."""
        return self.call_webrtc(flow or self._open(), **fields)

    def join(self, runner: str | Leg, target: str | Leg) -> None:
        """Redirect one leg to a `<Bridge>` that names the other."""
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
        """A caller joins the flow whose WebRTC leg waits for one."""
        found = next((flow for flow in reversed(self.flows) if not flow.over), None)
        webrtc = found.webrtc if found else None
        return found if webrtc is not None and webrtc.waiting else None

    def _open(self) -> Flow:
        return self.flow if self.flows and not self.flow.over else self.open()

    # -- verbs ---------------------------------------------------------------------------------------------------------------------

    def wait(self) -> bxml.Pause:
        """What a leg does that has nobody to talk to."""
        return bxml.Pause(duration=DAY)

    def bridge(self, target: Leg) -> bxml.Bridge:
        """Join the call that runs this with the target; whichever leaves, the other one is asked for."""
        flow = target.flow
        return bxml.Bridge(
            target.id,
            bridge_complete_url=flow.url("bridgeComplete"),
            bridge_target_complete_url=flow.url("bridgeTargetComplete", target.name),
        )

    # -- handlers ------------------------------------------------------------------------------------------------------------------

    def on_initiate(self, event: Event, flow: Flow) -> Document:
        """A phone calls our number: join it with the WebRTC leg, or let it wait while that one is called."""
        webrtc = self.partner(event, flow)
        if webrtc is not None:
            return self.bridge(webrtc)
        self.dial_webrtc(flow)
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

    def partner(self, event: Event, flow: Flow) -> Leg | None:
        """The leg that waits for the one this event is about: a phone for the WebRTC leg, the WebRTC leg for a phone.

        Not the one it has just left: whoever takes a leg out of a bridge wants the two apart, and `join` brings them together again.
        """
        asking = flow.leg(event.leg)
        others = [leg for leg in flow.up if leg.waiting and leg.webrtc is not asking.webrtc]
        return next((leg for leg in others if leg is not asking.former), None)

    def after(self, event: Event, flow: Flow, leg: Leg | None, written: Written) -> None:
        """Who waits is read from what was really answered, so that a cell's handler counts as well."""
        if leg is not None and leg.up and written.verbs:
            bridges = [verb for verb in written.verbs if isinstance(verb, bxml.Bridge)]
            # Also for a while only, with a farewell after it; music and what is asked for anew at the end go on until then.
            waits = any(isinstance(verb, (bxml.Pause, bxml.Ring)) for verb in written.verbs)
            waits = waits or isinstance(written.verbs[-1], (bxml.PlayAudio, bxml.Redirect))
            leg.waiting = waits and not (bridges or leg.aside)
            for target in (self.desk.board.leg(verb.target_call) for verb in bridges):
                if target is not None:
                    target.waiting, target.former, leg.former = False, leg, target
        if event.event_type == "answer" and flow.id in self._next:
            self._next.pop(flow.id)()
