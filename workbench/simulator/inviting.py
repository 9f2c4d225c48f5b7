"""Inviting the far end of an outbound call: the interconnect, an application of the account, or a phone."""

from __future__ import annotations

from functools import partial

from workbench import bxml, tokens
from workbench.errors import TokenError
from workbench.simulator import lifecycle, phones, requests, sip, webrtc
from workbench.simulator.calls import Call, Dialog
from workbench.simulator.core import Core
from workbench.simulator.phones import Phone

NO_RING_SECONDS = 30.0

_INVITING = {type(None): "call.start", bxml.Transfer: "transfer.invite", bxml.Forward: "forward.invite"}


def _asked_by(core: Core, call: Call) -> bxml.Verb | None:
    """The verb that dials a call; None for one that createCall asked for."""
    return None if call.parent_call_id is None else core.links[call.call_id].verb


def _parent(call: Call) -> dict[str, str]:
    """The call for which another is dialled, for what happened."""
    return {} if call.parent_call_id is None else {"parentCallId": call.parent_call_id}


def invite(core: Core, call: Call) -> None:
    """Ring whoever is at the address: the interconnect, an application of this account, or a phone."""
    sip.establish(core, call)
    if call.to == tokens.INTERCONNECT:
        return _invite_interconnect(core, call)
    core.happen("invite", _INVITING[type(_asked_by(core, call))], callId=call.call_id, **_parent(call), **sip.invitation(call))
    if requests.is_sip(call.to) and call.to not in core.phones:
        return sip.refuse(core, call, sip.NOT_FOUND, rule="call.unreachable")
    if call.sip.hops > sip.MOST_HOPS:
        return sip.refuse(core, call, sip.TOO_MANY_HOPS, rule="sip.hops")
    if call.to in core.numbers:
        if lifecycle.refuses(core, call.from_, call.to):
            return sip.refuse(core, call, sip.UNAVAILABLE, rule="limits.inbound")
        inbound = lifecycle.arrive(
            core, sip.shown(call), call.to, Dialog(diversion=call.sip.diversion, hops=call.sip.hops), call.uui, wire=call
        )
        return ring(core, call) if inbound.active else None
    return _invite_phone(core, call, at(core, call.to))


def at(core: Core, number: str) -> Phone:
    """The phone at an address. One at a SIP URI is there for calls only once it has a script."""
    phone = core.phones.get(number)
    if phone is None:
        phone = phones.phone(number)
        if not requests.is_sip(number):
            core.phones[number] = phone
    return phone


def in_call(core: Core, number: str) -> Call | None:
    """The call a phone is in or rings for."""
    return core.calls.get(core.on_phone.get(number, ""))


def pick_up(core: Core, call: Call, number: str) -> None:
    """Occupy a phone with a call."""
    call.phone = number
    core.on_phone[number] = call.call_id


def _invite_phone(core: Core, call: Call, phone: Phone) -> None:
    if in_call(core, phone.number) is not None:
        return sip.refuse(core, call, sip.BUSY, "Callee is busy", rule="phone.one-call")
    if phone.busy:
        return sip.refuse(core, call, sip.BUSY, "Callee is busy", rule="call.busy")
    if phone.reject:
        return sip.refuse(core, call, sip.DECLINED, rule="call.rejected")
    if phone.refuses_with is not None:
        return sip.refuse(core, call, phone.refuses_with, rule="phone.refuses")
    pick_up(core, call, phone.number)
    if not phone.rings:
        call.timers.append(core.after(NO_RING_SECONDS, partial(lifecycle.end, core, call, "timeout", rule="call.no-ring")))
        return None
    ring(core, call, waits=not phone.by_hand)
    if phone.answer and not phone.by_hand:
        call.timers.append(core.after(phone.ring_seconds, partial(lifecycle.answer, core, call)))
    return None


def _invite_interconnect(core: Core, call: Call) -> None:
    try:
        claims = tokens.check(tokens.token_in(call.uui or ""), core.config.token_secret, core.now)
        participant = core.participants.get(claims.participant_id)
    except TokenError as error:
        return _refuse_leg(core, call, str(error), "interconnect.expired" if "expired" in str(error) else "interconnect.refused")
    if "," in (call.uui or ""):
        core.follow("interconnect.entries")
    if participant is None:
        return _refuse_leg(core, call, "the participant was deleted")
    core.happen(
        "invite",
        "interconnect.token",
        callId=call.call_id,
        participantId=participant.id,
        uui=webrtc.masked_uui(call.uui or ""),
        **_parent(call),
        **{"from": call.from_, "to": call.to},
    )
    webrtc.take_device(core, participant, call)
    # Taking the token may have ended the very call that asked for this one.
    if not call.active:
        return None
    ring(core, call, rule="interconnect.answer")
    if core.interconnect.answer:
        call.timers.append(core.after(core.interconnect.answer_seconds, partial(lifecycle.answer, core, call)))
    return None


def _refuse_leg(core: Core, call: Call, reason: str, rule: str = "interconnect.refused") -> None:
    core.happen("inviteRefused", rule, callId=call.call_id, reason=reason, **_parent(call))
    sip.refuse(core, call, sip.FORBIDDEN, rule=rule)


def ring(core: Core, call: Call, *, waits: bool = True, rule: str = "call.ring") -> None:
    """The far end rings; it has callTimeout to answer."""
    call.ringing = True
    core.happen("ringing", rule, callId=call.call_id, to=call.to)
    if call.parent_call_id is not None and call.parent_call_id not in core.sounds:
        core.play(call.parent_call_id, "ring")
        core.follow("sound.ring-back")
    call.timers.append(core.after(call.call_timeout, partial(lifecycle.end, core, call, "timeout", rule="call.timeout"), waits=waits))
