"""`<Forward>`: an unanswered inbound call is handed to another party for good; the application only hears of its end."""

from __future__ import annotations

from workbench import bxml
from workbench.simulator import admission, inviting, lifecycle, sip
from workbench.simulator.calls import Call, Link, State
from workbench.simulator.core import Core


def forward(core: Core, call: Call, verb: bxml.Forward) -> bool:
    """Dial the other party; nothing of the document runs any more."""
    if call.direction != "inbound" or call.state is not State.INITIATED:
        core.follow("forward.unanswered")
        message = "Only an unanswered inbound call can be forwarded"
        lifecycle.end(core, call, "application-error", message, rule="forward.refused")
        return False
    call.program = []
    if core.key_hooks.pop(call.call_id, None) is not None:
        core.happen("gatherStopped", "forward.keys", callId=call.call_id)
    leg = _leg(core, call, verb)
    core.calls[leg.call_id] = leg
    core.links[call.call_id] = core.links[leg.call_id] = Link(verb, call.call_id, ringing=[leg.call_id])
    core.happen("forwarded", "forward.hand-over", callId=call.call_id, to=leg.to)
    if (reason := admission.why_not(core)) is not None:
        core.happen("limitPassed", "limits.forward", callId=leg.call_id, reason=reason)
    lifecycle.begin(core, leg)
    inviting.invite(core, leg)
    return False


def _leg(core: Core, call: Call, verb: bxml.Forward) -> Call:
    leg = Call(
        call_id=core.ids("call"),
        account_id=call.account_id,
        application_id=call.application_id,
        direction="outbound",
        from_=verb._from or call.to,
        to=verb.to or "",
        state=State.INITIATED,
        parent_call_id=call.call_id,
        last_update=core.now,
        call_timeout=float(verb.effective("call_timeout")),
        callback_timeout=call.callback_timeout,
        uui=verb.uui,
    )
    sip.identify(core, leg, bool(verb.privacy), verb.caller_display_name)
    sip.pass_on(core, call, leg, verb)
    return leg


def forwarding(core: Core, call: Call) -> bool:
    """Whether a call is being forwarded, or is the leg that was dialled for it."""
    link = core.links.get(call.call_id)
    return link is not None and isinstance(link.verb, bxml.Forward)


def answered(core: Core, link: Link, leg: Call) -> None:
    """The other party picked up: so is the caller, and both hear each other."""
    link.b, link.ringing = leg.call_id, []
    lifecycle.answer_inbound(core, core.calls[link.a], "forward.join")
    # Answering the caller may have ended what stands behind this very leg.
    if core.links.get(leg.call_id) is not link:
        return
    link.joined = True
    core.happen("joined", "forward.join", verb="Forward", callIds=[link.a, link.b])


def ended(core: Core, link: Link, call: Call) -> None:
    """One side is gone, and with it the other. A party that never answered gives the caller's call its cause."""
    other = core.calls[link.a if call.call_id != link.a else link.b or link.ringing[0]]
    for call_id in (call.call_id, other.call_id):
        del core.links[call_id]
    if link.joined:
        core.happen("parted", "forward.end", verb="Forward", callIds=[link.a, link.b])
        lifecycle.end(core, other, "hangup", rule="forward.end")
    elif call.call_id == link.a:
        lifecycle.end(core, other, "cancel", rule="forward.end")
    else:
        lifecycle.end(core, other, call.cause or "unknown", call.error_message, rule="forward.failed")
