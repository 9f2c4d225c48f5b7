"""Transfer: one call with two ends (behaviour 2)."""

from __future__ import annotations

import pytest

from tests.simulator.rig import BASE, PHONE, PHONE_2, PHONE_3, Rig
from workbench import bxml, tokens


def to_browser(rig: Rig, **attributes: object) -> tuple[bxml.Transfer, str]:
    session, browser = rig.browser()
    target = bxml.SipUri(tokens.INTERCONNECT, uui=rig.uui(session), transfer_disconnect_url="/left")
    return bxml.Transfer([target], **attributes), browser  # type: ignore[arg-type]


def test_inbound_call_reaches_the_browser() -> None:
    rig = Rig()
    rig.answers["initiate"], _ = to_browser(rig)
    rig.dial(PHONE)
    rig.idle()
    assert rig.events() == ["initiate A"]
    assert rig.hears() == {PHONE: ["browser"], "browser": [PHONE]}
    assert [h.kind for h in rig.happenings if h.kind in ("invite", "ringing", "answered", "joined")] == [
        "invite",
        "ringing",
        "answered",
        "answered",
        "joined",
    ]


def test_phone_hangs_up_and_the_whole_call_falls() -> None:
    rig = Rig()
    rig.answers["initiate"], _ = to_browser(rig, transfer_complete_url="/complete")
    rig.dial(PHONE)
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert rig.events() == ["initiate A", "transferDisconnect B hangup", "disconnect A hangup"]
    assert not rig.hears()[next(iter(rig.hears()))]


def test_webrtc_side_leaves_first_and_the_caller_is_asked() -> None:
    rig = Rig(transferComplete=bxml.SpeakSentence("They left."))
    rig.answers["initiate"], _ = to_browser(rig, transfer_complete_url="/complete")
    rig.dial(PHONE)
    rig.idle()
    phone_side = next(p for p in rig.engine.participants.values() if p.tag == "phone side")
    rig.engine.delete_participant(rig.now, phone_side.id)
    rig.idle()
    assert rig.events() == ["initiate A", "transferDisconnect B hangup", "transferComplete A hangup", "disconnect A hangup"]


def test_outbound_speaks_before_it_invites() -> None:
    rig = Rig()
    transfer, _ = to_browser(rig)
    rig.answers["answer"] = [bxml.SpeakSentence("One moment please."), transfer]
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A"]
    kinds = [kind for kind in rig.kinds() if kind in ("queued", "invite", "answered", "speak", "joined")]
    assert kinds == ["queued", "invite", "answered", "speak", "invite", "answered", "joined"]


def test_nobody_answers_and_no_url_ends_the_call() -> None:
    rig = Rig()
    rig.answers["initiate"], _ = to_browser(rig)
    rig.engine.configure_interconnect({"answer": False})
    rig.dial(PHONE)
    rig.idle()
    assert rig.now - 1_700_000_000 == 30
    assert rig.events() == ["initiate A", "transferDisconnect B timeout", "disconnect A hangup"]


def test_nobody_answers_and_the_caller_is_asked_once() -> None:
    rig = Rig(transferComplete=bxml.SpeakSentence("Nobody is there."))
    transfer, _ = to_browser(rig, transfer_complete_url="/complete", call_timeout=10.0)
    rig.answers["initiate"] = [transfer, bxml.SpeakSentence("Never said.")]
    rig.engine.configure_interconnect({"answer": False})
    rig.dial(PHONE)
    rig.idle()
    assert rig.events() == ["initiate A", "transferDisconnect B timeout", "transferComplete A timeout", "disconnect A hangup"]
    assert [h.data["text"] for h in rig.happenings if h.kind == "speak"] == ["Nobody is there."]


@pytest.mark.parametrize(
    ("script", "cause"),
    [({"busy": True}, "busy"), ({"reject": True}, "rejected"), ({"answer": False}, "timeout"), ({"rings": False}, "timeout")],
)
def test_failed_target_tells_its_cause(script: dict[str, object], cause: str) -> None:
    transfer = bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_disconnect_url="/left")], transfer_complete_url="/complete")
    rig = Rig(answer=transfer)
    rig.engine.configure_phone(PHONE_2, script)
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", f"transferDisconnect B {cause}", f"transferComplete A {cause}", "disconnect A hangup"]


