"""Keys: pressed, sent, heard and told (bxml 7)."""

from __future__ import annotations

import pytest

from tests.simulator.rig import BASE, NUMBER, PHONE, PHONE_2, PHONE_3, START, Rig
from workbench import bxml, tokens
from workbench.simulator import keys
from workbench.simulator.effects import Refusal

LISTEN = bxml.StartGather("/keys", username="u", password="p")
PARK = bxml.Pause(3600)


def press(rig: Rig, number: str, digits: str) -> None:
    rig.engine.phone_keys(rig.now, number, digits)
    rig.advance(0.1 * (len(digits) - 1))


def told(rig: Rig) -> list[str]:
    """The digits of every dtmf, each with whose it is."""
    return [f"{rig.names.get(w.body['callId'], 'B')} {w.body['digit']}" for w in rig.webhooks if w.body["eventType"] == "dtmf"]


def heard(rig: Rig) -> list[tuple[str, str]]:
    """Which phone or participant heard which key."""
    noted = [h.data for h in rig.happenings if h.kind == "keyHeard"]
    return [(str(data.get("phone") or data.get("participantId")), str(data["digit"])) for data in noted]


# StartGather and StopGather


def test_only_so_many_keys_wait_to_be_pressed() -> None:
    rig = Rig(answer=[LISTEN, PARK])
    rig.call(PHONE, "A")
    rig.advance(1.5)
    rig.engine.phone_keys(rig.now, PHONE, "1" * keys.MOST_WAITING)
    with pytest.raises(Refusal, match="at most 1000 keys wait") as refused:
        rig.engine.phone_keys(rig.now, PHONE, "22")
    assert (refused.value.status, refused.value.rule) == (409, "phone.keys")
    rig.advance(0.1)
    rig.engine.phone_keys(rig.now, PHONE, "2")
    rig.advance(100)
    assert "".join(entry[-1] for entry in told(rig)) == "1" * 1000 + "2"


def test_keys_are_told_while_other_verbs_run() -> None:
    rig = Rig(answer=[LISTEN, bxml.SpeakSentence("A sentence of some length."), PARK], dtmf=bxml.Hangup())
    rig.call(PHONE, "A", tag="mine")
    rig.advance(1.5)
    press(rig, PHONE, "1#")
    rig.advance(60)
    press(rig, PHONE, "d")
    assert rig.events() == ["answer A", "dtmf A", "dtmf A", "dtmf A"]
    assert told(rig) == ["A 1", "A #", "A d"]
    webhook = rig.webhooks[1]
    assert (webhook.url, webhook.method, webhook.username, webhook.password) == (f"{BASE}/keys", "POST", "u", "p")
    assert webhook.body["tag"] == "mine" and "answerTime" in webhook.body and "parentCallId" not in webhook.body


def test_stop_gather_ends_it_and_without_one_does_nothing() -> None:
    rig = Rig(answer=[bxml.StopGather(), LISTEN, bxml.Pause(10), bxml.StopGather(), PARK])
    rig.call(PHONE, "A")
    rig.advance(2)
    press(rig, PHONE, "1")
    rig.advance(20)
    press(rig, PHONE, "2")
    assert told(rig) == ["A 1"]
    assert rig.kinds().count("gatherStopped") == 1


def test_a_gather_has_the_keys_to_itself() -> None:
    rig = Rig(answer=[LISTEN, bxml.Gather(gather_url="/gather", max_digits=2)], gather=PARK)
    rig.call(PHONE, "A")
    rig.advance(2)
    press(rig, PHONE, "12")
    press(rig, PHONE, "3")
    assert rig.events() == ["answer A", "gather A", "dtmf A"]
    assert told(rig) == ["A 3"]


def test_the_newest_start_gather_counts_and_outlives_its_document() -> None:
    rig = Rig(answer=[LISTEN, bxml.StartGather("/newer", dtmf_method="GET"), PARK], redirect=PARK)
    call = rig.call(PHONE, "A")
    rig.advance(2)
    rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
    rig.settle()
    press(rig, PHONE, "1")
    assert [(w.method, w.url) for w in rig.webhooks if w.body["eventType"] == "dtmf"] == [("GET", f"{BASE}/newer")]
    rig.engine.phone_hangup(rig.now, PHONE)
    assert not rig.engine.key_hooks


def test_start_gather_answers_no_call() -> None:
    rig = Rig(initiate=[LISTEN, PARK])
    rig.dial(PHONE)
    rig.advance(2)
    assert not rig.engine.calls[next(iter(rig.names))].answered


def test_both_legs_of_a_transfer_are_told_their_own_keys() -> None:
    to = bxml.PhoneNumber(PHONE_2, transfer_answer_url="/screen")
    rig = Rig(initiate=[LISTEN, bxml.Transfer([to])], transferAnswer=bxml.StartGather("/b-keys"))
    rig.dial(PHONE)
    rig.advance(3)
    press(rig, PHONE, "1")
    press(rig, PHONE_2, "2")
    assert told(rig) == ["A 1", "B 2"]
    assert heard(rig) == [(PHONE_2, "1"), (PHONE, "2")]
    body = rig.webhooks[-1].body
    assert (body["parentCallId"], body["transferTo"]) == (next(iter(rig.names)), PHONE_2)
    assert (body["from"], body["to"]) == (PHONE, NUMBER) and body["transferCallerId"] == PHONE


