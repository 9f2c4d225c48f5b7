"""`<Record>`: how it ends, what it tells, and what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import PHONE, PHONE_2, Rig
from workbench import bxml
from workbench.simulator.effects import SendWebhook

URLS = {"record_complete_url": "/recordComplete", "recording_available_url": "/recordingAvailable"}
NEXT = bxml.SpeakSentence("Thank you.")


def recorded(*after: bxml.Verb, script: Mapping[str, Any] = {}, **attributes: Any) -> Rig:
    """A call that records, a moment after it was answered."""
    rig = Rig(answer=[bxml.Record(**attributes), *after])
    rig.engine.configure_phone(PHONE, script)
    rig.call(PHONE, "A")
    return rig.advance(1)


def ended(rig: Rig) -> list[tuple[str, float]]:
    """By which rule the recordings ended, and how long they are."""
    return [(one.rule, one.data["seconds"]) for one in rig.happenings if one.kind == "recordingEnded"]


def told(rig: Rig, event: str) -> SendWebhook:
    """The webhook of this event."""
    (webhook,) = [webhook for webhook in rig.webhooks if webhook.body["eventType"] == event]
    return webhook


def test_it_ends_after_a_minute_and_asks_what_to_do() -> None:
    rig = recorded(NEXT, **URLS, tag="mine")
    rig.answers["recordComplete"] = bxml.Hangup()
    rig.idle()
    assert rig.events() == ["answer A", "recordComplete A", "disconnect A hangup", "recordingAvailable A"]
    assert ended(rig) == [("record.longest", 60.0)]
    # The verb after it is ignored.
    assert "speak" not in rig.kinds()
    complete, available = told(rig, "recordComplete").body, told(rig, "recordingAvailable").body
    url = "http://platform.test/api/v2/accounts/9900000/calls/call-1"
    same = {
        "accountId": "9900000",
        "applicationId": "11111111-2222-4333-8444-555555555555",
        "from": "+19195550100",
        "to": PHONE,
        "direction": "outbound",
        "callId": "call-1",
        "callUrl": url,
        "enqueuedTime": "2023-11-14T22:13:20.000Z",
        "recordingId": "recording-1",
        "channels": 1,
        "startTime": "2023-11-14T22:13:21.000Z",
        "endTime": "2023-11-14T22:14:21.000Z",
        "duration": "PT1M0S",
        "fileFormat": "wav",
        "mediaUrl": url + "/recordings/recording-1/media",
        "tag": "mine",
    }
    assert complete == same | {
        "eventType": "recordComplete",
        "eventTime": "2023-11-14T22:14:21.000Z",
        "answerTime": "2023-11-14T22:13:21.000Z",
    }
    assert available == same | {"eventType": "recordingAvailable", "eventTime": "2023-11-14T22:14:22.000Z", "status": "complete"}
    assert (told(rig, "recordComplete").rule, told(rig, "recordingAvailable").rule) == ("record.complete", "recording.available")


def test_without_a_url_the_next_verb_runs_and_nobody_is_told() -> None:
    rig = recorded(NEXT, max_duration=2.5).idle()
    assert rig.events() == ["answer A", "disconnect A hangup"]
    assert [kind for kind in rig.kinds() if kind in ("recordingEnded", "next", "speak", "ended", "recordingProcessed")] == [
        *("recordingEnded", "next", "speak", "ended", "recordingProcessed"),
    ]
    assert ended(rig) == [("record.longest", 2.5)]


@pytest.mark.parametrize(
    ("digits", "keys", "ends"),
    [(None, "12#", 3.2), ("*0", "#0", 3.1), ("", "#*1", 60.0)],
    ids=["the number sign", "other keys", "no key"],
)
def test_it_ends_by_a_key(digits: str | None, keys: str, ends: float) -> None:
    rig = recorded(NEXT, terminating_digits=digits)
    rig.advance(3)
    rig.engine.phone_keys(rig.now, PHONE, keys)
    rig.idle()
    assert ended(rig) == [("record.longest" if ends == 60.0 else "record.key", ends)]
    assert rig.events() == ["answer A", "disconnect A hangup"]


def test_keys_after_the_one_that_ended_it_go_to_what_comes_next() -> None:
    rig = recorded(bxml.Gather(gather_url="/gather", terminating_digits="#"))
    rig.answers["gather"] = bxml.Hangup()
    rig.engine.phone_keys(rig.now, PHONE, "#42#")
    rig.idle()
    assert rig.events() == ["answer A", "gather A", "disconnect A hangup"]
    assert told(rig, "gather").body["digits"] == "42"


@pytest.mark.parametrize(
    ("says", "seconds"),
    [(None, 3.0), ("A sentence of thirty letters..", 5.0)],
    ids=["nobody speaks", "the phone says a sentence"],
)
def test_it_ends_by_silence(says: str | None, seconds: float) -> None:
    rig = recorded(NEXT, script={"says": says}, silence_timeout=3).idle()
    assert ended(rig) == [("record.silence", seconds)]


def test_silence_counts_from_its_beginning_when_the_phone_has_spoken_before() -> None:
    rig = Rig(answer=[bxml.SpeakSentence("Please leave your message after the tone."), bxml.Record(silence_timeout=2)])
    rig.engine.configure_phone(PHONE, {"says": "Hello?"})
    rig.call(PHONE, "A")
    rig.idle()
    assert ended(rig) == [("record.silence", 2.0)]


def test_a_leg_to_the_interconnect_is_silent() -> None:
    rig = Rig(answer=bxml.Record(silence_timeout=2))
    session, _ = rig.browser()
    rig.call("sip:sipx.webrtc.bandwidth.com:5060", "L", uui=rig.uui(session))
    rig.idle()
    assert ended(rig) == [("record.silence", 2.0)]


def test_silence_counts_from_the_end_of_a_voice() -> None:
    rig = recorded(NEXT, silence_timeout=3).advance(1)
    call = rig.engine.calls["call-1"]
    rig.engine.voice_heard(rig.now, "call-1", True)
    timers = len(call.timers)
    rig.advance(9)
    rig.engine.phone_say(rig.now, PHONE, "A sentence of thirty letters..")
    rig.advance(9)
    for speaks in (False, True, False, False):
        rig.engine.voice_heard(rig.now, "call-1", speaks, 0.5)
    assert len(call.timers) == timers + 1
    rig.idle()
    assert ended(rig) == [("record.silence", 21.5)]
    assert rig.kinds().count("voiceHeard") == 2 and rig.kinds().count("silenceAwaited") == 3
    # What comes late, or where nothing waits for silence, changes nothing.
    for call_id in ("call-1", "call-9"):
        rig.engine.voice_heard(rig.now, call_id, True)
    assert rig.kinds().count("voiceHeard") == 2


def test_a_sentence_after_a_voice_is_waited_for() -> None:
    rig = recorded(NEXT, silence_timeout=3)
    rig.engine.voice_heard(rig.now, "call-1", True)
    rig.engine.phone_say(rig.now, PHONE, "A sentence of thirty letters..")
    rig.engine.voice_heard(rig.now, "call-1", False, 0.5)
    rig.idle()
    assert ended(rig) == [("record.silence", 5.0)]


def test_a_voice_that_goes_on_ends_by_the_longest_duration() -> None:
    rig = recorded(NEXT, silence_timeout=3, max_duration=20)
    rig.engine.voice_heard(rig.now, "call-1", True)
    rig.idle()
    assert ended(rig) == [("record.longest", 20.0)]


def test_who_hangs_up_is_asked_nothing() -> None:
    rig = recorded(NEXT, **URLS).advance(4)
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert rig.events() == ["answer A", "disconnect A hangup", "recordingAvailable A"]
    assert ended(rig) == [("record.hangup", 4.0)]
    assert not rig.engine.record_verbs


def test_a_redirect_keeps_what_was_recorded() -> None:
    rig = recorded(NEXT, **URLS).advance(4)
    rig.answers["redirect"] = bxml.Pause(60)
    rig.engine.update_call(rig.now, "call-1", {"redirectUrl": "http://app.test/redirect"})
    rig.idle()
    assert rig.events() == ["answer A", "redirect A", "recordingAvailable A"]
    assert ended(rig) == [("record.interrupted", 4.0)]


def test_an_unanswered_call_is_answered_by_it() -> None:
    rig = Rig(initiate=bxml.Record(max_duration=1))
    rig.dial(PHONE)
    rig.idle()
    assert rig.kinds()[:3] == ["arrived", "answered", "recordingStarted"]


def test_it_runs_beside_a_recording_of_the_whole_call() -> None:
    rig = Rig(answer=[bxml.StartRecording(), bxml.Pause(1), bxml.Record(max_duration=2), bxml.Pause(1)])
    rig.call(PHONE, "A")
    rig.idle()
    # A parked Pause is nothing to wait for.
    rig.advance(2)
    assert ended(rig) == [("record.longest", 2.0), ("recording.call-end", 4.0)]
    assert [one.rule for one in rig.happenings if one.kind == "recordingStarted"] == ["recording.start", "record.beside"]


def test_the_leg_of_a_transfer_is_recorded_before_it_is_joined() -> None:
    rig = Rig(answer=bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_answer_url="/transferAnswer")]))
    rig.answers["transferAnswer"] = bxml.Record(max_duration=2, **URLS)
    rig.answers["recordComplete"] = bxml.Tag("joined next")
    rig.call(PHONE, "A")
    rig.idle()
    rig.advance(5)
    assert rig.events() == ["answer A", "transferAnswer B", "recordComplete B", "recordingAvailable B"]
    for event in ("recordComplete", "recordingAvailable"):
        body = told(rig, event).body
        assert (body["callId"], body["parentCallId"], body["from"], body["to"]) == ("call-2", "call-1", "+19195550100", PHONE)
        assert (body["transferCallerId"], body["transferTo"]) == (PHONE, PHONE_2)
    assert "joined" in rig.kinds()


def test_a_failed_webhook_ends_the_call() -> None:
    rig = recorded(**URLS, record_complete_fallback_url="/fallback")
    rig.answers["recordComplete"] = 500
    rig.idle()
    assert rig.events() == [
        *("answer A", "recordComplete A", "recordComplete A", "disconnect A callback-error", "recordingAvailable A"),
    ]
