"""A call's life: queued, initiated, ringing, answered, disconnected; and who is at its far end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from workbench.simulator import (
    admission,
    bodies,
    conferences,
    connects,
    inviting,
    links,
    machine,
    program,
    recordings,
    sip,
    speaking,
    streams,
    transcripts,
    webrtc,
)
from workbench.simulator.calls import TRANSITIONS, Call, Dialog, Hook, State
from workbench.simulator.core import Core, Kind
from workbench.simulator.phones import Phone

KEPT_SECONDS = 7 * 24 * 3600.0


def move(core: Core, call: Call, state: State) -> None:
    """Take a legal step in a call's life."""
    assert state in TRANSITIONS[call.state], f"a call cannot go from {call.state.value} to {state.value}"
    if call.state is State.QUEUED:
        core.queue.remove(call)
    call.state, call.last_update = state, core.now


def start(core: Core, call: Call) -> None:
    """Dequeue a call and invite its far end."""
    begin(core, call)
    inviting.invite(core, call)


def begin(core: Core, call: Call) -> None:
    """A call's first moment outside the queue."""
    if call.state is State.QUEUED:
        move(core, call, State.INITIATED)
    call.start_time = core.now
    admission.count(core, call)


def answer(core: Core, call: Call) -> None:
    """The far end of an outbound call answers."""
    _answered(core, call, "call.answer")
    if call.parent_call_id is not None:
        links.target_answered(core, call)
    elif not machine.begin(core, call):
        ask_answer(core, call)


def ask_answer(core: Core, call: Call, rule: str = "call.answer", **extra: object) -> None:
    """Ask the application what to do on the call it made, now that it is answered."""
    assert call.answer is not None
    ask(core, call, "answer", call.answer, rule, sipCallId=call.sip.call_id, **extra)


def answer_inbound(core: Core, call: Call, rule: str = "call.answer-inbound") -> None:
    """Answer a call that arrived; no webhook tells."""
    if call.direction == "inbound" and call.state is State.INITIATED:
        _answered(core, call, rule)
        wired = core.calls.get(core.wires.get(call.call_id, ""))
        if wired is not None:
            answer(core, wired)


def _answered(core: Core, call: Call, rule: str) -> None:
    move(core, call, State.ANSWERED)
    if call.ringing:
        core.next_turn(call)
    call.answer_time, call.ringing = core.now, False
    core.hush(call.call_id)
    core.happen("answered", rule, callId=call.call_id, direction=call.direction, **{"from": call.from_, "to": call.to})
    webrtc.leg_up(core, call)
    if call.phone is not None:
        _follow_script(core, call, inviting.at(core, call.phone))


def _follow_script(core: Core, call: Call, phone: Phone) -> None:
    """What a phone does once it is in an answered call, whoever called whom."""
    speaking.answered(core, call, phone)
    if phone.hangup_after is not None:
        call.script = core.after(phone.hangup_after, partial(end, core, call, "hangup", rule="phone.script"))


def refuses(core: Core, caller: str, number: str) -> bool:
    """Whether a call to the account is over its limits: it is rejected, and no webhook tells (documented, voice/rateLimits)."""
    reason = admission.why_not(core)
    if reason is not None:
        core.happen("inboundRefused", "limits.inbound", reason=reason, **{"from": caller, "to": number})
    return reason is not None


def arrive(core: Core, caller: str, number: str, dialog: Dialog, uui: str | None, wire: Call | None = None) -> Call:
    """A call to a number the account owns, with what came in its INVITE: its application is asked what to do."""
    application = core.applications[core.numbers[number]]
    call = Call(
        call_id=core.ids("call"),
        account_id=core.config.account_id,
        application_id=application.application_id,
        direction="inbound",
        from_=caller,
        to=number,
        state=State.INITIATED,
        disconnect=application.status,
        callback_timeout=application.callback_timeout,
        uui=uui,
        sip=dialog,
    )
    core.calls[call.call_id] = call
    begin(core, call)
    sip.establish(core, call)
    call.last_update = core.now
    if wire is None:
        inviting.pick_up(core, call, caller)
        core.play(call.call_id, "ring")
        core.follow("sound.ring-back")
    else:
        core.wires[call.call_id], core.wires[wire.call_id] = wire.call_id, call.call_id
    core.happen("arrived", "call.initiate", callId=call.call_id, **{"from": caller, "to": number})
    if application.initiate is None:
        end(core, call, "rejected", rule="call.initiate-unset")
    else:
        ask(core, call, "initiate", application.initiate, "call.initiate", **sip.came_with(core, call))
    return call


