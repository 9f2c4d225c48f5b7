"""A telephone for one mode: call, let a phone call in, answer, reject, hang up, redirect, press keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.widgets import text
from workbench.widgets.lookout import Lookout, Picture
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher

FIRST_PHONE = "+19195550111"
NO_PHONES = "Only the local platform has phones to press; live, use a real one."
NOT_RINGING = "It is not ringing."


class ModeLike(Protocol):
    """A mode; see `workbench.modes.Mode`."""

    name: Any

    @property
    def flows(self) -> Sequence[Any]: ...

    def dial(self, phone: Any) -> Any: ...

    def take_inbound(self) -> None: ...


class Phones(Protocol):
    """The simulated phones; see `workbench.local.Local`."""

    def phone(self, number: str) -> Any: ...


class Dialer(Panel):
    """Places and takes calls in one mode; each button has a method. `number` is the workbench's own."""

    _esm = module("dialer.js")

    def __init__(self, mode: ModeLike, publisher: Publisher, lookout: Lookout, *, number: str, phones: Phones | None = None) -> None:
        self._mode = mode
        self._phones = phones
        # A phone that has hung up stays in the list.
        self._known: tuple[str, ...] = ()
        self._number = number
        self._lookout = lookout
        fixed = {"own": text.party(number), "first": FIRST_PHONE, "local": "" if phones else NO_PHONES}
        super().__init__(publisher, f"{mode.name.capitalize()} · dialer", view={**fixed, **self._see(lookout.look())})
        self._unsubscribe = lookout.subscribe(lambda picture: publisher.put(self, self._see(picture)))

    @action
    def call(self, to: str = FIRST_PHONE) -> Any:
        """Call a phone in this mode; returns what the mode's `dial` returns."""
        made = self._mode.dial(number(to))
        self._done(f"Calling {text.party(number(to))}.")
        return made

    @action
    def let_in(self, phone: str = FIRST_PHONE) -> Any:
        """Have a simulated phone call the workbench's number; this mode takes the call."""
        if number(phone) == self._number:
            raise WorkbenchError(f"{text.party(self._number)} is our own number: name the phone that is to call it")
        device = self._phone(phone)
        self._mode.take_inbound()
        made = device.dial(self._number)
        self._done(f"{text.party(number(phone))} calls {text.party(self._number)}.")
        return made

    @action
    def answer(self, phone: str | None = None) -> None:
        """Pick up a simulated phone: the one named, else the one that rings."""
        phone = phone or self._one("ringing")
        self._phone(phone).answer()
        self._done(f"{text.party(phone)} has answered.")

    @action
    def reject(self, phone: str | None = None) -> None:
        """Refuse the call at a simulated phone: the one named, else the one that rings."""
        phone = phone or self._one("ringing")
        self._phone(phone).reject()
        self._done(f"{text.party(phone)} has rejected the call.")

    @action
    def press(self, digits: str, phone: str | None = None) -> None:
        """Press keys (0-9, *, #) at a simulated phone: the one named, else the one that talks."""
        phone = phone or self._one("talking")
        self._phone(phone).press(keys(digits))
        self._done(f"{text.party(phone)} has pressed {digits}.")

    @action
    def hang_up(self, who: str | None = None, flow: str | None = None) -> None:
        """Hang up a simulated phone (by number) or end a leg's call (by name); without a name, every call of this mode or of `flow`."""
        if who is not None and who.startswith("+"):
            self._phone(who).hangup()
            self._done(f"{text.party(who)} has hung up.")
            return
        if who is not None:
            legs = [self._flow(flow).leg(who)]
        else:
            flows = [self._flow(flow)] if flow is not None else self._mode.flows
            legs = [leg for one in flows for leg in one.up if leg.call_id is not None]
            # The B leg of a Transfer ends with its A leg, unless it has left it.
            legs = [leg for leg in legs if leg.parent_call_id is None or leg.moved]
        for leg in legs:
            leg.hangup()
        self._done(f"Ended: {', '.join(leg.name for leg in legs) or 'no call was up'}.")

    @action
    def redirect(self, leg: str | None = None, flow: str | None = None, say: str = "") -> None:
        """Stop what a leg's call does (the first phone's unless named). It hears `say` and ends; without, the mode's handler decides."""
        chosen = self._flow(flow)
        found = chosen.leg(leg) if leg is not None else next(iter([one for one in chosen.up if not one.webrtc] or chosen.up), None)
        if found is None:
            raise WorkbenchError(f"no call of {chosen.id} is up")
        found.redirect(bxml.SpeakSentence(say.strip()) if say.strip() else None)
        self._done(f"The {found.name} leg is redirected.")

    def html(self) -> str:
        """Legs and phones as static HTML."""
        view = self._see(self._lookout.look())
        legs = [[leg["name"], leg["party"], leg["status"]] for leg in view["legs"]]
        devices = [["phone", one["shown"], one["status"]] for one in view["phones"]]
        return text.table_html(self.title, ["who", "number", "status"], legs + devices)

    def close(self) -> None:
        """Take the panel off the page."""
        self._unsubscribe()
        super().close()

    def _see(self, picture: Picture) -> dict[str, Any]:
        legs = [_leg(leg, _call(picture, leg)) for leg in picture["legs"] if leg["mode"] == self._mode.name]
        found = phones(picture, self._known) if self._phones else []
        self._known = tuple(phone["number"] for phone in found)
        return {"phones": found, "legs": legs, "error": picture["error"]}

    def _one(self, status: str) -> str:
        found = [phone["number"] for phone in phones(self._lookout.look(), ()) if phone["status"] == status]
        if not found:
            raise WorkbenchError(f"no phone is {status}")
        return str(found[-1])

    def _phone(self, wanted: str) -> Any:
        if self._phones is None:
            raise WorkbenchError(NO_PHONES)
        return self._phones.phone(number(wanted))

    def _flow(self, wanted: str | None) -> Any:
        flows = list(self._mode.flows)
        for flow in reversed(flows):
            if wanted in (None, flow.id):
                return flow
        raise WorkbenchError(f"no flow {wanted}" if wanted else f"no call was made in {self._mode.name} yet")

    def _done(self, message: str) -> None:
        self.say(message)
        self._lookout.nudge()


