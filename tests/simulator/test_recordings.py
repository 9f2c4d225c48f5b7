"""Recordings of calls and conferences: StartRecording and its three helpers, the end, and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import BASE, NUMBER, PHONE, PHONE_2, PHONE_3, Rig
from workbench import bxml
from workbench.simulator.effects import Refusal
from workbench.simulator.snapshot import snapshot

CALL = {"callId": "call-1"}
ROOM = {"conferenceId": "conference-1"}
DAY = 24 * 3600.0
START = bxml.StartRecording(recording_available_url="/recordingAvailable")


def call(*verbs: bxml.Verb) -> Rig:
    """An answered call that runs these."""
    rig = Rig(answer=list(verbs))
    rig.call(PHONE, "A")
    return rig.advance(1)


def room(*verbs: bxml.Verb) -> Rig:
    """A conference of two, to which these are played."""
    rig = Rig(answer=bxml.Conference("room", conference_event_url="/conferenceEvent", tag="of the room"))
    for number, name in ((PHONE, "A"), (PHONE_2, "B")):
        rig.call(number, name)
        rig.idle()
    play(rig, *verbs)
    return rig


def play(rig: Rig, *verbs: bxml.Verb) -> None:
    """Play these to the conference."""
    rig.engine.update_conference_bxml(rig.now, "conference-1", bxml.Bxml(verbs).to_bxml(bxml.Where.CONFERENCE).encode())
    rig.settle()


def happened(rig: Rig) -> list[tuple[str, str]]:
    """What happened to recordings, and by which rule."""
    return [(one.kind, one.rule) for one in rig.happenings if "ecording" in one.kind]


def running(rig: Rig) -> list[dict[str, Any]]:
    """The recordings that run, as the platform's state shows them."""
    return list(snapshot(rig.engine)["recordings"])


def body(rig: Rig, event: str) -> dict[str, Any]:
    """The one webhook of this event."""
    (found,) = [webhook.body for webhook in rig.webhooks if webhook.body.get("eventType") == event]
    return dict(found)


def test_a_call_is_recorded_until_it_ends() -> None:
    rig = call(START, bxml.Pause(5)).advance(5).idle()
    assert rig.events() == ["answer A", "disconnect A hangup", "recordingAvailable A"]
    told = body(rig, "recordingAvailable")
    assert (told["startTime"], told["endTime"], told["duration"]) == ("2023-11-14T22:13:21.000Z", "2023-11-14T22:13:26.000Z", "PT5S")
    assert happened(rig) == [
        ("recordingStarted", "recording.start"),
        ("recordingEnded", "recording.call-end"),
        ("recordingProcessed", "recording.processing"),
    ]
    assert not rig.engine.started_recordings and not running(rig)


def test_it_is_stopped_and_another_begins() -> None:
    rig = call(START, bxml.Pause(2), bxml.StopRecording(), bxml.Pause(3), START, bxml.Pause(1)).advance(8).idle()
    assert [one.data["seconds"] for one in rig.happenings if one.kind == "recordingEnded"] == [2.0, 1.0]
    assert [webhook.body["recordingId"] for webhook in rig.webhooks if "recordingId" in webhook.body] == ["recording-1", "recording-2"]


def test_a_second_one_is_ignored() -> None:
    rig = call(START, START, bxml.Pause(2)).advance(3).idle()
    assert happened(rig)[:2] == [("recordingStarted", "recording.start"), ("recordingIgnored", "recording.second")]
    assert rig.events() == ["answer A", "disconnect A hangup", "recordingAvailable A"]


