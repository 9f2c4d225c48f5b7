"""What SIP says of a call: addresses, statuses, headers, diversion, and who is shown as caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import NUMBER, PHONE, PHONE_2, Rig
from workbench import bxml, tokens
from workbench.simulator import sip
from workbench.simulator.effects import Refusal
from workbench.simulator.rules import RULES
from workbench.simulator.voice_shapes import call_state

ALICE = "sip:alice@example.com"
PARK = bxml.Pause(3600)
PASSED = {"verstat": "TN-Validation-Passed", "attestationIndicator": "A", "originatingId": "an id"}
DIVERSION = {"origTo": "+19195550177", "reason": "user-busy", "counter": "2"}


def body(rig: Rig, event: str, last: bool = False) -> Mapping[str, Any]:
    """The body of the first, or last, webhook of an event."""
    found = [webhook.body for webhook in rig.webhooks if webhook.body["eventType"] == event]
    return found[-1 if last else 0]


# Addresses


def test_a_phone_at_a_sip_address_calls_and_is_called_once_it_has_a_script() -> None:
    rig = Rig(initiate=bxml.Hangup(), answer=PARK)
    rig.dial(ALICE, "A")
    rig.idle()
    assert (body(rig, "initiate")["from"], rig.events()) == (ALICE, ["initiate A", "disconnect A rejected"])
    rig.call(ALICE, "B")
    rig.call("SIPS:Bob@example.com", "C")
    rig.idle()
    assert rig.events()[2:] == ["disconnect B rejected", "disconnect C rejected"]
    assert body(rig, "disconnect", last=True)["sipResponseCode"] == 404
    rig.engine.configure_phone(ALICE, {})
    rig.call(ALICE, "D")
    assert rig.idle().events()[4:] == ["answer D"]
    rig.engine.phone_hangup(rig.now, ALICE)
    assert rig.settle().events()[5:] == ["disconnect D hangup"]


def test_what_is_no_phone_is_refused() -> None:
    for address in (tokens.INTERCONNECT, "alice@example.com", "sip:"):
        with pytest.raises(Refusal):
            Rig().engine.configure_phone(address, {})


# What comes with an INVITE


def test_initiate_tells_what_came() -> None:
    rig = Rig(initiate=PARK)
    fields = {"uui": "abc;encoding=base64", "headers": {"X-One": "1", "x-one": "2"}, "diversion": DIVERSION, "stirShaken": PASSED}
    call = rig.engine.dial(rig.now, ALICE, NUMBER, fields | {"identity": "an identity"})
    told = body(rig.settle(), "initiate")
    assert (told["uui"], told["sipHeaders"], told["diversion"], told["stirShaken"]) == (fields["uui"], {"x-one": "2"}, DIVERSION, PASSED)
    assert told["sipCallId"] == "dialog-1" and not {"answerTime", "tag", "enqueuedTime"} & told.keys()
    state = call_state(call)
    assert (state["stirShaken"], state["identity"]) == (PASSED, "an identity")


def test_a_plain_call_tells_none_of_it() -> None:
    rig = Rig(initiate=PARK)
    rig.dial(PHONE)
    told = body(rig.settle(), "initiate")
    assert not {"uui", "sipHeaders", "diversion", "stirShaken"} & told.keys() and told["sipCallId"]


@pytest.mark.parametrize(
    ("caller", "fields", "word", "rule"),
    [
        (PHONE, {"nonsense": 1}, "nonsense", "phone.field"),
        (PHONE, {"headers": {"x-one": "1"}}, "headers", "sip.headers"),
        (ALICE, {"headers": {"Subject": "1"}}, "subject", "sip.headers"),
        (ALICE, {"headers": {"x-one": 1}}, "headers", "phone.field"),
        (ALICE, {"headers": []}, "headers", "phone.field"),
        (PHONE, {"diversion": {"reason": "away"}}, "origTo", "diversion.told"),
        (PHONE, {"stirShaken": {"verstat": "Passed"}}, "verstat", "sip.stir-shaken"),
        (PHONE, {"stirShaken": {"attestationIndicator": "D"}}, "attestationIndicator", "sip.stir-shaken"),
        (PHONE, {"uui": "abc"}, "uui", "request.uui"),
        (PHONE, {"uui": 5}, "uui", "phone.field"),
        (PHONE, {"identity": "x" * 5000}, "identity", "phone.field"),
    ],
)
def test_what_a_phone_cannot_send_is_refused(caller: str, fields: dict[str, Any], word: str, rule: str) -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.engine.dial(rig.now, caller, NUMBER, fields)
    assert word in refused.value.description and refused.value.rule == rule in RULES and not rig.engine.calls


# How an INVITE is refused


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (486, "busy"),
        (600, "busy"),
        (603, "rejected"),
        (404, "rejected"),
        (480, "rejected"),
        (408, "timeout"),
        (487, "timeout"),
        (503, "error"),
    ],
)
def test_statuses_and_their_causes(code: int, cause: str) -> None:
    assert sip.cause(code) == cause
    rig = Rig()
    rig.engine.configure_phone(PHONE, {"refuses_with": code})
    rig.call(PHONE, "A")
    rig.idle()
    told = body(rig, "disconnect")
    assert (told["cause"], told["sipResponseCode"], told["sipCallId"]) == (cause, code, "dialog-1")


def test_only_refusals_have_a_status() -> None:
    rig = Rig(answer=PARK)
    rig.engine.configure_phone(PHONE_2, {"by_hand": True})
    rig.call("+19195550191", "busy")
    rig.call("+19195550193", "declines")
    rig.call("+19195550192", "silent")
    rig.call(PHONE_2, "by hand")
    rig.advance(1)
    rig.engine.phone_reject(rig.now, PHONE_2)
    rig.advance(0)
    rig.call(PHONE_2, "hung up")
    rig.advance(1)
    rig.engine.phone_hangup(rig.now, PHONE_2)
    rig.idle()
    rig.call(PHONE, "answered")
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    queued = rig.engine.calls[rig.call(PHONE, "queued")]
    rig.engine.update_call(rig.now, queued.call_id, {"state": "completed"})
    rig.settle()
    told = {rig.names[w.body["callId"]]: w.body.get("sipResponseCode") for w in rig.webhooks if w.body["eventType"] == "disconnect"}
    assert told == {"busy": 486, "declines": 603, "silent": None, "by hand": 603, "hung up": 603, "answered": None, "queued": None}
    assert "sipCallId" in body(rig, "answer") and "sipCallId" not in body(rig, "disconnect", last=True)


@pytest.mark.parametrize("refuses_with", [399, 700, "busy", True])
def test_a_script_takes_statuses_only(refuses_with: Any) -> None:
    with pytest.raises(Refusal, match="400 to 699"):
        Rig().engine.configure_phone(PHONE, {"refuses_with": refuses_with})


# Diversion


def diverted(**attributes: Any) -> Any:
    """The Diversion that the second of two applications sees."""
    documents = iter([bxml.Transfer([bxml.PhoneNumber(NUMBER)], **attributes), PARK])
    rig = Rig(initiate=lambda body: next(documents))
    rig.engine.dial(rig.now, PHONE, NUMBER, {"diversion": DIVERSION})
    rig.idle()
    return body(rig, "initiate", last=True).get("diversion")


def test_treatments() -> None:
    assert diverted() is None
    assert diverted(diversion_treatment="propagate") == DIVERSION
    assert diverted(diversion_treatment="stack", diversion_reason="no-answer") == {
        "origTo": NUMBER,
        "reason": "no-answer",
        "privacy": "off",
        "screen": "no",
        "counter": "3",
    }


@pytest.mark.parametrize(("former", "counter"), [(None, "1"), ({"origTo": "x"}, "2"), ({"origTo": "x", "counter": "many"}, "1")])
def test_how_often_a_call_was_diverted(former: dict[str, str] | None, counter: str) -> None:
    rig = Rig(initiate=bxml.Forward(PHONE_2, diversion_treatment="stack"))
    rig.engine.dial(rig.now, PHONE, NUMBER, {"diversion": former})
    rig.idle()
    sent = next(h.data["diversion"] for h in rig.happenings if h.kind == "invite")
    assert (sent["counter"], sent["reason"], sent["origTo"]) == (counter, "unknown", NUMBER)


def test_outbound_calls_were_diverted_by_nobody() -> None:
    rig = Rig(answer=bxml.Transfer([bxml.PhoneNumber(PHONE_2)], diversion_treatment="stack"))
    rig.call(PHONE, "A")
    rig.idle()
    assert not any("diversion" in h.data for h in rig.happenings)


# Who is shown as caller


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({}, NUMBER),
        ({"displayName": "Me"}, NUMBER),
        ({"from": "Restricted"}, "Restricted"),
        ({"privacy": True}, "Anonymous"),
        ({"privacy": True, "displayName": "Unavailable"}, "Unavailable"),
    ],
)
def test_what_the_called_side_sees(fields: dict[str, Any], seen: str) -> None:
    rig = Rig(initiate=PARK)
    rig.call(NUMBER, "A", **fields)
    rig.settle()
    rig.idle()
    assert body(rig, "initiate")["from"] == seen
    invite = next(h.data for h in rig.happenings if h.kind == "invite")
    assert invite["from"] == fields.get("from", NUMBER) and invite.get("shown", invite["from"]) == seen
    assert invite.get("displayName") == (fields.get("displayName") if not fields.get("privacy") else None)


def test_a_transfer_hides_its_caller_too() -> None:
    rig = Rig(initiate=bxml.Transfer([bxml.PhoneNumber(PHONE_2)], privacy=True, transfer_complete_url="/complete"))
    rig.engine.configure_phone(PHONE_2, {"hangup_after": 1})
    rig.dial(PHONE)
    rig.idle()
    assert next(h.data["shown"] for h in rig.happenings if h.kind == "invite") == "Anonymous"
    assert body(rig, "transferComplete")["transferCallerId"] == PHONE


@pytest.mark.parametrize(
    ("fields", "rule"), [({"privacy": "yes"}, "request.field"), ({"privacy": True, "displayName": "Me"}, "caller.hidden-name")]
)
def test_bad_identities_are_refused(fields: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refusal) as refused:
        Rig().call(PHONE, "A", **fields)
    assert refused.value.rule == rule
