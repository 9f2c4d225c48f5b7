"""What SIP says of a call beside who calls whom: its Call-ID, how its INVITE was refused, what came with it, and who is shown as caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench import bxml
from workbench.bxml.fields import HIDDEN
from workbench.simulator import lifecycle
from workbench.simulator.calls import Call
from workbench.simulator.core import Core

BUSY, DECLINED, NOT_FOUND, FORBIDDEN, UNAVAILABLE, TOO_MANY_HOPS = 486, 603, 404, 403, 480, 483
# An application that passes calls on to its own numbers would never come to an end (assumed; SIP begins with 70).
MOST_HOPS = 10
# Who hides its number without saying under which word (assumed).
NAMELESS = "Anonymous"


def cause(code: int) -> str:
    """The cause that a refusal's status stands for (assumed, webhooks 4)."""
    if code in (486, 600):
        return "busy"
    if code in (408, 487):
        return "timeout"
    return "error" if 500 <= code < 600 else "rejected"


def refuse(core: Core, call: Call, code: int, message: str | None = None, *, rule: str) -> None:
    """The far end refuses the INVITE, which ends an outbound call."""
    call.sip.response_code = code
    core.follow("sip.causes")
    lifecycle.end(core, call, cause(code), message, rule=rule)


def establish(core: Core, call: Call) -> None:
    """The INVITE is sent, or has come: from now on the dialog has a name."""
    call.sip.call_id = core.ids("dialog")


_CAME_WITH = {"uui": "call.wire-uui", "diversion": "diversion.told", "stirShaken": "sip.stir-shaken", "sipHeaders": "sip.headers"}


def came_with(core: Core, call: Call) -> dict[str, Any]:
    """What `initiate` tells of the INVITE that came (documented, webhooks/initiate)."""
    sip = call.sip
    told = {"uui": call.uui, "diversion": sip.diversion, "stirShaken": sip.stir_shaken, "sipHeaders": sip.headers}
    for name, rule in _CAME_WITH.items():
        if told[name] is not None:
            core.follow(rule)
    return {**told, "sipCallId": sip.call_id}


def ended_with(core: Core, call: Call) -> dict[str, Any]:
    """What `disconnect` tells of the dialog (documented in 2026, webhooks/disconnect)."""
    if call.sip.call_id is not None:
        core.follow("sip.call-id")
    if call.sip.response_code is not None:
        core.follow("webhook.sip-code")
    return {"sipCallId": call.sip.call_id, "sipResponseCode": call.sip.response_code}


# Who is shown as caller


def shown(call: Call) -> str:
    """The caller that the called side sees."""
    return call.sip.shown or call.from_


def identify(core: Core, call: Call, privacy: bool, name: str | None) -> None:
    """Give an outbound call the caller and the name that its far end is shown."""
    if privacy:
        core.follow("caller.privacy" if name else "caller.nameless")
        call.sip.shown = name or NAMELESS
    elif call.from_ in HIDDEN:
        core.follow("caller.word")
    elif name is not None:
        core.follow("caller.name")
        call.sip.name = name


def invitation(call: Call) -> dict[str, Any]:
    """Who calls whom in an INVITE as its far end sees it, for what happened."""
    extra = {"shown": call.sip.shown, "displayName": call.sip.name, "diversion": call.sip.diversion}
    return {"from": call.from_, "to": call.to, **{name: value for name, value in extra.items() if value is not None}}


# Diversion


def pass_on(core: Core, call: Call, leg: Call, verb: bxml.Transfer | bxml.Forward) -> None:
    """Give a leg what its INVITE carries of the one that came in."""
    leg.sip.diversion, leg.sip.hops = _diverted(core, call, verb), call.sip.hops + 1


def _diverted(core: Core, call: Call, verb: bxml.Transfer | bxml.Forward) -> Mapping[str, str] | None:
    """The newest Diversion of a leg that a `<Transfer>` or `<Forward>` dials (documented, bxml/transfer)."""
    treatment, former = verb.effective("diversion_treatment"), call.sip.diversion
    if treatment == "none":
        if former is not None:
            core.follow("diversion.none")
        return None
    if call.direction != "inbound":
        core.follow("diversion.inbound")
        return None
    core.follow("diversion.propagate" if treatment == "propagate" else "diversion.stack")
    if treatment == "propagate":
        return former
    counted = (former or {}).get("counter", "1" if former else "0")
    counter = int(counted) + 1 if counted.isascii() and counted.isdigit() and len(counted) < 9 else 1
    reason = verb.effective("diversion_reason")
    return {"origTo": call.to, "reason": reason, "privacy": "off", "screen": "no", "counter": str(counter)}
