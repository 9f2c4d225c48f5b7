"""The operations on recordings over HTTP: paths, statuses, shapes and the files."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from typing import Any

from tests.simulator.shell import BASE, NUMBER, PHONE, PHONE_2, VOICE, Platform, document

CALL_FIELDS = {
    *("accountId", "applicationId", "callId", "channels", "direction", "duration", "endTime", "fileFormat", "from", "mediaUrl"),
    *("recordingId", "startTime", "status", "to"),
}


async def recorded(platform: Platform, attributes: str = "", *verbs: str, to: str = PHONE) -> tuple[str, str]:
    """A call that was recorded for five seconds: the path of the call and of its recording."""
    platform.application.replies["answer"] = document(f"<StartRecording {attributes}/>", *(verbs or ('<Pause duration="5"/>',)))
    call = f"{VOICE}/calls/{await platform.call(to)}"
    await platform.clock_to(advance=8)
    await platform.idle()
    (found,) = (await platform.http.get(f"{call}/recordings")).json()
    return call, f"{call}/recordings/{found['recordingId']}"


def refused(answer: Any, status: int, rule: str, description: str) -> None:
    """A refusal as the Voice API writes it, with its rule."""
    assert (answer.status_code, answer.headers["X-Workbench-Rule"]) == (status, rule)
    assert answer.json() == {"type": "validation", "description": description, "id": None}


async def test_metadata_and_lists(platform: Platform) -> None:
    call, one = await recorded(platform, 'recordingName="greeting"')
    found = (await platform.http.get(one)).json()
    assert set(found) == CALL_FIELDS | {"recordingName"}
    assert found | {"duration": "PT5S", "status": "complete", "recordingName": "greeting", "from": NUMBER, "to": PHONE} == found
    assert found["mediaUrl"].endswith(f"{one}/media")
    assert (await platform.http.get(f"{call}/recordings")).json() == [found]
    assert (await platform.http.get(f"{VOICE}/recordings", params={"to": PHONE})).json() == [found]
    assert (await platform.http.get(f"{VOICE}/recordings", params={"to": PHONE_2})).json() == []
    # Seen in the tests of Bandwidth's SDK: it should be a 404, but is an empty list.
    nobody = await platform.http.get(f"{VOICE}/calls/c-none/recordings")
    assert (nobody.status_code, nobody.json()) == (200, [])
    refused(await platform.http.get(f"{call}/recordings/r-none"), 404, "recording.unknown", "Recording [r-none] not found")
    refused(
        await platform.http.get(f"{VOICE}/recordings?minStartTime=soon"),
        *(400, "list.time", "Invalid minStartTime: must be a time such as 2026-03-02T10:00:00.000Z"),
    )


async def test_a_running_recording_is_paused_and_resumed(platform: Platform) -> None:
    platform.application.replies["answer"] = document("<StartRecording/>", '<Pause duration="60"/>')
    call = f"{VOICE}/calls/{await platform.call()}"
    await platform.clock_to(advance=2)
    (found,) = (await platform.http.get(f"{call}/recordings")).json()
    assert set(found) == CALL_FIELDS - {"duration", "endTime", "mediaUrl"} and found["status"] == "processing"
    answer = await platform.http.put(f"{call}/recording", json={"state": "paused"})
    assert (answer.status_code, answer.content) == (200, b"") and answer.headers["X-Workbench-Seq"]
    (running,) = (await platform.http.get("/_local/state")).json()["recordings"]
    assert running["paused"] and running["callId"] == found["callId"]
    one = f"{call}/recordings/{found['recordingId']}"
    refused(
        await platform.http.get(f"{one}/media"),
        *(404, "recording.unready", f"Recording [{found['recordingId']}] is not available yet"),
    )
    assert (await platform.http.put(f"{call}/recording", content=b"x")).status_code == 415
    assert (await platform.http.put(f"{call}/recording", json=[])).status_code == 400
    assert (await platform.http.post(f"{call}/recording", json={})).status_code == 405
    await platform.http.post(call, json={"state": "completed"})
    answer = await platform.http.put(f"{call}/recording", json={"state": "recording"})
    refused(answer, 404, "recording.inactive", f"Call [{found['callId']}] has no active recording")


async def test_a_wav_file_is_downloaded(platform: Platform) -> None:
    _, one = await recorded(platform, 'multiChannel="true"')
    answer = await platform.http.get(f"{one}/media")
    assert answer.headers["Content-Type"] == "audio/vnd.wave" and answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["X-Workbench-Rule"] == "media.file" and answer.headers["X-Workbench-Label"] == "assumed"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnframes(), file.getnchannels()) == (40_000, 2)
    assert one.rpartition("/")[2].encode() in answer.content[:300] and b"Silence: nothing sounded" in answer.content[:300]
    head = await platform.http.head(f"{one}/media")
    assert head.headers["Content-Length"] == str(len(answer.content)) and not head.content


async def test_an_mp3_file_is_downloaded(platform: Platform) -> None:
    _, one = await recorded(platform, 'fileFormat="mp3"')
    answer = await platform.http.get(f"{one}/media")
    assert answer.headers["Content-Type"] == "audio/mpeg" and answer.content[:3] == b"ID3"


async def test_deleting(platform: Platform) -> None:
    call, one = await recorded(platform)
    assert (await platform.http.delete(f"{one}/media")).status_code == 204
    found = (await platform.http.get(one)).json()
    assert found["status"] == "deleted" and "mediaUrl" not in found
    number = found["recordingId"]
    for answer in (await platform.http.get(f"{one}/media"), await platform.http.delete(f"{one}/media")):
        refused(answer, 404, "recording.media-deleted", f"The media of recording [{number}] was deleted")
    answer = await platform.http.delete(one)
    assert (answer.status_code, answer.content) == (204, b"") and answer.headers["X-Workbench-Seq"]
    assert (await platform.http.get(f"{call}/recordings")).json() == []
    refused(await platform.http.delete(one), 404, "recording.unknown", f"Recording [{number}] not found")


async def test_transcriptions(platform: Platform) -> None:
    _, one = await recorded(platform)
    path = f"{one}/transcription"
    missing = f"Recording [{one.rpartition('/')[2]}] has no transcription"
    refused(await platform.http.get(path), 404, "transcribe.unknown", missing)
    answer = await platform.http.post(path, json={"callbackUrl": f"{BASE}/transcribed", "callbackTimeout": 2.5})
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await platform.http.post(path, json={})
    refused(answer, 400, "transcribe.busy", f"Recording [{one.rpartition('/')[2]}] is being transcribed already")
    await platform.idle()
    assert platform.application.events[-1] == "transcriptionAvailable"
    (said,) = (await platform.http.get(path)).json()["transcripts"]
    assert said["text"].startswith("[Not simulated: ") and said["confidence"] == 0.0
    shown: Mapping[str, Any] = (await platform.http.get(one)).json()["transcription"]
    assert set(shown) == {"id", "status", "completedTime", "url"} and shown["url"].endswith(path)
    assert (await platform.http.delete(path)).status_code == 204
    refused(await platform.http.delete(path), 404, "transcribe.unknown", missing)


async def test_recordings_of_a_conference(platform: Platform) -> None:
    platform.application.replies["answer"] = document('<Conference conferenceEventUrl="/conferenceEvent">room</Conference>')
    platform.application.replies["conferenceCreated"] = document('<StartRecording recordingAvailableUrl="/available"/>')
    call_id = await platform.call()
    await platform.clock_to(advance=5)
    await platform.http.post(f"{VOICE}/calls/{call_id}", json={"state": "completed"})
    await platform.idle()
    (room,) = (await platform.http.get(f"{VOICE}/conferences")).json()
    listed = f"{VOICE}/conferences/{room['id']}/recordings"
    (found,) = (await platform.http.get(listed)).json()
    assert set(found) == {
        *("accountId", "channels", "conferenceId", "duration", "endTime", "fileFormat", "mediaUrl", "name", "recordingId", "startTime"),
        "status",
    }
    one = f"{listed}/{found['recordingId']}"
    assert (await platform.http.get(one)).json() == found
    assert (await platform.http.get(f"{one}/media")).headers["Content-Type"] == "audio/vnd.wave"
    # It is no call's, and there is no operation to delete or transcribe it.
    assert (await platform.http.get(f"{VOICE}/recordings")).json() == []
    assert (await platform.http.get(f"{VOICE}/calls/{call_id}/recordings/{found['recordingId']}")).status_code == 404
    assert (await platform.http.delete(one)).status_code == 405
    assert (await platform.http.post(f"{one}/transcription", json={})).status_code == 404
    refused(
        await platform.http.get(f"{VOICE}/conferences/conf-none/recordings"), 404, "conference.unknown", "Conference [conf-none] not found"
    )


async def test_who_may_see_them(platform: Platform) -> None:
    _, one = await recorded(platform)
    for credentials, status in (("nobody", 401), ("forbidden", 403)):
        for path in (f"{VOICE}/recordings", one, f"{one}/media"):
            answer = await platform.http.get(path, auth=(credentials, credentials))
            assert answer.status_code == status
