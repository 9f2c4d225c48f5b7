"""Transfer and Bridge: two calls joined, who ran the verb and who is its target, and what the one that stays does next."""

from __future__ import annotations

from typing import Any

from workbench import bxml
from workbench.simulator import bodies, forward, lifecycle, program, recordings
from workbench.simulator.calls import Call, Link
from workbench.simulator.core import Core


def joined_with(core: Core, call: Call) -> Call | None:
    """The call at the other end of a call's link, when both can hear each other."""
    link = core.links.get(call.call_id)
    if link is None or not link.joined or link.b is None:
        return None
    return core.calls[link.b if link.a == call.call_id else link.a]


def bind(core: Core, link: Link, *call_ids: str) -> None:
    for call_id in call_ids:
        core.links[call_id] = link


def _part(core: Core, link: Link) -> list[Call]:
    """Dissolve a link; its calls other than the originator, in the order they were dialled."""
    others = [*link.ringing, *([link.b] if link.b else [])]
    for call_id in (link.a, *others):
        core.links.pop(call_id, None)
    if link.joined:
        core.happen("parted", _RULE[type(link.verb)], verb=type(link.verb).__name__, callIds=[link.a, link.b])
    return [core.calls[call_id] for call_id in others]


_ANSWERED_BY: dict[type[bxml.Verb], str] = {bxml.Transfer: "transfer.join", bxml.Bridge: "bridge.unanswered"}
_RULE: dict[type[bxml.Verb], str] = {bxml.Transfer: "transfer.join", bxml.Bridge: "bridge.join"}


def _join(core: Core, link: Link) -> None:
    assert link.b is not None
    for call_id in (link.a, link.b):
        lifecycle.answer_inbound(core, core.calls[call_id], _ANSWERED_BY[type(link.verb)])
    # Answering one may have cancelled the other: as a leg that lost against it.
    if core.links.get(link.a) is not link:
        return
    link.joined = True
    core.happen("joined", _RULE[type(link.verb)], verb=type(link.verb).__name__, callIds=[link.a, link.b])
    recordings.joined(core, link)


def _go_on(core: Core, call: Call, rule: str) -> None:
    """The verb is over and no URL asks what to do: the next one runs."""
    core.happen("next", rule, callId=call.call_id)
    program.step(core, call)


# Transfer


def target_answered(core: Core, leg: Call) -> None:
    """The first target to answer wins: the others are cancelled, and the winner runs its document or is joined."""
    link = core.links[leg.call_id]
    if isinstance(link.verb, bxml.Forward):
        return forward.answered(core, link, leg)
    link.b = leg.call_id
    if core.calls[link.a].answered:
        core.hush(link.a)
    losers = [core.calls[call_id] for call_id in link.ringing if call_id != leg.call_id]
    link.ringing = []
    for loser in losers:
        del core.links[loser.call_id]
        lifecycle.end(core, loser, "cancel", rule="transfer.first")
    # A call that a loser takes along may have been all that kept the winner.
    if core.links.get(leg.call_id) is not link:
        return None
    assert leg.target is not None
    if leg.target.answer is not None:
        lifecycle.ask(core, leg, "transferAnswer", leg.target.answer, "transfer.answer")
    else:
        join_transfer(core, leg)


def waiting_leg(core: Core, call: Call) -> bool:
    """Whether a call is the winning leg of a transfer, not joined yet."""
    link = core.links.get(call.call_id)
    return link is not None and link.b == call.call_id and not link.joined


def join_transfer(core: Core, leg: Call) -> None:
    """The winner is ready: join it with the caller."""
    _join(core, core.links[leg.call_id])


def _tell_leg_ended(core: Core, leg: Call) -> None:
    if leg.target is not None and leg.target.disconnect is not None:
        body = bodies.call_event(core, "transferDisconnect", leg, **bodies.ended(leg))
        core.send(leg.target.disconnect, body, "transfer.disconnect", timeout=leg.callback_timeout)


def _complete(core: Core, link: Link, leg: Call, cause: str | None) -> None:
    """A transfer is over while its caller is still there."""
    caller = core.calls[link.a]
    hook = program.hook(link.verb, "transfer_complete", caller.base_url)
    if hook is None and link.dialling:
        # `transfer` itself says that the next verb may run: from here a document of many would go ever deeper.
        link.dialling = False
        return core.happen("next", "transfer.next", callId=caller.call_id)
    if hook is None:
        return _go_on(core, caller, "transfer.next")
    assert leg.target is not None
    if caller.program:
        core.follow("bxml.rest")
    core.follow("transfer.order")
    program.stop(core, caller)
    told = {"cause": cause, "errorMessage": leg.error_message, "errorId": leg.error_id}
    about = {"transferCallerId": leg.target.caller_id, "transferTo": leg.target.address}
    return lifecycle.ask(core, caller, "transferComplete", hook, "transfer.complete", **about, **told)


