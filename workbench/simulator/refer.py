"""`<Refer>` (2026): a call from a SIP URI is sent elsewhere by a SIP REFER, and leaves the platform."""

from __future__ import annotations

from functools import partial
from typing import Any

from workbench import bxml
from workbench.simulator import bodies, inviting, lifecycle, program, requests
from workbench.simulator.calls import Call
from workbench.simulator.core import Core

NOTIFY_SECONDS = 30.0
# How long it takes the caller's phone to tell what came of it (assumed).
REFERRED_SECONDS = 1.0


def refer(core: Core, call: Call, verb: bxml.Refer) -> bool:
    """Send the REFER; what comes of it is in the script of the caller's phone."""
    assert verb.sip_uri is not None
    if call.direction != "inbound" or not requests.is_sip(call.from_):
        core.follow("refer.only-sip")
        return _failed(core, call, verb, "refer.elsewhere")
    phone = inviting.at(core, call.from_)
    core.happen("referSent", "refer.send", callId=call.call_id, to=verb.sip_uri.uri, answer=phone.refer_answer)
    if phone.refer_answer >= 300:
        return _failed(core, call, verb, "refer.refused", phone.refer_answer)
    seconds = NOTIFY_SECONDS if phone.refer_outcome is None else REFERRED_SECONDS
    call.timers.append(core.after(seconds, partial(_notified, core, call, verb, phone.refer_answer, phone.refer_outcome)))
    return False


def _notified(core: Core, call: Call, verb: bxml.Refer, answer: int, outcome: int | None) -> None:
    """The final NOTIFY came, or is not waited for any longer."""
    if outcome is None or outcome >= 300:
        if _failed(core, call, verb, "refer.timeout" if outcome is None else "refer.failed", answer, outcome):
            program.step(core, call)
        return
    hook = program.hook(verb, "refer_complete", call.base_url)
    if hook is not None:
        body = bodies.call_event(core, "referComplete", call, **_told("success", answer, outcome))
        core.send(hook, body, "refer.complete", timeout=call.callback_timeout)
    lifecycle.end(core, call, "hangup", rule="refer.left")


def _told(status: str, answer: int | None, outcome: int | None) -> dict[str, Any]:
    return {"referCallStatus": status, "referSipResponseCode": answer, "notifySipResponseCode": outcome}


def _failed(core: Core, call: Call, verb: bxml.Refer, rule: str, answer: int | None = None, outcome: int | None = None) -> bool:
    """The call stays: its application is asked; True when the next verb may run instead."""
    core.happen("referFailed", rule, callId=call.call_id)
    hook = program.hook(verb, "refer_complete", call.base_url)
    if hook is None:
        core.happen("next", "refer.next", callId=call.call_id)
        return True
    call.program = []
    lifecycle.ask(core, call, "referComplete", hook, "refer.recover", **_told("failure", answer, outcome))
    return False
