"""Media streams against the pure engine: starting, ending, limits, webhooks, and what an application plays."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator.rig import ACCOUNT, BASE, PHONE, START, Rig
from workbench import bxml
from workbench.simulator import stream_messages

SERVER, OTHER = "wss://app.test/media", "wss://app.test/other"
PARK = bxml.Pause(3600)


def stream(name: str | None = "s", **attributes: Any) -> bxml.StartStream:
    given = {"destination": SERVER, "stream_event_url": "/stream"} | attributes
    return bxml.StartStream(name=name, **given)


def told(rig: Rig, event_type: str) -> Mapping[str, Any]:
    """The one webhook of that type."""
    (found,) = [webhook.body for webhook in rig.webhooks if webhook.body["eventType"] == event_type]
    return found


def connected(*document: bxml.Verb, **answers: Any) -> tuple[Rig, str]:
    rig = Rig(answer=list(document), **answers)
    call = rig.call(PHONE, "A")
    return rig.idle(), call


def test_a_stream_lives_as_long_as_its_call() -> None:
    params = [bxml.StreamParam("lesson", "3")]
    rig, call = connected(stream(tracks="both", stream_params=params), bxml.SpeakSentence("Hello."))
    assert rig.events() == ["answer A", "mediaStreamStarted A", "mediaStreamStopped A closed", "disconnect A hangup"]
    assert rig.kinds()[-7:] == ["streamConnecting", "streamStarted", "media", "next", "speak", "ended", "streamStopped"]
    pcmu = {"encoding": "audio/PCMU", "sampleRate": 8000}
    tracks = [{"name": "inbound", "mediaFormat": pcmu}, {"name": "outbound", "mediaFormat": pcmu}]
    about = {"accountId": ACCOUNT, "callId": call, "streamId": "stream-1", "streamName": "s", "tracks": tracks}
    assert rig.messages == [
        {"eventType": "start", "metadata": about, "streamParams": {"lesson": "3"}},
        {"eventType": "stop", "metadata": about},
    ]
    assert rig.opened[0].tracks == ("inbound", "outbound")
    started = told(rig, "mediaStreamStarted")
    assert started["mediaStream"] == {
        "id": "stream-1",
        "name": "s",
        "startTime": "2023-11-14T22:13:21.000Z",
        "tracks": ["inbound", "outbound"],
        "destination": SERVER,
        "type": "WebSocket",
    }
    assert {"accountId", "applicationId", "callId", "callUrl", "from", "to", "direction", "startTime", "answerTime"} <= set(started)
    stopped = told(rig, "mediaStreamStopped")
    assert (stopped["mediaStream"]["duration"], stopped["cause"], "errorMessage" in stopped) == ("PT0.4S", "closed", False)
    assert not (rig.engine.streams or rig.engine.connections)


def test_without_a_name_the_id_is_the_name_and_without_a_url_nobody_is_told() -> None:
    rig, _ = connected(stream(None, stream_event_url=None), bxml.StopStream("stream-1"), PARK)
    assert rig.events() == ["answer A"]
    assert rig.kinds()[-6:] == ["streamConnecting", "streamStarted", "media", "next", "streamStopped", "pause"]
    assert rig.opened[0].start["metadata"]["streamName"] == "stream-1"


def test_the_next_verb_waits_until_the_stream_is_established() -> None:
    rig = Rig(answer=[stream(), bxml.SpeakSentence("Hello.")])
    rig.sockets[SERVER] = False
    rig.call(PHONE, "A")
    rig.advance(5)
    assert rig.kinds()[-1] == "streamConnecting"
    assert rig.engine.state()["calls"][0]["streams"][0]["running"] is False
    rig.engine.stream_opened(rig.now, rig.opened[0].connection_id)
    rig.settle()
    assert rig.kinds()[-4:] == ["streamStarted", "media", "next", "speak"]
    assert rig.engine.state()["calls"][0]["streams"] == [
        {
            "id": "stream-1",
            "name": "s",
            "verb": "StartStream",
            "tracks": ["inbound"],
            "destination": SERVER,
            "running": True,
            "startTime": "2023-11-14T22:13:25.000Z",
        }
    ]


def test_a_destination_that_refuses_rejects_the_stream_and_the_call_goes_on() -> None:
    rig = Rig(answer=[stream(), bxml.SpeakSentence("Hello.")])
    rig.sockets[SERVER] = "connection refused"
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "mediaStreamRejected A connection-error", "disconnect A hangup"]
    rejected = told(rig, "mediaStreamRejected")
    assert rejected["errorMessage"] == "connection refused"
    assert rejected["mediaStream"]["name"] == "s" and "originalMediaStream" not in rejected
    assert [webhook.rule for webhook in rig.webhooks][1] == "stream.connection"
    assert rig.messages == []


def test_a_destination_that_is_silent_has_ten_seconds() -> None:
    rig = Rig(answer=[stream(), bxml.SpeakSentence("Hello.")])
    rig.sockets[SERVER] = False
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "mediaStreamRejected A connection-error", "disconnect A hangup"]
    assert rig.webhooks[1].rule == "stream.timeout"
    assert told(rig, "mediaStreamRejected")["errorMessage"] == f"{SERVER} did not accept the connection within 10 s"
    assert round(rig.now - START, 1) == 11.4


def test_what_comes_after_the_connection_was_given_up_is_ignored() -> None:
    rig = Rig(answer=[stream(), PARK])
    rig.sockets[SERVER] = False
    rig.call(PHONE, "A")
    rig.idle()
    number, before = rig.opened[0].connection_id, rig.kinds()
    rig.engine.stream_opened(rig.now, number)
    rig.engine.stream_failed(rig.now, number, "late")
    rig.engine.stream_message(rig.now, number, "late")
    rig.engine.stream_closed(rig.now, number, None)
    assert rig.settle().kinds() == before


def test_a_call_that_ends_before_its_stream_stands_rejects_it() -> None:
    rig = Rig(answer=[stream(), PARK])
    rig.sockets[SERVER] = False
    call = rig.call(PHONE, "A")
    rig.advance(2)
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.idle()
    assert rig.events() == ["answer A", "mediaStreamRejected A error", "disconnect A hangup"]
    assert rig.webhooks[1].rule == "stream.unstarted"
    assert not rig.engine.connections


def test_a_new_document_leaves_streams_alone() -> None:
    rig, call = connected(stream(), PARK)
    rig.engine.update_call_bxml(rig.now, call, b"<Response><SpeakSentence>News.</SpeakSentence><Pause duration='60'/></Response>")
    rig.idle()
    assert rig.events() == ["answer A", "mediaStreamStarted A"]
    assert call in rig.engine.streams


def test_a_stream_that_is_established_after_its_document_was_replaced_changes_nothing_else() -> None:
    rig = Rig(answer=[stream(), bxml.SpeakSentence("Never said.")])
    rig.sockets[SERVER] = False
    call = rig.call(PHONE, "A")
    rig.advance(2)
    rig.engine.update_call_bxml(rig.now, call, b"<Response><Pause duration='60'/></Response>")
    rig.engine.stream_opened(rig.now, rig.opened[0].connection_id)
    assert rig.settle().kinds()[-4:] == ["replaced", "pause", "streamStarted", "media"]


def test_names_are_unique_on_a_call() -> None:
    rig, _ = connected(stream(), stream(destination=OTHER, tracks="outbound"), PARK)
    assert rig.events() == ["answer A", "mediaStreamStarted A", "mediaStreamRejected A duplicate"]
    rejected = told(rig, "mediaStreamRejected")
    assert rejected["errorMessage"] == "A stream with the name s already exists"
    assert (rejected["mediaStream"]["id"], rejected["mediaStream"]["destination"]) == ("stream-2", OTHER)
    original = rejected["originalMediaStream"]
    assert (original["id"], original["destination"], original["tracks"]) == ("stream-1", SERVER, ["inbound"])
    assert len(rig.opened) == 1


def test_a_name_may_be_used_again() -> None:
    rig, _ = connected(stream(), bxml.StopStream("s"), stream(), PARK)
    assert rig.events() == ["answer A", "mediaStreamStarted A", "mediaStreamStopped A closed", "mediaStreamStarted A"]


def test_four_tracks_at_once() -> None:
    rig, _ = connected(stream("a", tracks="both"), stream("b"), stream("c", tracks="both"), stream("d"), stream("e"), PARK)
    started = "mediaStreamStarted A"
    limit = "mediaStreamRejected A track-limit"
    assert rig.events() == ["answer A", started, started, limit, started, limit]
    assert sum(len(item["tracks"]) for item in rig.engine.state()["calls"][0]["streams"]) == 4


def test_stop_stream_of_an_unknown_name_has_no_effect() -> None:
    rig, _ = connected(bxml.StopStream("none"), bxml.StopStream("none", wait=True), PARK)
    assert rig.kinds()[-3:] == ["streamUnknown", "streamUnknown", "pause"]


def test_stop_stream_that_waits_goes_on_when_the_application_closes() -> None:
    rig, call = connected(stream(), bxml.StopStream("s", wait=True), bxml.SpeakSentence("Bye."))
    assert rig.kinds()[-1] == "streamAwaited"
    rig.advance(500)
    assert rig.engine.call(call).active
    rig.engine.stream_closed(rig.now, rig.opened[0].connection_id, None)
    rig.idle()
    assert rig.events() == ["answer A", "mediaStreamStarted A", "mediaStreamStopped A closed", "disconnect A hangup"]
    assert [webhook.rule for webhook in rig.webhooks] == ["call.answer", "stream.start", "stream.closed", "bxml.end"]
    assert told(rig, "mediaStreamStopped")["mediaStream"]["duration"] == "PT8M20S"
    assert [message["eventType"] for message in rig.messages] == ["start"], "there is nobody to say goodbye to"


def test_a_call_that_waits_for_its_stream_can_be_ended_and_redirected() -> None:
    rig, call = connected(stream(), bxml.StopStream("s", wait=True), redirect=[bxml.Pause(60), bxml.StopStream("s"), PARK])
    rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
    rig.advance(30)
    assert rig.kinds()[-1] == "pause"
    rig.advance(60)
    assert rig.events() == ["answer A", "mediaStreamStarted A", "redirect A", "mediaStreamStopped A closed"]


def test_a_connection_that_breaks_is_told_and_the_call_goes_on() -> None:
    rig, call = connected(stream(), PARK)
    rig.engine.stream_closed(rig.now, rig.opened[0].connection_id, "connection reset")
    rig.settle()
    assert rig.events() == ["answer A", "mediaStreamStarted A", "mediaStreamStopped A connection-error"]
    assert told(rig, "mediaStreamStopped")["errorMessage"] == "connection reset"
    assert rig.engine.call(call).active


def test_credentials_of_the_destination_go_with_the_connection_and_are_not_told() -> None:
    rig, _ = connected(stream(destination_username="u", destination_password="p4ss"), PARK)
    assert (rig.opened[0].username, rig.opened[0].password) == ("u", "p4ss")
    assert [h.rule for h in rig.happenings if h.kind == "streamConnecting"] == ["stream.credentials"]
    assert "p4ss" not in str([h.data for h in rig.happenings]) + str([w.body for w in rig.webhooks]) + str(rig.engine.state())


# What an application plays

LOUD = "audio/pcm;rate=24000;channels=1;bit-depth=16;endian=little;encoding=signed"


def audio(seconds: float, kind: str = "audio/pcmu", rate: int = 8000) -> str:
    payload = b64encode(b"\xff" * round(seconds * rate)).decode()
    return json.dumps({"eventType": "playAudio", "media": {"contentType": kind, "payload": payload}})


def two_ways(mode: str = "bidirectional") -> Rig:
    rig, _ = connected(stream(mode=mode), bxml.StopStream("s", wait=True))
    rig.happenings.clear()
    return rig


def send(rig: Rig, text: str | None) -> None:
    rig.engine.stream_message(rig.now, rig.opened[0].connection_id, text)
    rig.settle()


def test_audio_is_played_in_order_and_told_once() -> None:
    rig = two_ways()
    send(rig, audio(2))
    rig.advance(1)
    send(rig, audio(0.5, LOUD, 48000))
    send(rig, audio(0.5, "audio/pcm; rate=16000", 32000))
    rig.idle()
    assert [(h.kind, h.data.get("seconds")) for h in rig.happenings] == [("streamPlays", None), ("streamPlayed", 3.0)]
    assert rig.happenings[1].time - rig.happenings[0].time == 3.0
    send(rig, audio(1, "audio/pcm", 16000))
    assert rig.idle().kinds() == ["streamPlays", "streamPlayed"] * 2


def test_clear_drops_what_was_not_played_yet() -> None:
    rig = two_ways()
    send(rig, audio(10))
    rig.advance(4)
    send(rig, '{"eventType":"clear"}')
    send(rig, '{"eventType":"clear"}')
    assert [(h.kind, h.data.get("seconds")) for h in rig.idle().happenings] == [
        ("streamPlays", None),
        ("streamCleared", 6.0),
        ("streamCleared", 0.0),
    ]
    assert rig.engine.busy_until() is None


def test_what_plays_ends_with_the_stream() -> None:
    rig = two_ways()
    send(rig, audio(60))
    rig.engine.stream_closed(rig.now, rig.opened[0].connection_id, None)
    rig.idle()
    assert rig.kinds() == ["streamPlays", "streamStopped", "next", "ended"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "no JSON",
        "[" * 100_000,
        "[]",
        '{"eventType":"dance"}',
        '{"eventType":"playAudio"}',
        '{"eventType":"playAudio","media":{"contentType":"audio/pcmu"}}',
        '{"eventType":"playAudio","media":{"contentType":1,"payload":""}}',
        '{"eventType":"playAudio","media":{"contentType":"audio/pcmu","payload":"%%%"}}',
        '{"eventType":"playAudio","media":{"contentType":"audio/mpeg","payload":""}}',
        '{"eventType":"playAudio","media":{"contentType":"audio/pcm;rate=44100","payload":""}}',
        '{"eventType":"playAudio","media":{"contentType":"audio/pcm;channels=2","payload":""}}',
    ],
)
def test_other_messages_are_ignored_and_told_once(text: str | None) -> None:
    rig = two_ways()
    for _ in range(3):
        send(rig, text)
    assert [(h.kind, h.rule) for h in rig.happenings] == [("streamMessageIgnored", "stream.ignored")]


def test_a_unidirectional_stream_takes_no_messages() -> None:
    rig = two_ways("unidirectional")
    send(rig, audio(1))
    assert rig.kinds() == ["streamMessageIgnored"]


def test_a_clear_says_nothing_of_length() -> None:
    assert stream_messages.audio('{"eventType":"clear"}') is None


def test_waiting_for_the_end_of_a_stream_that_is_still_connecting_does_not_end_with_its_beginning() -> None:
    rig = Rig(answer=[stream(), PARK])
    rig.sockets[SERVER] = False
    call = rig.call(PHONE, "A")
    rig.advance(3)
    then = bxml.Response([bxml.StopStream("s", wait=True), bxml.SpeakSentence("It has ended.")])
    rig.engine.update_call_bxml(rig.now, call, then.to_bxml().encode())
    rig.engine.stream_opened(rig.now, rig.opened[0].connection_id)
    assert rig.settle().kinds()[-3:] == ["streamAwaited", "streamStarted", "media"]
    rig.engine.stream_closed(rig.now, rig.opened[0].connection_id, None)
    assert rig.settle().kinds()[-3:] == ["streamStopped", "next", "speak"]
