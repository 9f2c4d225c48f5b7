"""Recordings, seen by the application: a handler in a cell starts one, its event comes into the table, its file is downloaded."""

from __future__ import annotations

import io
import wave

from tests.scenarios.joined import NOTHING, World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event


def test_a_handler_records_the_call(world: World) -> None:
    seen: list[str] = []

    @world.wb.transfer.on("answer")
    def record(event: Event, flow: Flow) -> list[bxml.Verb]:
        available, transcribed = flow.url("recordingAvailable"), flow.url("transcriptionAvailable")
        start = bxml.StartRecording(transcribe=True, recording_available_url=available, transcription_available_url=transcribed)
        return [start, bxml.Pause(5)]

    @world.wb.transfer.on("recordingAvailable")
    def available(event: Event, flow: Flow) -> None:
        seen.append(event.data["recordingId"])

    flow = world.wb.transfer.dial(world.phone())
    world.advance(10).idle()
    assert world.rows() == [
        "-> createCall phone",
        "<- answer phone: StartRecording Pause",
        "<- disconnect phone (hangup)",
        "<- recordingAvailable phone",
        "<- transcriptionAvailable phone",
    ]
    assert world.left() == NOTHING
    call = flow.leg("phone").id
    (found,) = world.wb.voice.recordings(call)
    assert (found["duration"], found["status"], [found["recordingId"]]) == ("PT5S", "complete", seen)
    with wave.open(io.BytesIO(world.wb.voice.download_recording(call, seen[0]))) as file:
        assert file.getnframes() / file.getframerate() == 5.0
    (said,) = world.wb.voice.transcription(call, seen[0])["transcripts"]
    assert said["text"].startswith("[Not simulated: ")


def test_record_asks_the_mode_what_to_do(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: bxml.Record(record_complete_url=flow.url("recordComplete")))
    world.wb.transfer.on("recordComplete")(lambda event, flow: bxml.SpeakSentence("Thank you."))
    world.wb.transfer.dial(world.phone())
    world.advance(4)
    world.phone().press("#")
    world.idle()
    assert world.rows() == [
        "-> createCall phone",
        "<- answer phone: Record",
        "<- recordComplete phone: SpeakSentence",
        "<- disconnect phone (hangup)",
    ]
    assert world.spoken() == ["Thank you."]


def test_a_conference_is_recorded(world: World) -> None:
    @world.wb.conference.on("conferenceCreated")
    def record(event: Event, flow: Flow) -> bxml.Verb:
        return bxml.StartRecording(recording_available_url=flow.url("conferenceRecordingAvailable", ""))

    room = world.wb.conference.start()
    world.idle()
    world.advance(3)
    room.leg("webrtc").hangup()
    world.idle()
    # What the application asks for meanwhile may come in between.
    assert [line for line in world.rows(room) if line.startswith("<-")] == [
        "<- answer webrtc: Conference",
        "<- conferenceCreated: StartRecording",
        "<- conferenceMemberJoin webrtc",
        "<- conferenceMemberExit webrtc",
        "<- conferenceCompleted",
        "<- disconnect webrtc (hangup)",
        "<- conferenceRecordingAvailable",
    ]
    (told,) = [event for event in world.parts.log.events(flow=room.id) if event.event_type == "conferenceRecordingAvailable"]
    conference, recording = told.data["conferenceId"], told.data["recordingId"]
    assert world.wb.voice.conference_recording(conference, recording)["status"] == "complete"
    assert world.wb.voice.download_conference_recording(conference, recording)[:4] == b"RIFF"
