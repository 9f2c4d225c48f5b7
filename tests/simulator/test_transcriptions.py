"""Live transcriptions against the pure engine: what they hear, tell, send and keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import ACCOUNT, PHONE, PHONE_2, Rig
from workbench import bxml
from workbench.simulator import stream_messages
from workbench.simulator.effects import Refusal

SERVER = "wss://app.test/words"
PARK = bxml.Pause(3600)


def transcription(name: str | None = "t", **attributes: Any) -> bxml.StartTranscription:
    return bxml.StartTranscription(name=name, **({"transcription_event_url": "/words", "tracks": "both"} | attributes))


def told(rig: Rig, event_type: str) -> Mapping[str, Any]:
    """The one webhook of that type."""
    (found,) = [webhook.body for webhook in rig.webhooks if webhook.body["eventType"] == event_type]
    return found


def connected(*document: bxml.Verb, **answers: Any) -> tuple[Rig, str]:
    rig = Rig(answer=list(document), **answers)
    rig.engine.configure_phone(PHONE, {"says": "Good morning, this is Ann."})
    call = rig.call(PHONE, "A")
    return rig.idle(), call


def heard(rig: Rig, call: str) -> list[Mapping[str, tuple[str, ...]]]:
    return [transcript.heard for transcript in rig.engine.list_transcriptions(call)]


def segments(rig: Rig) -> list[tuple[str, str, bool]]:
    found = [message for message in rig.messages if message["eventType"] == "transcription"]
    return [(message["track"], message["transcript"], message["isPartial"]) for message in found]


def test_both_tracks_are_written_down_and_can_be_fetched_after_the_call() -> None:
    rig, call = connected(transcription(destination=SERVER, stabilized=False), bxml.SpeakSentence("Welcome to our shop."), bxml.Pause(1))
    rig.advance(5)
    event = "realTimeTranscription"
    assert rig.events() == ["answer A", f"{event}Started A", f"{event}Stopped A closed", "disconnect A hangup", f"{event}Available A"]
    assert [webhook.rule for webhook in rig.webhooks] == [
        "call.answer",
        "transcription.start",
        "transcription.end",
        "bxml.end",
        "transcription.available",
    ]
    assert heard(rig, call) == [{"inbound": ("Good morning, this is Ann.",), "outbound": ("Welcome to our shop.",)}]
    assert segments(rig) == [
        ("outbound", "Welcome to", True),
        ("inbound", "Good morning,", True),
        ("outbound", "Welcome to our shop.", False),
        ("inbound", "Good morning, this is Ann.", False),
    ]
    available = told(rig, "realTimeTranscriptionAvailable")
    assert available["realTimeTranscription"] == {
        "id": "transcription-1",
        "name": "t",
        "startTime": "2023-11-14T22:13:21.000Z",
        "tracks": ["inbound", "outbound"],
        "destination": SERVER,
        "stabilized": "false",
        "status": "available",
        "url": f"http://platform.test/api/v2/accounts/{ACCOUNT}/calls/{call}/transcriptions/transcription-1",
        "completedTime": "2023-11-14T22:13:24.300Z",
    }
    assert told(rig, "realTimeTranscriptionStopped")["realTimeTranscription"]["duration"] == "PT2.3S"


def test_the_messages() -> None:
    params = [bxml.CustomParam("lesson", "4")]
    rig, call = connected(transcription(destination=SERVER, custom_params=params), PARK)
    metadata = {
        "accountId": ACCOUNT,
        "callId": call,
        "realtimeTranscriptionId": "transcription-1",
        "transcriptionName": "t",
        "tracks": [{"name": "inbound"}, {"name": "outbound"}],
        "stabilized": True,
    }
    start, segment = rig.messages
    assert start == {"eventType": "start", "metadata": metadata, "customParams": {"lesson": "4"}}
    assert (segment["startTime"], segment["endTime"], segment["language"]) == (
        "2023-11-14T22:13:21.000Z",
        "2023-11-14T22:13:22.700Z",
        "en-US",
    )
    assert [(item["content"], item["type"]) for item in segment["items"]] == [
        ("Good", "PRONUNCIATION"),
        ("morning", "PRONUNCIATION"),
        (",", "PUNCTUATION"),
        ("this", "PRONUNCIATION"),
        ("is", "PRONUNCIATION"),
        ("Ann", "PRONUNCIATION"),
        (".", "PUNCTUATION"),
    ]
    assert segment["items"][0] | {"content": None} == {
        "content": None,
        "startTime": segment["startTime"],
        "endTime": "2023-11-14T22:13:21.261Z",
        "confidence": 1.0,
        "stable": True,
        "type": "PRONUNCIATION",
    }
    assert segment["items"][-1]["endTime"] == segment["endTime"]
    assert rig.opened[0].tracks == (), "no audio goes where words are wanted"


def test_words_that_are_all_marks_have_no_empty_items() -> None:
    segment = stream_messages.segment("inbound", "- ?! a", 0.0, 1.0, partial=True)
    assert [(item["content"], item["stable"]) for item in segment["items"]] == [("-", False), ("?!", False), ("a", False)]


def test_without_a_destination_it_starts_at_once() -> None:
    rig, call = connected(transcription(None, tracks="inbound"), bxml.Pause(5), bxml.StopTranscription("transcription-1"), PARK)
    event = "realTimeTranscription"
    assert rig.events() == ["answer A", f"{event}Started A", f"{event}Stopped A closed", f"{event}Available A"]
    assert "destination" not in told(rig, "realTimeTranscriptionStarted")["realTimeTranscription"]
    assert rig.webhooks[1].rule == "transcription.alone"
    assert heard(rig, call) == [{"inbound": ("Good morning, this is Ann.",)}]
    assert rig.opened == [] and rig.messages == []


def test_what_was_said_before_or_after_is_not_heard() -> None:
    rig, call = connected(bxml.Pause(2), transcription(), bxml.StopTranscription(), bxml.SpeakSentence("Unheard."), PARK)
    rig.advance(60)
    assert heard(rig, call) == [{"inbound": (), "outbound": ()}]
    assert rig.kinds()[-4:] == ["transcriptionStopped", "speak", "pause", "transcriptionAvailable"]


def test_a_phone_that_hangs_up_says_no_more() -> None:
    rig = Rig(answer=[transcription(), PARK])
    rig.engine.configure_phone(PHONE, {"says": "A sentence that is too long for the time there is.", "hangup_after": 1})
    call = rig.call(PHONE, "A")
    rig.idle()
    rig.advance(30)
    assert heard(rig, call) == [{"inbound": (), "outbound": ()}]
    assert not rig.engine.speech


def test_a_sentence_that_is_interrupted_is_not_heard() -> None:
    rig = Rig(answer=[transcription(tracks="outbound"), bxml.SpeakSentence("A sentence that is never heard to its end.")])
    call = rig.call(PHONE, "A")
    rig.advance(2)
    rig.engine.update_call_bxml(rig.now, call, b"<Response><Pause duration='9'/><StopTranscription/><Pause duration='60'/></Response>")
    rig.idle()
    rig.advance(20)
    assert heard(rig, call) == [{"outbound": ()}]


def test_partners_are_heard_on_the_outbound_track() -> None:
    rig = Rig(initiate=[transcription(), bxml.Transfer([bxml.PhoneNumber(PHONE)])])
    rig.engine.configure_phone(PHONE, {"says": "Hello?"})
    rig.engine.configure_phone(PHONE_2, {"says": "It is me."})
    call = rig.dial(PHONE_2)
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE_2)
    rig.idle()
    assert heard(rig, call) == [{"inbound": ("It is me.",), "outbound": ("Hello?",)}]


def test_a_room_hears_what_is_said_to_it_but_not_who_is_on_hold() -> None:
    rig = Rig(answer=[transcription(tracks="outbound"), bxml.Conference("room")])
    calls = [rig.call(number, name) for number, name in ((PHONE, "A"), (PHONE_2, "B"))]
    rig.idle()
    (conference,) = rig.engine.list_conferences({})
    rig.engine.update_member(rig.now, conference.conference_id, calls[1], {"hold": True})
    rig.engine.update_conference_bxml(rig.now, conference.conference_id, b"<Bxml><SpeakSentence>News for all.</SpeakSentence></Bxml>")
    rig.idle()
    for call in calls:
        rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.idle()
    assert [heard(rig, call) for call in calls] == [[{"outbound": ("News for all.",)}], [{"outbound": ()}]]


def test_a_room_that_is_over_hears_nothing() -> None:
    rig = Rig(answer=[transcription(tracks="outbound"), bxml.Conference("room"), PARK])
    call = rig.call(PHONE, "A")
    rig.idle()
    (conference,) = rig.engine.list_conferences({})
    rig.engine.update_conference_bxml(rig.now, conference.conference_id, b"<Bxml><SpeakSentence>News for all.</SpeakSentence></Bxml>")
    rig.engine.update_conference(rig.now, conference.conference_id, {"status": "completed"})
    rig.idle()
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.idle()
    assert heard(rig, call) == [{"outbound": ()}]


def test_names_and_tracks_are_limited_apart_from_streams() -> None:
    streams = [bxml.StartStream(destination=SERVER, name=name, tracks="both") for name in "ab"]
    rig, _ = connected(*streams, transcription("a"), transcription("a"), transcription("b"), transcription("c"), PARK)
    event = "realTimeTranscription"
    assert rig.events() == [
        "answer A",
        f"{event}Started A",
        f"{event}Rejected A duplicate",
        f"{event}Started A",
        f"{event}Rejected A track-limit",
    ]
    assert rig.webhooks[2].body["originalTranscription"]["id"] == "transcription-1"
    assert [webhook.rule for webhook in rig.webhooks][2:5:2] == ["transcription.duplicate", "transcription.track-limit"]


@pytest.mark.parametrize(("outcome", "rule"), [("connection refused", "transcription.connection"), (False, "transcription.timeout")])
def test_a_destination_that_does_not_take_it(outcome: Any, rule: str) -> None:
    rig = Rig(answer=[transcription(destination=SERVER), bxml.Hangup()])
    rig.sockets[SERVER] = outcome
    call = rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "realTimeTranscriptionRejected A connection-error", "disconnect A hangup"]
    assert rig.webhooks[1].rule == rule
    assert heard(rig, call) == []


def test_a_call_that_ends_before_it_is_established() -> None:
    rig = Rig(answer=[transcription(destination=SERVER), PARK])
    rig.sockets[SERVER] = False
    call = rig.call(PHONE, "A")
    rig.advance(2)
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.idle()
    assert [webhook.rule for webhook in rig.webhooks] == ["call.answer", "transcription.unstarted", "call.completed"]


@pytest.mark.parametrize(("error", "cause", "rule"), [(None, "closed", "closed"), ("reset", "connection-error", "lost")])
def test_the_end_of_its_connection_is_its_own(error: str | None, cause: str, rule: str) -> None:
    rig, call = connected(transcription(destination=SERVER), PARK)
    rig.engine.stream_closed(rig.now, rig.opened[0].connection_id, error)
    rig.idle()
    event = "realTimeTranscription"
    assert rig.events() == ["answer A", f"{event}Started A", f"{event}Stopped A {cause}", f"{event}Available A"]
    assert rig.webhooks[2].rule == f"transcription.{rule}"
    assert rig.engine.call(call).active


def test_stop_transcription_by_name_and_without_one() -> None:
    stop = bxml.StopTranscription
    rig, call = connected(transcription("a"), transcription("b"), stop("x"), stop("a"), stop(), stop(), PARK)
    kinds = [kind for kind in rig.kinds() if kind.startswith("transcription")]
    assert kinds == [
        *("transcriptionStarted", "transcriptionStarted", "transcriptionUnknown", "transcriptionStopped", "transcriptionStopped"),
        *("transcriptionUnknown", "transcriptionAvailable", "transcriptionAvailable"),
    ]
    assert [webhook.rule for webhook in rig.webhooks if "Stopped" in str(webhook.body["eventType"])] == [
        "transcription.stop",
        "transcription.stop-all",
    ]
    assert [transcript.name for transcript in rig.engine.list_transcriptions(call)] == ["a", "b"]


# What is kept


def test_deleted_is_gone_and_so_is_what_was_kept_with_its_call() -> None:
    rig, call = connected(transcription("a"), transcription("b"))
    assert rig.engine.transcription(call, "transcription-1").name == "a"
    rig.engine.delete_transcription(rig.now, call, "transcription-1")
    for ask in (rig.engine.transcription, lambda *ids: rig.engine.delete_transcription(rig.now, *ids)):
        with pytest.raises(Refusal) as refused:
            ask(call, "transcription-1")
        assert (refused.value.status, refused.value.rule) == (404, "transcription.unknown")
    assert [transcript.name for transcript in rig.engine.list_transcriptions(call)] == ["b"]
    rig.advance(8 * 24 * 3600)
    with pytest.raises(Refusal) as refused:
        rig.engine.list_transcriptions(call)
    assert (refused.value.rule, rig.engine.transcripts) == ("call.unknown", {})


def test_it_is_not_there_before_it_was_told() -> None:
    rig, call = connected(transcription(), PARK)
    with pytest.raises(Refusal):
        rig.engine.transcription(call, "transcription-1")
    assert rig.engine.list_transcriptions(call) == []


def test_nobody_is_told_without_a_url() -> None:
    rig, call = connected(transcription(transcription_event_url=None))
    assert rig.events() == ["answer A", "disconnect A hangup"]
    assert len(rig.engine.list_transcriptions(call)) == 1


def test_what_the_application_sends_on_its_connection_is_ignored() -> None:
    rig, _ = connected(transcription(destination=SERVER), PARK)
    rig.engine.stream_message(rig.now, rig.opened[0].connection_id, '{"eventType":"clear"}')
    assert "streamMessageIgnored" in rig.settle().kinds()
