"""Transcriptions of recordings: by a verb, by request, and when they cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import PHONE, Rig
from workbench import bxml
from workbench.simulator.effects import Refusal
from workbench.simulator.voice_shapes import recording_state, recording_transcripts

CALL = {"callId": "call-1"}
WISH = {"callbackUrl": "http://app.test/transcribed", "tag": "asked"}


def recorded(seconds: float = 5.0, **attributes: Any) -> Rig:
    """A call that was recorded."""
    rig = Rig(answer=[bxml.StartRecording(tag="mine", **attributes), bxml.Pause(seconds)])
    rig.call(PHONE, "A")
    return rig.advance(1 + seconds).advance(1)


def state(rig: Rig) -> dict[str, Any]:
    """The recording as the API shows it."""
    return recording_state(rig.engine.recording(CALL, "recording-1"))


def test_a_verb_has_its_recording_transcribed() -> None:
    rig = recorded(transcribe=True, transcription_available_url="/transcribed", recording_available_url="/recordingAvailable")
    assert state(rig)["transcription"]["status"] == "processing"
    rig.idle()
    assert rig.events() == ["answer A", "disconnect A hangup", "recordingAvailable A", "transcriptionAvailable A"]
    url = "http://platform.test/api/v2/accounts/9900000/calls/call-1"
    assert rig.webhooks[-1].body == {
        "eventType": "transcriptionAvailable",
        "eventTime": "2023-11-14T22:13:28.000Z",
        "accountId": "9900000",
        "applicationId": "11111111-2222-4333-8444-555555555555",
        "from": "+19195550100",
        "to": PHONE,
        "direction": "outbound",
        "callId": "call-1",
        "callUrl": url,
        "enqueuedTime": "2023-11-14T22:13:20.000Z",
        "recordingId": "recording-1",
        "startTime": "2023-11-14T22:13:21.000Z",
        "endTime": "2023-11-14T22:13:26.000Z",
        "duration": "PT5S",
        "fileFormat": "wav",
        "mediaUrl": url + "/recordings/recording-1/media",
        "tag": "mine",
        "transcription": {
            "id": "transcription-1",
            "status": "available",
            "completedTime": "2023-11-14T22:13:28.000Z",
            "url": url + "/recordings/recording-1/transcription",
        },
    }
    assert state(rig)["transcription"] == rig.webhooks[-1].body["transcription"]
    assert [one.rule for one in rig.happenings if "ranscri" in one.kind] == ["transcribe.verb", "transcribe.text"]


def test_its_text_is_labelled_and_there_is_one_for_each_channel() -> None:
    rig = recorded(transcribe=True, multi_channel=True).idle()
    text = "[Not simulated: what was said in the 5 seconds of recording-1]"
    said = [{"speaker": speaker, "text": text, "confidence": 0.0} for speaker in (0, 1)]
    assert recording_transcripts(rig.engine.recording_transcription(CALL, "recording-1")) == {
        "transcripts": said,
        "clips": [{**one, "startTimeSeconds": 0.0, "endTimeSeconds": 5.0} for one in said],
    }


def test_a_request_has_it_transcribed_and_another_replaces_it() -> None:
    rig = recorded()
    assert "transcription" not in state(rig)
    for number, wish in enumerate((WISH, WISH | {"tag": ""}, {"callbackUrl": WISH["callbackUrl"], "detectLanguage": True}, {}), 1):
        rig.engine.transcribe(rig.now, CALL, "recording-1", wish)
        rig.idle()
        assert rig.engine.recording_transcription(CALL, "recording-1").transcription.transcription_id == f"transcription-{number}"
    told = [webhook for webhook in rig.webhooks if webhook.rule == "transcribe.available"]
    assert [(webhook.url, webhook.body.get("tag")) for webhook in told] == [
        *((WISH["callbackUrl"], "asked"), (WISH["callbackUrl"], None), (WISH["callbackUrl"], "mine")),
    ]


def test_one_at_a_time() -> None:
    rig = recorded()
    rig.engine.transcribe(rig.now, CALL, "recording-1", WISH)
    with pytest.raises(Refusal) as refused:
        rig.engine.transcribe(rig.now, CALL, "recording-1", WISH)
    assert (refused.value.status, refused.value.rule) == (400, "transcribe.busy")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"callbackUrl": "ftp://x"}, "request.url"),
        ({"callbackUrl": "http://app.test/x", "username": "u", "password": "p"}, "request.https"),
        ({"callbackMethod": "PUT"}, "request.method"),
        ({"callbackTimeout": 26}, "request.callback-timeout"),
        ({"tag": 7}, "request.field"),
        ({"tag": "x" * 4097}, "request.tag"),
        ({"detectLanguage": "yes"}, "request.field"),
    ],
)
def test_wishes_that_are_refused(fields: dict[str, Any], rule: str) -> None:
    rig = recorded()
    with pytest.raises(Refusal) as refused:
        rig.engine.transcribe(rig.now, CALL, "recording-1", fields)
    assert (refused.value.status, refused.value.rule) == (400, rule)
    assert rig.engine.recording(CALL, "recording-1").transcription is None


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0.5, "file-size-too-small"), (0.51, "available"), (4 * 3600 - 1, "available"), (4 * 3600, "file-size-too-big")],
)
def test_what_is_too_short_or_too_long(seconds: float, status: str) -> None:
    rig = recorded(seconds, transcribe=True, transcription_available_url="/transcribed").idle()
    assert rig.webhooks[-1].body["transcription"]["status"] == status == state(rig)["transcription"]["status"]
    if status != "available":
        assert rig.happenings[-1].rule == "transcribe.length"
        with pytest.raises(Refusal):
            rig.engine.recording_transcription(CALL, "recording-1")


def test_it_is_deleted() -> None:
    rig = recorded(transcribe=True)
    with pytest.raises(Refusal):
        rig.engine.recording_transcription(CALL, "recording-1")
    rig.idle()
    rig.engine.delete_recording_transcription(rig.now, CALL, "recording-1")
    assert "transcription" not in state(rig)
    for act in (
        lambda: rig.engine.recording_transcription(CALL, "recording-1"),
        lambda: rig.engine.delete_recording_transcription(rig.now, CALL, "recording-1"),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert (refused.value.status, refused.value.rule) == (404, "transcribe.unknown")


def test_what_is_deleted_meanwhile_is_told_to_nobody() -> None:
    for delete in ("delete_recording_transcription", "delete_recording"):
        rig = recorded(transcribe=True, transcription_available_url="/transcribed")
        getattr(rig.engine, delete)(rig.now, CALL, "recording-1")
        assert rig.idle().events() == ["answer A", "disconnect A hangup"]