def _leg_ended(core: Core, link: Link, leg: Call) -> None:
    if leg.call_id == link.b or link.ringing == [leg.call_id]:
        core.follow("transfer.last" if link.b is None else "transfer.success" if link.joined else "transfer.leg-hangup")
        _part(core, link)
        return _complete(core, link, leg, leg.cause)
    link.ringing.remove(leg.call_id)
    del core.links[leg.call_id]
    return None


def _drop_legs(core: Core, link: Link, rule: str) -> None:
    """The caller leaves: the transfer's other legs fall."""
    for leg in _part(core, link):
        lifecycle.end(core, leg, "hangup" if leg.answered else "cancel", rule=rule)


# Bridge


def bridge(core: Core, call: Call, verb: bxml.Bridge) -> bool:
    """Join a call with another that exists already."""
    target = core.calls.get(verb.target_call)
    failure = _why_not(core, call, verb, target)
    if failure is not None:
        return _bridge_failed(core, call, verb, *failure)
    assert target is not None
    if target.call_id in core.links or target.call_id in core.in_conference:
        core.follow("bridge.leaves")
    turn = call.turn
    lifecycle.interrupt(core, target)
    if call.turn != turn:
        # What the target left went on with a verb that took this very call; so the target has nothing left to do.
        if target.call_id not in core.links:
            program.step(core, target)
        return False
    link = Link(verb, call.call_id, target.call_id, base_url=call.base_url)
    bind(core, link, call.call_id, target.call_id)
    _join(core, link)
    return False


def _why_not(core: Core, call: Call, verb: bxml.Bridge, target: Call | None) -> tuple[str, str, str] | None:
    """Cause, message and rule of a bridge that fails (causes assumed, behaviour 3.1)."""
    if target is None or target is call or target.account_id != call.account_id:
        return "unknown", f"Call {verb.target_call} cannot be bridged: it is not another call of this account", "bridge.unknown"
    if not target.active:
        return "unknown", f"Call {target.call_id} has ended", "bridge.ended"
    if target.direction == "outbound" and not target.answered:
        return "rejected", f"Call {target.call_id} has not been answered", "bridge.ringing"
    if forward.forwarding(core, target):
        return "rejected", f"Call {target.call_id} is being forwarded", "bridge.forwarding"
    link = core.links.get(target.call_id)
    if link is not None and isinstance(link.verb, bxml.Bridge):
        return "busy", f"Call {target.call_id} is already bridged with another call", "bridge.busy"
    return None


def _bridge_failed(core: Core, call: Call, verb: bxml.Bridge, cause: str, message: str, rule: str) -> bool:
    core.happen("bridgeFailed", rule, callId=call.call_id, cause=cause, errorMessage=message)
    hook = program.hook(verb, "bridge_complete", call.base_url)
    core.follow("bridge.failed")
    if hook is None:
        return True
    call.program = []
    told: dict[str, Any] = {"cause": cause, "errorMessage": message, "errorId": core.ids("error")}
    lifecycle.ask(core, call, "bridgeComplete", hook, rule, **told)
    return False


def _bridge_left(core: Core, link: Link, leaver: Call) -> None:
    """One of two bridged calls left: the other is asked, goes on, or is hung up."""
    assert isinstance(link.verb, bxml.Bridge) and link.b is not None
    _part(core, link)
    core.follow("bridge.order")
    originator, target = core.calls[link.a], core.calls[link.b]
    if leaver is target:
        hook = program.hook(link.verb, "bridge_complete", originator.base_url)
        if hook is None:
            return _go_on(core, originator, "bridge.next")
        if originator.program:
            core.follow("bxml.rest")
        program.stop(core, originator)
        return lifecycle.ask(core, originator, "bridgeComplete", hook, "bridge.complete")
    hook = program.hook(link.verb, "bridge_target_complete", link.base_url)
    if hook is None:
        return lifecycle.end(core, target, "hangup", rule="bridge.target-hangup")
    return lifecycle.ask(core, target, "bridgeTargetComplete", hook, "bridge.target-complete")


# Leaving


def call_ended(core: Core, call: Call) -> None:
    """A call ended: tell its transfer's end, and settle its link."""
    if call.parent_call_id is not None:
        _tell_leg_ended(core, call)
    link = core.links.get(call.call_id)
    if link is None:
        return
    if isinstance(link.verb, bxml.Forward):
        forward.ended(core, link, call)
    elif isinstance(link.verb, bxml.Bridge):
        _bridge_left(core, link, call)
    elif call.call_id == link.a:
        _drop_legs(core, link, "transfer.single")
    else:
        _leg_ended(core, link, call)


def call_moved(core: Core, call: Call) -> None:
    """A call is given another document: it leaves its link."""
    link = core.links.get(call.call_id)
    if link is None:
        return
    if isinstance(link.verb, bxml.Bridge):
        core.follow("bridge.moved")
        _bridge_left(core, link, call)
    elif call.call_id == link.a:
        _drop_legs(core, link, "transfer.redirect")
    else:
        core.happen("detached", "transfer.detach", callId=call.call_id)
        _part(core, link)
        _complete(core, link, call, "hangup")
