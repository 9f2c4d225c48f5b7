"""`<Transfer>`: dialling its targets. What comes of them is with the links."""

from __future__ import annotations

from typing import Any

from workbench import bxml
from workbench.simulator import admission, inviting, lifecycle, links, program, sip
from workbench.simulator.calls import Call, Link, State, Target
from workbench.simulator.core import Core


def transfer(core: Core, call: Call, verb: bxml.Transfer) -> bool:
    """Dial all targets at once, as far as the account's limits allow."""
    room = admission.room(core)
    dialled = verb.transfer_to if room is None else verb.transfer_to[:room]
    if not dialled:
        return _over_limit(core, call, verb)
    link = Link(verb, call.call_id)
    legs = [_leg(core, call, verb, target) for target in dialled]
    if len(legs) < len(verb.transfer_to):
        core.happen("targetsDropped", "limits.transfer-some", callId=call.call_id, dialled=len(legs), of=len(verb.transfer_to))
    link.ringing = [leg.call_id for leg in legs]
    links.bind(core, link, call.call_id, *link.ringing)
    for leg in legs:
        core.calls[leg.call_id] = leg
        lifecycle.begin(core, leg)
    link.dialling = True
    for leg in legs:
        if leg.active:
            inviting.invite(core, leg)
    failed_at_once, link.dialling = not link.dialling, False
    return failed_at_once


def _over_limit(core: Core, call: Call, verb: bxml.Transfer) -> bool:
    """No leg may begin: transferComplete tells the account's limit, and no leg's end is told because none began."""
    message = admission.why_not(core)
    core.happen("transferRefused", "limits.transfer", callId=call.call_id, errorMessage=message)
    hook = program.hook(verb, "transfer_complete", call.base_url)
    if hook is None:
        return True
    call.program = []
    told: dict[str, Any] = {"cause": "account-limit", "errorMessage": message, "errorId": core.ids("error")}
    about = {"transferCallerId": _caller_id(call, verb), "transferTo": _address(verb.transfer_to[0])}
    lifecycle.ask(core, call, "transferComplete", hook, "limits.transfer", **about, **told)
    return False


def _caller_id(call: Call, verb: bxml.Transfer) -> str:
    return verb.transfer_caller_id or (call.from_ if call.direction == "inbound" else call.to)


def _address(destination: bxml.PhoneNumber | bxml.SipUri) -> str:
    return destination.number if isinstance(destination, bxml.PhoneNumber) else destination.uri


def _leg(core: Core, call: Call, verb: bxml.Transfer, destination: bxml.PhoneNumber | bxml.SipUri) -> Call:
    caller_id, address = _caller_id(call, verb), _address(destination)
    core.follow("transfer.caller-id")
    target = Target(
        answer=program.hook(destination, "transfer_answer", call.base_url),
        disconnect=program.hook(destination, "transfer_disconnect", call.base_url),
        caller_id=caller_id,
        address=address,
    )
    leg = Call(
        call_id=core.ids("call"),
        account_id=call.account_id,
        application_id=call.application_id,
        direction="outbound",
        from_=caller_id,
        to=address,
        state=State.INITIATED,
        parent_call_id=call.call_id,
        target=target,
        last_update=core.now,
        tag=destination.tag or None,
        call_timeout=float(verb.effective("call_timeout")),
        callback_timeout=call.callback_timeout,
        uui=destination.uui,
    )
    sip.identify(core, leg, bool(verb.privacy), verb.transfer_caller_display_name)
    sip.pass_on(core, call, leg, verb)
    return leg