def test_pauses_do_not_count() -> None:
    pause, resume = bxml.PauseRecording(), bxml.ResumeRecording()
    verbs = (START, resume, bxml.Pause(1), pause, pause, bxml.Pause(10), resume, bxml.Pause(2), pause, bxml.Pause(4))
    rig = call(*verbs).advance(2)
    assert running(rig) == [
        {
            "recordingId": "recording-1",
            **CALL,
            "verb": "StartRecording",
            "startTime": "2023-11-14T22:13:21.000Z",
            "seconds": 1.0,
            "paused": True,
            "channels": [["call-1", "prompts"]],
        }
    ]
    rig.advance(30).idle()
    assert [kind for kind, _ in happened(rig)] == [
        *("recordingStarted", "recordingPaused", "recordingResumed", "recordingPaused", "recordingEnded", "recordingProcessed"),
    ]
    told = body(rig, "recordingAvailable")
    assert (told["duration"], told["endTime"]) == ("PT3S", "2023-11-14T22:13:38.000Z")


@pytest.mark.parametrize(
    "verb", [bxml.PauseRecording(), bxml.ResumeRecording(), bxml.StopRecording()], ids=lambda verb: type(verb).__name__
)
def test_without_a_recording_nothing_happens(verb: bxml.Verb) -> None:
    rig = call(verb).idle()
    assert happened(rig) == [("noRecording", "recording.none")]
    quiet = room(verb)
    assert happened(quiet) == [("noRecording", "recording.none")] and quiet.happenings[-1].data == {"verb": type(verb).__name__, **ROOM}


def test_a_request_pauses_and_resumes() -> None:
    rig = call(START, bxml.Pause(60))
    for state in ("paused", "paused", "recording", "recording"):
        rig.engine.update_recording(rig.now, "call-1", {"state": state})
        rig.advance(2)
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert happened(rig)[1:3] == [("recordingPaused", "recording.update"), ("recordingResumed", "recording.update")]
    assert body(rig, "recordingAvailable")["duration"] == "PT4S"


@pytest.mark.parametrize(
    ("call_id", "fields", "status", "rule"),
    [
        ("c-none", {"state": "paused"}, 404, "call.unknown"),
        ("call-1", {}, 400, "request.required"),
        ("call-1", {"state": "stopped"}, 400, "recording.state"),
        ("call-1", {"state": ["paused"]}, 400, "recording.state"),
        ("call-1", {"state": "paused"}, 404, "recording.inactive"),
    ],
)
def test_what_cannot_be_paused(call_id: str, fields: dict[str, Any], status: int, rule: str) -> None:
    rig = call(bxml.Record())
    with pytest.raises(Refusal) as refused:
        rig.engine.update_recording(rig.now, call_id, fields)
    assert (refused.value.status, refused.value.rule) == (status, rule)


# Channels


def test_the_channels_of_a_transfer() -> None:
    both = bxml.StartRecording(multi_channel=True, recording_available_url="/recordingAvailable", file_format="mp3")
    rig = call(both, bxml.Transfer([bxml.PhoneNumber(PHONE_2)])).idle()
    assert running(rig)[0]["channels"] == [["call-1"], ["call-2", "prompts"]]
    rules = [(one.rule, one.data["channels"]) for one in rig.happenings if one.kind == "recordingChannels"]
    assert rules == [
        ("recording.channels", [["call-1"], ["prompts"]]),
        ("recording.transfer-channels", [["call-1"], ["call-2", "prompts"]]),
    ]
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    told = body(rig, "recordingAvailable")
    assert (told["channels"], told["fileFormat"]) == (2, "mp3")


def test_the_channels_of_a_bridge_and_of_a_call_in_a_conference() -> None:
    both = bxml.StartRecording(multi_channel=True)
    rig = Rig(
        answer=lambda body: [both, bxml.Pause(100)] if body["to"] == PHONE else [START, bxml.Bridge("call-1"), bxml.Conference("room")]
    )
    rig.call(PHONE, "A")
    rig.idle()
    rig.call(PHONE_2, "B")
    rig.idle()
    assert [one["channels"] for one in running(rig)] == [[["call-1"], ["call-2", "prompts"]], [["call-2", "call-1", "prompts"]]]
    assert happened(rig)[-1] == ("recordingChannels", "recording.bridge-channels")
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.settle()
    assert [one["channels"] for one in running(rig)] == [[["call-2", "conference-1", "prompts"]]]