def test_without_complete_url_the_next_verb_runs() -> None:
    rig = Rig(answer=[bxml.Transfer([bxml.PhoneNumber(PHONE_2)]), bxml.SpeakSentence("Next.")])
    rig.engine.configure_phone(PHONE_2, {"busy": True})
    rig.call(PHONE, "A")
    rig.idle()
    assert "speak" in rig.kinds()


def test_the_first_of_several_targets_wins() -> None:
    targets = [bxml.PhoneNumber(number, transfer_disconnect_url="/left") for number in (PHONE_2, PHONE_3)]
    rig = Rig(answer=bxml.Transfer(targets, transfer_complete_url="/complete"))
    rig.engine.configure_phone(PHONE_2, {"ring_seconds": 3})
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "transferDisconnect B cancel"]
    assert rig.webhooks[-1].body["transferTo"] == PHONE_2
    rig.engine.phone_hangup(rig.now, PHONE_3)
    rig.idle()
    assert rig.events()[2:] == ["transferDisconnect B hangup", "transferComplete A hangup", "disconnect A hangup"]


def test_of_several_targets_none_answers() -> None:
    targets = [bxml.PhoneNumber(number, transfer_disconnect_url="/left") for number in (PHONE_2, PHONE_3)]
    rig = Rig(answer=bxml.Transfer(targets, transfer_complete_url="/complete"))
    rig.engine.configure_phone(PHONE_2, {"busy": True})
    rig.engine.configure_phone(PHONE_3, {"reject": True})
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == [
        "answer A",
        "transferDisconnect B busy",
        "transferDisconnect B rejected",
        "transferComplete A rejected",
        "disconnect A hangup",
    ]


def test_answer_document_runs_on_the_answering_leg_alone() -> None:
    rig = Rig(transferAnswer=bxml.SpeakSentence("A call for you."))
    rig.answers["answer"] = bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_answer_url="/screen")])
    call = rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "transferAnswer B"]
    leg = rig.webhooks[-1].body
    assert leg["parentCallId"] == call and leg["direction"] == "outbound" and leg["transferTo"] == PHONE_2
    assert (leg["from"], leg["to"]) == (rig.engine.call(call).from_, PHONE)
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}
    kinds = [kind for kind in rig.kinds() if kind in ("answered", "speak", "joined")]
    assert kinds == ["answered", "answered", "speak", "joined"]


def test_hangup_in_the_answer_document_ends_the_transfer() -> None:
    rig = Rig(transferAnswer=bxml.Hangup())
    rig.answers["answer"] = bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_answer_url="/screen")], transfer_complete_url="/complete")
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "transferAnswer B", "transferComplete A hangup", "disconnect A hangup"]


def test_a_verb_not_allowed_on_the_answering_leg() -> None:
    rig = Rig(transferAnswer=bxml.Conference("room"))
    rig.answers["answer"] = bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_answer_url="/screen")], transfer_complete_url="/complete")
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "transferAnswer B", "transferComplete A invalid-bxml", "disconnect A hangup"]


def test_the_caller_hangs_up_while_it_rings() -> None:
    rig = Rig(answer=bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_disconnect_url="/left")], transfer_complete_url="/complete"))
    rig.engine.configure_phone(PHONE_2, {"by_hand": True})
    rig.call(PHONE, "A")
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert rig.events() == ["answer A", "transferDisconnect B cancel", "disconnect A hangup"]


def test_redirect_breaks_the_webrtc_connection() -> None:
    rig = Rig(redirect=[bxml.SpeakSentence("Changed."), bxml.Pause(60)])
    rig.answers["initiate"], _ = to_browser(rig, transfer_complete_url="/complete")
    call = rig.dial(PHONE)
    rig.idle()
    rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
    rig.idle()
    assert rig.events() == ["initiate A", "transferDisconnect B hangup", "redirect A"]
    assert rig.engine.call(call).answered and rig.hears() == {PHONE: [], "browser": []}


