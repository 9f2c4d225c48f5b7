"""A phone in somebody's hand: what its display shows, and that it waits for the hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench.simulator import inviting
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call
from workbench.simulator.core import Core
from workbench.simulator.phones import Phone

IDLE, CALLING, RINGING, TALKING = "idle", "calling", "ringing", "talking"


def shown(core: Core, number: str) -> dict[str, Any]:
    """What a phone's display shows."""
    call = inviting.in_call(core, number)
    status = _status(call)
    if call is None or status == IDLE:
        return {"number": number, "status": IDLE, "from": None, "to": None, "callId": None, "since": None}
    since = call.answer_time if status == TALKING else call.start_time
    about = {"from": call.from_, "to": call.to, "callId": call.call_id, "since": iso(since) if since is not None else None}
    return {"number": number, "status": status, **about}


def _status(call: Call | None) -> str:
    if call is None or not call.active:
        return IDLE
    if call.answered:
        return TALKING
    if call.direction == "inbound":
        return CALLING
    return RINGING if call.ringing else IDLE


def take(core: Core, phone: Phone) -> None:
    """Somebody takes a phone in hand: it waits to be answered."""
    core.held.setdefault(phone.number, phone.by_hand)
    core.phones[phone.number] = replace(phone, by_hand=True)
    core.happen("handsetTaken", "handset.hand", number=phone.number)


def script(core: Core, phone: Phone, says_hand: bool) -> None:
    """A phone gets a script. One in somebody's hand waits for the hand whatever it says; `says_hand`: it says something about that."""
    if phone.number in core.held and says_hand:
        core.held[phone.number] = phone.by_hand
    core.phones[phone.number] = replace(phone, by_hand=True) if phone.number in core.held else phone


def release(core: Core, phone: Phone) -> None:
    """Nobody holds the phone any more: it does what its script says. A call of it goes on."""
    core.phones[phone.number] = replace(phone, by_hand=core.held.pop(phone.number, phone.by_hand))
    core.happen("handsetReleased", "handset.hand", number=phone.number)