def ask(core: Core, call: Call, event_type: str, hook: Hook, rule: str, **extra: object) -> None:
    """Send a synchronous webhook: the answer's document runs on the call."""
    ask_with(core, call, hook, bodies.call_event(core, event_type, call, **extra), rule)


def ask_with(core: Core, call: Call, hook: Hook, body: Mapping[str, Any], rule: str) -> None:
    """Send a synchronous webhook with this body."""
    core.send(hook, body, rule, kind=Kind.CALL, call=call, timeout=call.callback_timeout)


def end(core: Core, call: Call, cause: str, message: str | None = None, *, rule: str) -> None:
    """End a call: links and conferences first, then the far end, its own `disconnect` last."""
    if not call.active:
        return
    move(core, call, State.DISCONNECTED)
    call.end_time, call.cause, call.ringing = core.now, cause, False
    core.under_way.discard(call.call_id)
    if message is not None:
        call.error_message, call.error_id = message, core.ids("error")
    why = {} if message is None else {"message": message}
    core.happen("ended", rule, callId=call.call_id, cause=cause, **{"from": call.from_, "to": call.to}, **why)
    core.after(KEPT_SECONDS, partial(_forget, core, call), waits=False)
    machine.forget(core, call)
    program.stop(core, call)
    core.key_hooks.pop(call.call_id, None)
    core.pressed.pop(call.call_id, None)
    recordings.ended(core, call, "recording.call-end")
    if call.script is not None:
        call.script.cancelled = True
    links.call_ended(core, call)
    connects.call_left(core, call)
    conferences.call_left(core, call)
    streams.call_ended(core, call)
    speaking.call_ended(core, call)
    _free_far_end(core, call)
    if call.parent_call_id is None:
        _tell_ended(core, call, rule)


def _tell_ended(core: Core, call: Call, rule: str) -> None:
    """Tell a call's end at its own URL, or at its application's when it came in."""
    if call.disconnect is None:
        return core.happen("untold", "call.disconnect-unset", callId=call.call_id, event="disconnect")
    if call.direction == "inbound":
        core.follow("call.status-url")
    body = bodies.call_event(core, "disconnect", call, **bodies.ended(call), **sip.ended_with(core, call))
    return core.send(call.disconnect, body, rule, timeout=call.callback_timeout)


def _forget(core: Core, call: Call) -> None:
    del core.calls[call.call_id]
    transcripts.forget(core, call)
    core.happen("forgotten", "call.kept", callId=call.call_id)


def _free_far_end(core: Core, call: Call) -> None:
    if call.phone is not None:
        del core.on_phone[call.phone]
    webrtc.leg_down(core, call)
    wired = core.calls.get(core.wires.pop(call.call_id, ""))
    if wired is not None:
        answered = wired.answer_time is not None
        if not answered and wired.direction == "outbound":
            return sip.refuse(core, wired, sip.DECLINED, rule="call.wire")
        end(core, wired, "hangup" if answered else "cancel", rule="call.wire")
    return None


def give_up(core: Core, call: Call, rule: str = "call.completed") -> None:
    """End a call by the application's wish: hang up, cancel or reject, by its state."""
    if call.answered:
        end(core, call, "hangup", rule=rule)
    else:
        inbound = call.direction == "inbound"
        own = "call.reject-inbound" if inbound else "call.dequeue" if call.state is State.QUEUED else "call.cancel"
        end(core, call, "rejected" if inbound else "cancel", rule=own)


def interrupt(core: Core, call: Call) -> None:
    """Stop what a call is doing, leaving its link or conference, so that a new document can run."""
    if call.verb is not None:
        core.happen("interrupted", "bxml.interrupt", callId=call.call_id, verb=type(call.verb).__name__)
    program.stop(core, call)
    links.call_moved(core, call)
    connects.call_left(core, call)
    conferences.call_left(core, call)