def test_redirect_of_the_other_leg_completes_the_transfer() -> None:
    rig = Rig(redirect=bxml.Pause(60), transferComplete=bxml.Pause(60))
    rig.answers["answer"] = bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_disconnect_url="/left")], transfer_complete_url="/complete")
    rig.call(PHONE, "A")
    rig.idle()
    leg = rig.engine.on_phone[PHONE_2]
    rig.engine.update_call(rig.now, leg, {"redirectUrl": f"{BASE}/redirect"})
    rig.idle()
    assert rig.events() == ["answer A", "transferComplete A hangup", "redirect B"]
    rig.engine.phone_hangup(rig.now, PHONE_2)
    assert rig.settle().events()[3:] == ["transferDisconnect B hangup"]


@pytest.mark.parametrize("spoil", ["forged", "expired", "deleted", "missing"])
def test_a_bad_token_is_rejected(spoil: str) -> None:
    rig = Rig()
    transfer, _ = to_browser(rig, transfer_complete_url="/complete")
    (target,) = transfer.transfer_to
    if spoil == "forged":
        transfer = bxml.Transfer([bxml.SipUri(target.uri, uui=target.uui.replace(".", ".A", 1))], transfer_complete_url="/complete")
    elif spoil == "missing":
        transfer = bxml.Transfer([bxml.SipUri(target.uri)], transfer_complete_url="/complete")
    elif spoil == "deleted":
        phone_side = next(p for p in rig.engine.participants.values() if p.tag == "phone side")
        rig.engine.delete_participant(rig.now, phone_side.id)
    else:
        rig.advance(24 * 3600 + 1)
    rig.answers["initiate"] = transfer
    rig.dial(PHONE)
    rig.idle()
    assert rig.events()[0] == "initiate A" and "transferComplete A rejected" in rig.events()
    assert "inviteRefused" in rig.kinds()


def test_second_leg_with_one_token_drops_the_first() -> None:
    rig = Rig(transferComplete=bxml.Pause(60))
    rig.answers["initiate"], _ = to_browser(rig, transfer_complete_url="/complete")
    rig.dial(PHONE)
    rig.idle()
    rig.dial(PHONE_2, "C")
    rig.idle()
    assert rig.events() == ["initiate A", "initiate C", "transferDisconnect B hangup", "transferComplete A hangup"]
    assert rig.hears()["browser"] == [PHONE_2]


def test_caller_id_is_passed_on_or_replaced() -> None:
    rig = Rig()
    rig.answers["initiate"] = bxml.Transfer([bxml.PhoneNumber(PHONE_2)])
    rig.dial(PHONE)
    rig.idle()
    assert rig.engine.call(rig.engine.on_phone[PHONE_2]).from_ == PHONE
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.answers["initiate"] = bxml.Transfer([bxml.PhoneNumber(PHONE_2)], transfer_caller_id="+19195550100")
    rig.dial(PHONE)
    rig.idle()
    assert rig.engine.call(rig.engine.on_phone[PHONE_2]).from_ == "+19195550100"


def test_a_leg_that_takes_its_own_callers_token_ends_everything() -> None:
    rig = Rig()
    session, _ = rig.browser()
    uui = rig.uui(session)
    rig.answers["answer"] = bxml.Transfer([bxml.SipUri(tokens.INTERCONNECT, uui=uui), bxml.PhoneNumber(PHONE)])
    rig.call(tokens.INTERCONNECT, "L", uui=uui)
    assert rig.idle().events() == ["answer L", "disconnect L hangup"]
    assert PHONE not in rig.engine.on_phone


def test_hundreds_of_transfers_that_fail_at_once() -> None:
    busy = bxml.Transfer([bxml.PhoneNumber("+19195550191"), bxml.PhoneNumber("+19195550193")])
    rig = Rig(answer=[busy] * 300)
    rig.call(PHONE, "A")
    assert rig.idle().events() == ["answer A", "disconnect A hangup"]
    assert rig.kinds().count("next") == 300