# SendDtmf


def test_tones_take_their_time() -> None:
    rig = Rig(answer=[bxml.SendDtmf("1w2,,3W", tone_duration=100, tone_interval=300), bxml.SpeakSentence("Done.")])
    rig.call(PHONE, "A")
    rig.idle()
    noted = [(h.kind, h.data.get("digit"), round(h.time - START - 1, 3)) for h in rig.happenings if h.kind in ("keyHeard", "speak")]
    assert noted == [("keyHeard", "1", 0), ("keyHeard", "2", 0.6), ("keyHeard", "3", 1.7), ("speak", None, 2.8)]


def test_an_interval_follows_each_tone() -> None:
    rig = Rig(initiate=[bxml.SendDtmf("12"), bxml.SpeakSentence("Done.")])
    rig.dial(PHONE)
    rig.idle()
    assert [round(h.time - START, 3) for h in rig.happenings if h.kind in ("keyHeard", "speak")] == [0, 0.6, 1.2]
    assert rig.events() == ["initiate A", "disconnect A hangup"]


def test_tones_reach_the_gather_of_another_number() -> None:
    rig = Rig(answer=[bxml.SendDtmf("12#"), PARK], initiate=bxml.Gather(gather_url="/gather", terminating_digits="#"), gather=PARK)
    rig.call(NUMBER, "A")
    rig.advance(5)
    assert rig.events() == ["initiate", "answer A", "gather"]
    assert (rig.webhooks[2].body["digits"], rig.webhooks[2].body["terminatingDigit"]) == ("12", "#")


def test_a_tone_may_end_its_own_call() -> None:
    rig = Rig(answer=[bxml.SendDtmf("12"), PARK], initiate=[bxml.Gather(max_digits=1), bxml.Hangup()])
    rig.call(NUMBER, "A")
    rig.idle()
    assert rig.events() == ["initiate", "answer A", "disconnect A hangup", "disconnect hangup"]
    assert [h.data["digit"] for h in rig.happenings if h.kind == "keyHeard"] == ["1"]


def test_keys_after_one_that_ended_the_call_are_lost() -> None:
    rig = Rig(answer=[bxml.Gather(max_digits=1), bxml.Hangup()])
    rig.call(PHONE, "A")
    rig.advance(2)
    press(rig, PHONE, "12")
    assert rig.events() == ["answer A", "disconnect A hangup"]
    assert [h.data["digits"] for h in rig.happenings if h.kind == "keys"] == ["1"] and not rig.engine.pressed


def test_keys_keep_their_order_however_they_are_pressed() -> None:
    rig = Rig(answer=[LISTEN, PARK])
    rig.call(PHONE, "A")
    rig.idle()
    rig.engine.phone_keys(rig.now, PHONE, "123")
    rig.engine.phone_keys(rig.now, PHONE, "45")
    start = rig.now
    assert told(rig.idle()) == ["A 1", "A 2", "A 3", "A 4", "A 5"]
    assert rig.now == pytest.approx(start + 0.4)


# Who hears whom


def test_a_participant_behind_the_interconnect_hears_keys() -> None:
    rig = Rig()
    session, _ = rig.browser()
    rig.answers["initiate"] = bxml.Transfer([bxml.SipUri(tokens.INTERCONNECT, uui=rig.uui(session))])
    rig.dial(PHONE)
    rig.idle()
    press(rig, PHONE, "5")
    assert heard(rig) == [("participant-2", "5")]


def test_members_hear_the_keys_of_those_who_are_not_muted() -> None:
    rig = Rig(answer=[LISTEN, bxml.Conference("room")])
    calls = {number: rig.call(number, number[-1]) for number in (PHONE, PHONE_2, PHONE_3)}
    rig.advance(2)
    press(rig, PHONE, "1")
    conference = next(iter(rig.engine.conferences))
    rig.engine.update_member(rig.now, conference, calls[PHONE], {"mute": True})
    rig.engine.update_member(rig.now, conference, calls[PHONE_3], {"hold": True})
    press(rig, PHONE, "2")
    press(rig, PHONE_2, "3")
    assert heard(rig) == [(PHONE_2, "1"), (PHONE_3, "1"), (PHONE, "3")]
    assert told(rig) == ["1 1", "1 2", "2 3"]


def test_keys_pass_through_a_call_between_two_numbers() -> None:
    targets = iter([NUMBER, PHONE_2])
    rig = Rig(initiate=lambda body: bxml.Transfer([bxml.PhoneNumber(next(targets))]))
    rig.dial(PHONE)
    rig.idle()
    press(rig, PHONE, "9")
    assert heard(rig) == [("None", "9"), (PHONE_2, "9")]
    press(rig, PHONE_2, "8")
    assert heard(rig)[2:] == [("None", "8"), (PHONE, "8")]


def test_keys_do_not_go_round_in_circles() -> None:
    """Both halves of one call are members of one conference: a key reaches each once."""
    rig = Rig(answer=bxml.Conference("room"), initiate=bxml.Conference("room"))
    for number in (NUMBER, PHONE):
        rig.call(number, number)
    rig.advance(2)
    press(rig, PHONE, "4")
    assert heard(rig) == [("None", "4")]
