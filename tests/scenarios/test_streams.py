"""Streams and live transcriptions, seen by the application: events of their flow, and the transcriptions API (bxml 9)."""

from __future__ import annotations

import pytest

from tests.scenarios.joined import World
from workbench import bxml
from workbench.errors import ApiError
from workbench.modes import Flow
from workbench.records import Event

NOBODY = "ws://127.0.0.1:9/media"  # the port of discard, where nobody listens


def test_streams_and_transcriptions_are_told_as_events_of_their_flow(world: World) -> None:
    told = []

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> list[bxml.Verb]:
        return [
            bxml.StartStream(NOBODY, stream_event_url=flow.url("mediaStreamRejected"), destination_password="pa55"),
            bxml.StartTranscription("t", "both", flow.url("realTimeTranscriptionAvailable")),
            bxml.SpeakSentence("Welcome."),
        ]

    @world.wb.transfer.on("realTimeTranscriptionAvailable")
    def available(event: Event, flow: Flow) -> None:
        told.append((flow.id, event.leg, event.data["realTimeTranscription"]["id"]))

    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    assert world.rows() == [
        "-> createCall phone",
        "<- answer phone: StartStream StartTranscription SpeakSentence",
        "<- mediaStreamRejected phone (connection-error)",
        "<- realTimeTranscriptionStarted phone",
        "<- realTimeTranscriptionStopped phone (closed)",
        "<- disconnect phone (hangup)",
        "<- realTimeTranscriptionAvailable phone",
    ]
    ((flow_id, leg, transcription),) = told
    assert (flow_id, leg) == (flow.id, "phone")
    call = flow.legs["phone"].call_id
    voice = world.parts.voice
    assert [item["transcriptionId"] for item in voice.live_transcriptions(call)] == [transcription]
    tracks = {item["track"]: item["transcript"] for item in voice.live_transcription(call, transcription)["tracks"]}
    assert tracks["outbound"] == "Welcome." and "not simulated" in tracks["inbound"]
    voice.delete_live_transcription(call, transcription)
    assert voice.live_transcriptions(call) == []
    with pytest.raises(ApiError, match="404"):
        voice.live_transcription(call, transcription)
    assert "pa55" not in str(list(world.local.lines(0)))