def test_record_takes_the_far_end_alone() -> None:
    assert running(call(bxml.Record()))[0]["channels"] == [["call-1"]]


# Conferences


def test_a_conference_is_recorded_until_it_ends() -> None:
    started = bxml.StartRecording(
        recording_available_url="http://app.test/available",
        transcribe=True,
        transcription_available_url="http://app.test/transcribed",
        multi_channel=True,
        tag="ignored",
        recording_name="minutes",
    )
    rig = room(started, bxml.SpeakSentence("Thirty letters and a few more."))
    rig.engine.update_member(rig.now, "conference-1", "call-2", {"mute": True})
    assert [(one["channels"], one["conferenceId"]) for one in running(rig)] == [([["call-1", "prompts"]], "conference-1")]
    rig.idle()
    for number in (PHONE, PHONE_2):
        rig.engine.phone_hangup(rig.now, number)
    rig.idle()
    url = "http://platform.test/api/v2/accounts/9900000/conferences/conference-1/recordings/recording-1/media"
    assert body(rig, "conferenceRecordingAvailable") == {
        "eventType": "conferenceRecordingAvailable",
        "eventTime": "2023-11-14T22:13:25.000Z",
        "accountId": "9900000",
        "conferenceId": "conference-1",
        "name": "room",
        "recordingId": "recording-1",
        "channels": 1,
        "startTime": "2023-11-14T22:13:22.000Z",
        "endTime": "2023-11-14T22:13:24.000Z",
        "duration": "PT2S",
        "fileFormat": "wav",
        "mediaUrl": url,
        "tag": "of the room",
        "status": "complete",
    }
    assert happened(rig) == [
        ("recordingStarted", "recording.room-start"),
        ("recordingOptionsIgnored", "recording.room-options"),
        ("recordingEnded", "recording.conference-end"),
        ("recordingProcessed", "recording.processing"),
    ]
    assert rig.engine.recordings_of(ROOM)[0].transcription is None
    # A member's calls know nothing of it.
    assert rig.engine.list_recordings({}) == [] == rig.engine.recordings_of(CALL)


def test_a_conference_without_a_tag_is_paused_resumed_and_stopped() -> None:
    rig = Rig(answer=bxml.Conference("room"))
    rig.call(PHONE, "A")
    rig.idle()
    play(rig, bxml.StartRecording(recording_available_url="http://app.test/available"))
    rig.advance(1)
    play(rig, bxml.PauseRecording(), bxml.SpeakSentence("Not this."), bxml.ResumeRecording())
    rig.advance(5)
    play(rig, bxml.StopRecording())
    rig.idle()
    told = body(rig, "conferenceRecordingAvailable")
    assert "tag" not in told and told["duration"] == "PT5.4S"
    assert happened(rig)[-2] == ("recordingEnded", "recording.stop")


# What stays


def recordings(rig: Rig, **fields: str) -> list[str]:
    """The ids in the account's list."""
    return [recording.recording_id for recording in rig.engine.list_recordings(fields)]


def test_the_list_of_the_account() -> None:
    rig = call(START, bxml.Pause(5)).advance(6).idle()
    rig.call(PHONE_2, "B")
    rig.advance(60).idle()
    assert recordings(rig) == ["recording-1", "recording-2"]
    assert recordings(rig, to=PHONE_2, **{"from": NUMBER}) == ["recording-2"]
    assert recordings(rig, **{"from": PHONE}) == []
    first = "2023-11-14T22:13:21Z"
    assert recordings(rig, minStartTime=first) == ["recording-1", "recording-2"]
    assert recordings(rig, maxStartTime=first) == []
    assert recordings(rig, maxStartTime="2023-11-14T22:13:21.001Z") == ["recording-1"]
    with pytest.raises(Refusal, match="Invalid maxStartTime"):
        recordings(rig, maxStartTime="soon")


def test_the_list_ends_at_a_thousand() -> None:
    rig = call(*[bxml.StartRecording(), bxml.StopRecording()] * 1001).idle()
    assert len(rig.engine.recordings) == 1001 and len(recordings(rig)) == 1000
    assert "recording.most" in rig.engine.followed
    rig.advance(30 * DAY + 2)
    assert not rig.engine.recordings


