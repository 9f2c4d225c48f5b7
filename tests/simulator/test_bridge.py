"""Bridge: two independent calls, joined (behaviour 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import APPLICATION, BASE, NUMBER, PHONE, PHONE_2, Rig
from workbench import bxml, tokens

URLS = {"bridge_complete_url": "/complete", "bridge_target_complete_url": "/target"}


class Bridging:
    """The first call to answer parks, the second runs Bridge on it."""

    def __init__(self, rig: Rig, **urls: str) -> None:
        self.rig = rig
        self.urls = urls
        self.first: str | None = None

    def __call__(self, body: Mapping[str, Any]) -> bxml.Verb:
        if self.first is None:
            self.first = body["callId"]
            return bxml.Pause(120)
        return bxml.Bridge(self.first, **self.urls)  # type: ignore[arg-type]


def bridged(phone_first: bool = False, **urls: str) -> tuple[Rig, str, str]:
    """A rig with a phone and the WebRTC leg in a bridge, and their call ids."""
    rig = Rig(bridgeComplete=bxml.Pause(60), bridgeTargetComplete=bxml.Pause(60), redirect=bxml.Pause(60))
    rig.answers["answer"] = Bridging(rig, **urls)
    session, _ = rig.browser()
    if phone_first:
        rig.engine.configure_phone(PHONE, {"ring_seconds": 0.1})
    phone = rig.call(PHONE, "A")
    webrtc = rig.call(tokens.INTERCONNECT, "L", uui=rig.uui(session))
    rig.idle()
    return rig, phone, webrtc


@pytest.mark.parametrize("phone_first", [False, True])
def test_either_may_answer_first(phone_first: bool) -> None:
    rig, _, _ = bridged(phone_first)
    assert rig.events() == (["answer A", "answer L"] if phone_first else ["answer L", "answer A"])
    assert rig.hears() == {PHONE: ["browser"], "browser": [PHONE]}


# Who ran Bridge, who leaves, which URL is set: what the one that stays is told.
@pytest.mark.parametrize("how", ["hangup", "redirect"])
@pytest.mark.parametrize(
    ("phone_first", "leaver", "urls", "told"),
    [
        (False, "A", URLS, ["bridgeTargetComplete L"]),
        (False, "L", URLS, ["bridgeComplete A"]),
        (True, "A", URLS, ["bridgeComplete L"]),
        (True, "L", URLS, ["bridgeTargetComplete A"]),
        (False, "A", {}, ["disconnect L hangup"]),
        (False, "L", {}, ["disconnect A hangup"]),
    ],
)
def test_exactly_one_completion(phone_first: bool, leaver: str, urls: dict[str, str], told: list[str], how: str) -> None:
    rig, phone, webrtc = bridged(phone_first, **urls)
    before = len(rig.events())
    call = phone if leaver == "A" else webrtc
    if how == "hangup":
        rig.engine.update_call(rig.now, call, {"state": "completed"})
    else:
        rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
    rig.idle()
    own = f"disconnect {leaver} hangup" if how == "hangup" else f"redirect {leaver}"
    assert rig.events()[before:] == [*told, own]


def test_without_complete_url_the_next_verb_runs() -> None:
    rig = Rig()
    first = rig.call(PHONE, "A")
    rig.answers["answer"] = lambda body: bxml.Pause(60) if body["callId"] == first else [bxml.Bridge(first), bxml.Pause(5)]
    rig.idle()
    second = rig.call(PHONE_2, "C")
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.settle()
    assert rig.engine.call(second).answered


def test_the_targets_document_is_cancelled() -> None:
    rig, _, webrtc = bridged(**URLS)
    assert rig.engine.call(webrtc).program == [] and rig.engine.call(webrtc).verb is None
    rig.advance(200)
    assert rig.events() == ["answer L", "answer A"]


def test_an_unanswered_inbound_call_is_answered_by_the_bridge() -> None:
    rig = Rig(initiate=bxml.Pause(500))
    inbound = rig.dial(PHONE)
    rig.idle()
    assert not rig.engine.call(inbound).answered
    rig.answers["answer"] = bxml.Bridge(inbound)
    rig.call(PHONE_2, "C")
    rig.idle()
    assert rig.engine.call(inbound).answered
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}


def failing(target: str, rig: Rig) -> dict[str, Any]:
    rig.answers["answer"] = bxml.Bridge(target, **URLS)  # type: ignore[arg-type]
    rig.answers["bridgeComplete"] = bxml.Pause(60)
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events()[-1].startswith("bridgeComplete A")
    return dict(rig.webhooks[-1].body)


def test_bridge_to_a_ringing_call_is_rejected() -> None:
    rig = Rig()
    rig.engine.configure_phone(PHONE_2, {"by_hand": True})
    told = failing(rig.call(PHONE_2, "C"), rig)
    assert told["cause"] == "rejected" and told["errorMessage"] and told["errorId"]


def test_bridge_to_an_ended_or_unknown_call_fails() -> None:
    rig = Rig()
    ended = rig.call(PHONE_2, "C")
    rig.engine.update_call(rig.now, ended, {"state": "completed"})
    assert failing(ended, rig)["cause"] == "unknown"
    assert failing("c-unknown", Rig())["cause"] == "unknown"


def test_bridge_to_itself_fails() -> None:
    rig = Rig(bridgeComplete=bxml.Pause(60))
    rig.answers["answer"] = lambda body: bxml.Bridge(body["callId"], bridge_complete_url="/complete")
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "bridgeComplete A unknown"]


def test_bridge_to_a_bridged_call_is_busy() -> None:
    rig, phone, _ = bridged(**URLS)
    rig.answers["answer"] = bxml.Bridge(phone, bridge_complete_url="/complete")
    rig.call(PHONE_2, "C")
    rig.idle()
    assert rig.events()[-1] == "bridgeComplete C busy"
    assert rig.hears()[PHONE] == ["browser"]


def test_failed_bridge_without_url_runs_the_next_verb() -> None:
    rig = Rig(answer=[bxml.Bridge("c-unknown"), bxml.SpeakSentence("Sorry.")])
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "disconnect A hangup"] and "speak" in rig.kinds()


def test_one_webrtc_leg_serves_a_series_of_callers() -> None:
    rig, phone, webrtc = bridged(**URLS)
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    rig.answers["answer"] = bxml.Bridge(webrtc, **URLS)  # type: ignore[arg-type]
    rig.call(PHONE_2, "C")
    rig.idle()
    assert rig.hears() == {PHONE_2: ["browser"], "browser": [PHONE_2]}
    assert rig.events()[2:] == ["bridgeTargetComplete L", "disconnect A hangup", "answer C"]
    assert rig.engine.call(phone).cause == "hangup"


def test_bridging_a_member_takes_it_out_of_its_conference() -> None:
    rig = Rig(answer=bxml.Conference("room", conference_event_url="/room"))
    member = rig.call(PHONE, "A")
    rig.idle()
    rig.answers["answer"] = bxml.Bridge(member)
    rig.call(PHONE_2, "C")
    rig.idle()
    assert rig.events()[-2:] == ["conferenceMemberExit A", "conferenceCompleted"]
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}


def test_bridging_a_transferred_call_ends_the_transfer() -> None:
    rig = Rig(answer=bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_disconnect_url="/left")], transfer_complete_url="/complete"))
    caller = rig.call(PHONE, "A")
    rig.idle()
    rig.answers["answer"] = bxml.Bridge(caller)
    rig.call("+19195550114", "C")
    rig.idle()
    assert rig.events() == ["answer A", "answer C", "transferDisconnect B hangup"]
    assert rig.hears()[PHONE] == ["+19195550114"]


def test_a_call_that_is_taken_while_it_bridges_stays_with_the_one_that_took_it() -> None:
    rig = Rig()
    documents: dict[str, list[bxml.Verb]] = {"A": [bxml.Transfer([bxml.PhoneNumber("+19195550113")])]}
    rig.answers["answer"] = lambda body: documents[rig.names[body["callId"]]]
    taken = rig.call(PHONE_2, "C")
    documents["A"].append(bxml.Bridge(taken))
    rig.engine.configure_phone(PHONE_2, {"ring_seconds": 9})
    rig.call(PHONE, "A")
    rig.advance(5)
    leg = next(call for call in rig.engine.calls.values() if call.parent_call_id)
    documents["C"] = [bxml.Bridge(leg.call_id)]
    rig.idle()
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}
    assert not leg.active


NUMBER_2, NUMBER_3 = "+19195550102", "+19195550103"


def two_numbers_ring(**answers: object) -> tuple[Rig, str, str]:
    """A caller is transferred to two numbers of the account, neither of which has answered yet; both calls that arrived there."""
    arrived: dict[str, str] = {}

    def initiate(body: Mapping[str, Any]) -> bxml.Verb:
        arrived[body["to"]] = body["callId"]
        targets = [bxml.PhoneNumber(number, **answers) for number in (NUMBER_2, NUMBER_3)]  # type: ignore[arg-type]
        return bxml.Transfer(targets) if body["to"] == NUMBER else bxml.Ring(30, answer_call=False)

    rig = Rig(initiate=initiate)
    for number in (NUMBER_2, NUMBER_3):
        rig.engine.put_number(number, {"applicationId": APPLICATION})
    rig.dial(PHONE, "A")
    rig.settle()
    rig.names |= {arrived[NUMBER_2]: "X", arrived[NUMBER_3]: "Y"}
    return rig, arrived[NUMBER_2], arrived[NUMBER_3]


def test_two_targets_of_one_transfer_cannot_be_bridged_since_one_of_them_loses() -> None:
    rig, x, y = two_numbers_ring()
    rig.engine.update_call_bxml(rig.now, x, bxml.Response([bxml.Bridge(y), bxml.Pause(50)]).to_bxml().encode())
    rig.settle()
    assert rig.events()[3:] == ["disconnect Y cancel"]
    assert [happening.rule for happening in rig.happenings if happening.kind in ("joined", "parted")] == ["transfer.join"]


def test_a_winner_that_loses_its_call_by_its_victory_is_joined_with_nobody() -> None:
    rig, x, y = two_numbers_ring(transfer_answer_url="/transferAnswer")
    rig.engine.update_call_bxml(rig.now, x, bxml.Response([bxml.Bridge(y)]).to_bxml().encode())
    rig.settle()
    assert rig.events()[3:] == ["disconnect A hangup", "disconnect X hangup", "disconnect Y cancel"]
    assert "joined" not in rig.kinds() and not rig.engine.links