def number(written: str) -> str:
    """A phone number in E.164 from what a person types: +1 919 555 0111, (919) 555-0111. WorkbenchError when it is none."""
    plain = re.sub(r"[\s().-]", "", str(written))
    if re.fullmatch(r"[2-9]\d{9}", plain):
        plain = f"+1{plain}"
    if not re.fullmatch(r"\+[1-9]\d{6,14}", plain):
        raise WorkbenchError(f"{text.masked(str(written))!r} is no phone number; write it like +1 919 555 0111")
    return plain


def keys(digits: str) -> str:
    """Keys of a telephone. WorkbenchError when there are others among them."""
    if not re.fullmatch(r"[0-9*#]+", digits):
        raise WorkbenchError("keys are 0 to 9, * and #")
    return digits


def phones(picture: Picture, known: Iterable[str]) -> list[dict[str, Any]]:
    """The simulated phones: number, what they do (idle, ringing, calling, talking), and why a button does not apply."""
    ours = {entry["number"] for entry in picture.get("numbers", ())}
    ends = {call["from"] if _inbound(call) else call["to"]: call for call in picture["calls"]}
    calls = {end: call for end, call in ends.items() if end.startswith("+") and end not in ours}
    numbers = dict.fromkeys([*known, *(phone["number"] for phone in picture["phones"]), *calls])
    return [_phone(number, calls.get(number)) for number in numbers]


def _inbound(call: dict[str, Any]) -> bool:
    # To the platform, a phone that calls is an inbound call; the B leg of a Transfer is never one.
    return bool(call["direction"] == "inbound" and not call["parentCallId"])


def _phone(number: str, call: dict[str, Any] | None) -> dict[str, Any]:
    if call is None:
        status = "idle"
    elif call["state"] == "answered":
        status = "talking"
    else:
        status = "calling" if _inbound(call) else "ringing" if call.get("ringing") else "about to ring"
    return {
        "number": number,
        "shown": text.party(number),
        "status": status,
        "why": {
            "answer": "" if status == "ringing" else NOT_RINGING,
            "reject": "" if status == "ringing" else NOT_RINGING,
            "hang_up": "" if status != "idle" else "It is in no call.",
            "press": "" if status == "talking" else "Keys need a call that was answered.",
        },
    }


def _call(picture: Picture, leg: dict[str, Any]) -> dict[str, Any] | None:
    """A leg's call. No webhook need tell us of the B leg of a Transfer: then it is known by its parent and by whom it calls."""
    if leg["call"]:
        return next((call for call in picture["calls"] if call["callId"] == leg["call"]), None)
    parents = {one["call"] for one in picture["legs"] if one["flow"] == leg["flow"] and one["call"]}
    found = (call for call in picture["calls"] if call.get("parentCallId") in parents and call["to"] == leg["number"])
    return next(found, None)


def _leg(leg: dict[str, Any], call: dict[str, Any] | None) -> dict[str, Any]:
    # No webhook tells when an inbound call is answered; the platform's own state does.
    state = call["state"] if call else leg["state"]
    status = "waiting" if leg["waiting"] else "ringing" if call and call.get("ringing") and state != "answered" else state
    missing = "" if leg["call"] else "The platform has not told us this call's id."
    answered = "Only an answered call can be redirected." if state in ("queued", "initiated") else ""
    return {
        "flow": leg["flow"],
        "name": leg["name"],
        "party": leg["party"],
        "status": status,
        "why": {"hang_up": missing, "redirect": missing or answered},
    }