def test_recordings_outlive_their_call_and_are_kept_for_30_days() -> None:
    rig = call(bxml.Transfer([bxml.PhoneNumber(PHONE_2, transfer_answer_url="/transferAnswer")]))
    rig.answers["transferAnswer"] = bxml.Record(max_duration=2, transcribe=True)
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.advance(8 * DAY)
    assert not rig.engine.calls
    (kept,) = rig.engine.recordings_of({"callId": "call-2"})
    assert (kept.identity["from"], kept.identity["to"], kept.identity["parentCallId"]) == (NUMBER, PHONE, "call-1")
    assert rig.engine.recordings_of(CALL) == []
    rig.advance(22 * DAY)
    assert not rig.engine.recordings
    assert happened(rig)[-1] == ("recordingForgotten", "recording.kept")


def test_of_a_conference_nobody_knows_there_is_no_list() -> None:
    rig = room(bxml.StartRecording(recording_available_url="http://app.test/available"))
    for number in (PHONE, PHONE_2):
        rig.engine.phone_hangup(rig.now, number)
    rig.advance(8 * DAY)
    assert not rig.engine.conferences and len(rig.engine.recordings_of(ROOM)) == 1
    with pytest.raises(Refusal) as refused:
        rig.engine.recordings_of({"conferenceId": "conf-none"})
    assert (refused.value.status, refused.value.rule) == (404, "conference.unknown")
    quiet = Rig(answer=bxml.Conference("room"))
    quiet.call(PHONE_3, "A")
    quiet.idle()
    assert quiet.engine.recordings_of(ROOM) == []


def test_what_is_not_available_yet() -> None:
    rig = call(START, bxml.Pause(5))
    assert [one.status for one in rig.engine.recordings_of(CALL)] == ["processing"]
    for act in (
        lambda: rig.engine.media(CALL, "recording-1"),
        lambda: rig.engine.delete_recording(rig.now, CALL, "recording-1"),
        lambda: rig.engine.delete_media(rig.now, CALL, "recording-1"),
        lambda: rig.engine.transcribe(rig.now, CALL, "recording-1", {}),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert (refused.value.status, refused.value.rule) == (404, "recording.unready")


def test_deleting() -> None:
    rig = call(START, bxml.Pause(5)).advance(6).idle()
    for where, number in ((CALL, "r-none"), ({"callId": "call-2"}, "recording-1"), ({"conferenceId": "call-1"}, "recording-1")):
        with pytest.raises(Refusal) as refused:
            rig.engine.delete_recording(rig.now, where, number)
        assert (refused.value.status, refused.value.rule) == (404, "recording.unknown")
    assert rig.engine.media(CALL, "recording-1").status == "complete"
    rig.engine.delete_media(rig.now, CALL, "recording-1")
    assert rig.engine.recording(CALL, "recording-1").status == "deleted"
    for act in (
        lambda: rig.engine.media(CALL, "recording-1"),
        lambda: rig.engine.delete_media(rig.now, CALL, "recording-1"),
        lambda: rig.engine.transcribe(rig.now, CALL, "recording-1", {}),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert (refused.value.status, refused.value.rule) == (404, "recording.media-deleted")
    rig.engine.delete_recording(rig.now, CALL, "recording-1")
    assert rig.engine.recordings == {}
    rig.advance(31 * DAY)
    assert [kind for kind, _ in happened(rig)][-2:] == ["recordingMediaDeleted", "recordingDeleted"]


def test_callbacks_of_a_room_are_delivered_like_others() -> None:
    rig = call(bxml.StartRecording(recording_available_url="/recordingAvailable", recording_available_method="GET")).idle()
    (webhook,) = [webhook for webhook in rig.webhooks if webhook.rule == "recording.available"]
    assert (webhook.method, webhook.url) == ("GET", f"{BASE}/recordingAvailable")
