"""Forward: an unanswered inbound call, given away (bxml 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import APPLICATION, BASE, NUMBER, PHONE, PHONE_2, PHONE_3, Rig
from workbench import bxml
from workbench.simulator.effects import Refusal

PARK = bxml.Pause(3600)


def forwarded(*others: bxml.Verb, **attributes: Any) -> tuple[Rig, str]:
    """A call from PHONE that is forwarded to PHONE_2, as far as it gets."""
    rig = Rig(initiate=[*others, bxml.Forward(PHONE_2, **attributes), bxml.SpeakSentence("Never said.")])
    call = rig.dial(PHONE)
    rig.idle()
    return rig, call


def test_the_other_party_answers_and_either_side_ends_it() -> None:
    for leaver in (PHONE, PHONE_2):
        rig, call = forwarded()
        assert rig.engine.calls[call].answered and rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}
        assert [h.kind for h in rig.happenings] == [
            *("arrived", "forwarded", "invite", "ringing", "answered", "answered", "joined"),
        ]
        rig.engine.phone_hangup(rig.now, leaver)
        rig.idle()
        assert rig.events() == ["initiate A", "disconnect A hangup"]
        assert rig.webhooks[-1].url == f"{BASE}/disconnect"
        assert not rig.engine.links and not rig.engine.on_phone


@pytest.mark.parametrize(
    ("script", "cause"),
    [({"busy": True}, "busy"), ({"reject": True}, "rejected"), ({"answer": False}, "timeout"), ({"rings": False}, "timeout")],
)
def test_nobody_answers(script: dict[str, Any], cause: str) -> None:
    rig = Rig(initiate=bxml.Forward(PHONE_2, call_timeout=10))
    rig.engine.configure_phone(PHONE_2, script)
    rig.dial(PHONE)
    rig.idle()
    assert rig.events() == ["initiate A", f"disconnect A {cause}"]
    assert "answerTime" not in rig.webhooks[-1].body and "sipResponseCode" not in rig.webhooks[-1].body


def test_the_caller_gives_up() -> None:
    rig = Rig(initiate=bxml.Forward(PHONE_2))
    rig.engine.configure_phone(PHONE_2, {"by_hand": True})
    rig.dial(PHONE)
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert rig.events() == ["initiate A", "disconnect A cancel"]
    assert [call.cause for call in rig.engine.calls.values()] == ["cancel", "cancel"]


def test_who_calls() -> None:
    for attributes, caller in (({}, NUMBER), ({"_from": PHONE_3}, PHONE_3), ({"_from": "Private"}, "Private")):
        rig, _ = forwarded(**attributes)
        assert next(h.data["from"] for h in rig.happenings if h.kind == "invite") == caller


def test_the_application_has_no_control() -> None:
    rig, call = forwarded()
    for call_id in rig.engine.calls:
        for change in ({"state": "completed"}, {"redirectUrl": f"{BASE}/redirect"}):
            with pytest.raises(Refusal) as refused:
                rig.engine.update_call(rig.now, call_id, change)
            assert (refused.value.status, refused.value.rule) == (409, "forward.control")
        with pytest.raises(Refusal):
            rig.engine.update_call_bxml(rig.now, call_id, b"<Bxml><Hangup/></Bxml>")
    assert rig.engine.calls[call].answered


@pytest.mark.parametrize("event", ["answer", "initiate"])
def test_other_calls_cannot_be_forwarded(event: str) -> None:
    document = [bxml.Forward(PHONE_2)] if event == "answer" else [bxml.SpeakSentence("Hello."), bxml.Forward(PHONE_2)]
    rig = Rig(**{event: document})
    rig.call(PHONE, "A") if event == "answer" else rig.dial(PHONE)
    rig.idle()
    assert rig.events() == [f"{event} A", "disconnect A application-error"]
    assert "unanswered" in rig.webhooks[-1].body["errorMessage"]


def test_no_keys_are_told_any_more() -> None:
    rig, _ = forwarded(bxml.StartGather("/keys"))
    rig.engine.phone_keys(rig.now, PHONE, "1")
    assert "dtmf A" not in rig.settle().events() and "gatherStopped" in rig.kinds()
    assert [h.data.get("phone") for h in rig.happenings if h.kind == "keyHeard"] == [PHONE_2]


def test_a_forwarded_call_cannot_be_bridged() -> None:
    rig, call = forwarded()
    leg = next(other for other in rig.engine.calls if other != call)
    for target in (call, leg):
        rig.answers["answer"] = [bxml.Bridge(target, bridge_complete_url="/complete"), PARK]
        rig.call(PHONE_3, "C")
        rig.idle()
        assert rig.events()[-1] == "disconnect C hangup" and rig.events()[-2] == "bridgeComplete C rejected"
    assert rig.hears()[PHONE] == [PHONE_2]


def test_calls_do_not_go_round_for_ever() -> None:
    for verb in (bxml.Forward(NUMBER), bxml.Transfer([bxml.PhoneNumber(NUMBER)])):
        rig = Rig(initiate=verb)
        rig.dial(PHONE)
        rig.idle()
        assert sum(event.startswith("initiate") for event in rig.events()) == 11
        assert not any(call.active for call in rig.engine.calls.values())


def test_forwarded_to_another_number() -> None:
    answers = iter([bxml.Forward(NUMBER), bxml.Hangup()])
    rig = Rig(initiate=lambda body: next(answers))
    rig.dial(PHONE)
    rig.idle()
    assert rig.events() == ["initiate A", "initiate", "disconnect A rejected", "disconnect rejected"]


def test_who_picks_up_and_thereby_loses_its_call_is_joined_with_nobody() -> None:
    """A is transferred to two numbers; X forwards to a third, where Z bridges Y: answering X makes its leg win, and Y fall."""
    arrived: dict[str, str] = {}
    numbers = [f"+1919555010{place}" for place in (2, 3, 4)]

    def initiate(body: Mapping[str, Any]) -> bxml.Verb:
        arrived[body["to"]] = body["callId"]
        if body["to"] == NUMBER:
            return bxml.Transfer([bxml.PhoneNumber(number) for number in numbers[:2]])
        return bxml.Forward(numbers[2]) if body["to"] == numbers[0] else bxml.Ring(30, answer_call=False)

    rig = Rig(initiate=initiate)
    for number in numbers:
        rig.engine.put_number(number, {"applicationId": APPLICATION})
    rig.dial(PHONE, "A")
    rig.settle()
    _, y, z = (arrived[number] for number in numbers)
    rig.engine.update_call_bxml(rig.now, z, bxml.Response([bxml.Bridge(y)]).to_bxml().encode())
    rig.settle()
    joined = [happening for happening in rig.happenings if happening.kind == "joined"]
    assert all(set(happening.data["callIds"]) <= set(rig.engine.links) for happening in joined), joined
