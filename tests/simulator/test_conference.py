"""Conference: many calls, one room (behaviour 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import BASE, PHONE, PHONE_2, PHONE_3, Rig
from workbench import bxml, tokens
from workbench.simulator.effects import Refusal

ROOM = bxml.Conference("room", conference_event_url="/room", tag="t")


def room(*numbers: str, **answers: Any) -> tuple[Rig, list[str]]:
    """A rig with phones in a conference; their call ids."""
    rig = Rig(answer=ROOM, **answers)
    calls = []
    for place, number in enumerate(numbers):
        calls.append(rig.call(number, "ABCDEF"[place]))
        rig.idle()
    return rig, calls


def conference_id(rig: Rig) -> str:
    return list(rig.engine.conferences)[-1]


def test_the_first_member_makes_it() -> None:
    rig, _ = room(PHONE)
    assert rig.events() == ["answer A", "conferenceCreated", "conferenceMemberJoin A"]
    created = rig.webhooks[1].body
    assert set(created) == {"eventType", "eventTime", "conferenceId", "name", "tag"}
    joined = rig.webhooks[2].body
    assert set(joined) == set(created) | {"callId", "from", "to"} and joined["tag"] == "t"


def test_everybody_hears_everybody_else() -> None:
    rig, _ = room(PHONE, PHONE_2, PHONE_3)
    assert rig.hears() == {PHONE: [PHONE_2, PHONE_3], PHONE_2: [PHONE, PHONE_3], PHONE_3: [PHONE, PHONE_2]}


def test_the_webrtc_leg_is_a_member_like_any() -> None:
    rig, _ = room(PHONE)
    session, _ = rig.browser()
    rig.call(tokens.INTERCONNECT, "L", uui=rig.uui(session))
    rig.idle()
    assert rig.hears() == {PHONE: ["browser"], "browser": [PHONE]}


def test_mute_hold_and_coach() -> None:
    rig, calls = room(PHONE, PHONE_2, PHONE_3)
    change = rig.engine.update_member
    change(rig.now, conference_id(rig), calls[0], {"mute": True})
    assert rig.hears() == {PHONE: [PHONE_2, PHONE_3], PHONE_2: [PHONE_3], PHONE_3: [PHONE_2]}
    change(rig.now, conference_id(rig), calls[0], {"mute": False, "hold": True})
    assert rig.hears() == {PHONE: [], PHONE_2: [PHONE_3], PHONE_3: [PHONE_2]}
    change(rig.now, conference_id(rig), calls[0], {"hold": False, "callIdsToCoach": [calls[1]]})
    assert rig.hears() == {PHONE: [PHONE_2, PHONE_3], PHONE_2: [PHONE, PHONE_3], PHONE_3: [PHONE_2]}
    change(rig.now, conference_id(rig), calls[2], {"callIdsToCoach": [calls[1]]})
    assert rig.engine.member(conference_id(rig), calls[0]).coach == ()
    change(rig.now, conference_id(rig), calls[2], {"callIdsToCoach": []})
    assert rig.events()[-1] == "conferenceMemberJoin C"


def test_a_member_may_join_muted_or_coaching() -> None:
    rig, calls = room(PHONE, PHONE_2)
    rig.answers["answer"] = bxml.Conference("room", mute=True)
    rig.call(PHONE_3, "C")
    rig.idle()
    assert rig.hears()[PHONE] == [PHONE_2]
    rig.answers["answer"] = bxml.Conference("room", call_ids_to_coach=f"{calls[0]}, later")
    rig.call("+19195550114", "D")
    rig.idle()
    assert rig.hears()[PHONE] == [PHONE_2, "+19195550114"] and "+19195550114" not in rig.hears()[PHONE_2]


@pytest.mark.parametrize("how", ["hangup", "redirect"])
def test_one_leaves_and_the_room_stays(how: str) -> None:
    rig, calls = room(PHONE, PHONE_2, PHONE_3, redirect=bxml.Pause(60))
    if how == "hangup":
        rig.engine.update_call(rig.now, calls[1], {"state": "completed"})
    else:
        rig.engine.update_call(rig.now, calls[1], {"redirectUrl": f"{BASE}/redirect"})
    rig.idle()
    own = "disconnect B hangup" if how == "hangup" else "redirect B"
    assert rig.events()[-2:] == ["conferenceMemberExit B", own]
    assert rig.hears()[PHONE] == [PHONE_3]


def test_the_last_one_out_and_the_same_name_again() -> None:
    rig, _ = room(PHONE)
    first = conference_id(rig)
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert rig.events()[-3:] == ["conferenceMemberExit A", "conferenceCompleted", "disconnect A hangup"]
    rig.call(PHONE, "A")
    rig.idle()
    assert conference_id(rig) != first
    assert rig.engine.conference(first).completed_time is not None
    with pytest.raises(Refusal):
        rig.engine.update_conference(rig.now, first, {"status": "completed"})


def test_ended_by_request_the_calls_go_on() -> None:
    rig = Rig(answer=[ROOM, bxml.SpeakSentence("Goodbye.")])
    for place, number in enumerate((PHONE, PHONE_2)):
        rig.call(number, "AB"[place])
        rig.idle()
    rig.engine.update_conference(rig.now, conference_id(rig), {"status": "completed"})
    rig.settle()
    assert rig.events()[-3:] == ["conferenceMemberExit A", "conferenceMemberExit B", "conferenceCompleted"]
    assert rig.kinds()[-2:] == ["speak", "speak"]
    rig.idle()
    assert rig.events()[-2:] == ["disconnect A hangup", "disconnect B hangup"]


def test_twenty_calls_and_one_more() -> None:
    rig = Rig(answer=ROOM)
    for number in range(21):
        rig.call(f"+1919555{2000 + number}", f"m{number}")
        rig.idle()
    assert len(rig.engine.conference(conference_id(rig)).members) == 20
    assert rig.events()[-1] == "disconnect m20 error"
    assert "20 calls" in rig.webhooks[-1].body["errorMessage"]


def test_twenty_four_hours() -> None:
    rig, _ = room(PHONE)
    rig.advance(24 * 3600 - 10)
    assert "conferenceCompleted" not in rig.events()
    rig.advance(10)
    assert rig.events()[-3:] == ["conferenceMemberExit A", "conferenceCompleted", "disconnect A hangup"]


def test_after_nine_hours_the_session_is_gone_and_its_leg_with_it() -> None:
    rig, _ = room(PHONE)
    session, _ = rig.browser()
    rig.call(tokens.INTERCONNECT, "L", uui=rig.uui(session))
    rig.idle()
    rig.advance(9 * 3600)
    assert rig.events()[-2:] == ["conferenceMemberExit L", "disconnect L hangup"]
    assert not rig.engine.sessions and rig.engine.call(rig.engine.on_phone[PHONE]).answered


def test_only_the_creators_url_counts() -> None:
    rig, _ = room(PHONE)
    rig.answers["answer"] = bxml.Conference("room", conference_event_url="/other", tag="other")
    rig.call(PHONE_2, "B")
    rig.idle()
    assert rig.webhooks[-1].url == f"{BASE}/room" and rig.webhooks[-1].body["tag"] == "t"


def test_speaking_to_the_room_in_order() -> None:
    def greet(body: Mapping[str, Any]) -> list[bxml.Verb]:
        return [bxml.SpeakSentence(f"Welcome {body['callId']}."), bxml.SpeakSentence("Enjoy.")]

    rig, _ = room(PHONE, conferenceMemberJoin=greet)
    for text in (b"Third.", b"Fourth."):
        rig.engine.update_conference_bxml(rig.now, conference_id(rig), b"<Bxml><SpeakSentence>" + text + b"</SpeakSentence></Bxml>")
    assert rig.idle().kinds().count("documentQueued") == 1
    spoken = [(h.time, h.data["text"]) for h in rig.happenings if h.kind == "speak"]
    assert [text for _, text in spoken] == ["Welcome call-1.", "Enjoy.", "Third.", "Fourth."]
    assert spoken[0][0] < spoken[1][0] < spoken[2][0]


def test_a_verb_not_allowed_refuses_the_whole_document() -> None:
    rig, _ = room(PHONE, conferenceMemberJoin=[bxml.SpeakSentence("Hello."), bxml.Pause(1)])
    assert "speak" not in rig.kinds() and rig.kinds()[-1] == "documentRefused"
    assert rig.engine.call(rig.engine.on_phone[PHONE]).answered
    with pytest.raises(Refusal) as refused:
        rig.engine.update_conference_bxml(rig.now, conference_id(rig), b"<Bxml><Pause/></Bxml>")
    assert refused.value.status == 400 and refused.value.rule == "conference.verbs"


def test_redirecting_the_room() -> None:
    rig, _ = room(PHONE, conferenceRedirect=bxml.SpeakSentence("Time is nearly up."))
    rig.engine.update_conference(rig.now, conference_id(rig), {"redirectUrl": f"{BASE}/said"})
    rig.settle()
    assert rig.events()[-1] == "conferenceRedirect" and rig.kinds()[-1] == "speak"


def test_a_failing_webhook_leaves_the_conference() -> None:
    rig, _ = room(PHONE, conferenceCreated=500)
    assert rig.hears() == {PHONE: []} and "webhookFailed" in rig.kinds()


def test_an_error_in_the_room_skips_to_the_next_verb() -> None:
    rig, _ = room(PHONE)
    rig.engine.update_conference_bxml(
        rig.now,
        conference_id(rig),
        b"<Bxml><PlayAudio>http://x.test/a.ogg</PlayAudio><SpeakSentence>Next.</SpeakSentence></Bxml>",
    )
    rig.idle()
    assert rig.kinds()[-2:] == ["playFailed", "speak"]


def test_verbs_for_the_room_that_take_no_time_and_audio_that_comes_late() -> None:
    rig, _ = room(PHONE)
    song = b"<PlayAudio>http://x.test/a.wav</PlayAudio>"
    rig.engine.update_conference_bxml(rig.now, conference_id(rig), b"<Bxml><StartRecording/>" + song + b"</Bxml>")
    rig.audio = {"http://x.test/a.wav": 2.0}
    rig.settle()
    assert rig.kinds()[-2:] == ["recordingStarted", "play"]
    rig.idle()
    rig.engine.update_conference_bxml(rig.now, conference_id(rig), b"<Bxml/>")
    rig.audio = None
    rig.engine.update_conference_bxml(rig.now, conference_id(rig), b"<Bxml>" + song + b"</Bxml>")
    rig.settle()
    (fetch,) = rig.engine.fetches
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.engine.audio_fetched(rig.now, fetch, 2.0)
    assert rig.settle().kinds()[-1] != "play"


def test_what_is_said_to_a_room_that_ends_is_over() -> None:
    rig, _ = room(PHONE)
    rig.engine.update_conference_bxml(rig.now, conference_id(rig), b"<Bxml><SpeakSentence>A long farewell to all.</SpeakSentence></Bxml>")
    rig.engine.phone_hangup(rig.now, PHONE)
    assert rig.idle().events()[-1] == "disconnect A hangup"
    rig.advance(24 * 3600)
    assert rig.events()[-1] == "disconnect A hangup"


def test_ended_by_request_one_call_may_bridge_another() -> None:
    rig = Rig()
    rig.answers["answer"] = lambda body: [ROOM, *([bxml.Bridge(calls[1])] if body["callId"] == calls[0] else [])]
    calls = [rig.call(PHONE, "A"), rig.call(PHONE_2, "B")]
    rig.idle()
    rig.engine.update_conference(rig.now, conference_id(rig), {"status": "completed"})
    rig.idle()
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE]}


def test_a_conference_is_kept_seven_days_after_its_end() -> None:
    rig, calls = room(PHONE)
    rig.engine.update_call(rig.now, calls[0], {"state": "completed"})
    rig.advance(7 * 24 * 3600 - 1)
    assert rig.engine.conference(conference_id(rig)).completed_time is not None
    rig.advance(2)
    assert rig.engine.list_conferences({}) == []
