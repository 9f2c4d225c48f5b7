"""Recordings and their transcriptions: every operation of the Voice API on them as a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.simulator import bodies, recordings, requests, transcribing
from workbench.simulator.calls import Call, Recording
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal

Fields = Mapping[str, Any]
Where = Mapping[str, str]
"""`{"callId": …}` or `{"conferenceId": …}`: whose recording is meant."""

LIST_LIMIT = 1000


class RecordingOperations(Core):
    """What the Voice API may ask about recordings. Methods raise Refusal, and then nothing has changed."""

    __slots__ = ()

    def list_recordings(self, fields: Mapping[str, str]) -> list[Recording]:
        """The account's recordings of calls that match, oldest first, at most 1000. Raises Refusal 400 for a time that is none."""
        wanted = [recording for recording in self.recordings.values() if isinstance(recording.of, Call)]
        for name in ("to", "from"):
            if fields.get(name):
                wanted = [recording for recording in wanted if recording.identity[name] == fields[name]]
        earliest = requests.moment(fields, "minStartTime")
        # Before, not at (documented).
        latest = requests.moment(fields, "maxStartTime")
        self.follow("recording.list")
        shown = [(bodies.iso(recording.start_time), recording) for recording in wanted]
        found = [recording for moment, recording in shown if (earliest or "") <= moment and (latest is None or moment < latest)]
        if len(found) > LIST_LIMIT:
            self.follow("recording.most")
        return found[:LIST_LIMIT]

    def recordings_of(self, where: Where) -> list[Recording]:
        """The recordings of a call or conference. Of a call nobody knows there are none (observed); such a conference is a Refusal 404."""
        found = [recording for recording in self.recordings.values() if recording.where == where]
        conference_id = where.get("conferenceId")
        if conference_id is not None and not found and conference_id not in self.conferences:
            raise Refusal(404, f"Conference [{conference_id}] not found", "conference.unknown")
        if not found and conference_id is None and where["callId"] not in self.calls:
            self.follow("recording.of-unknown")
        return found

    def recording(self, where: Where, recording_id: str) -> Recording:
        """A recording by id. Raises Refusal 404."""
        recording = self.recordings.get(recording_id)
        if recording is None or recording.where != where:
            raise Refusal(404, f"Recording [{recording_id}] not found", "recording.unknown")
        return recording

    def finished(self, where: Where, recording_id: str) -> Recording:
        """A recording that has been processed. Raises Refusal 404."""
        recording = self.recording(where, recording_id)
        if recording.status == "processing":
            raise Refusal(404, f"Recording [{recording_id}] is not available yet", "recording.unready")
        return recording

    def media(self, where: Where, recording_id: str) -> Recording:
        """A recording that can be downloaded. Raises Refusal 404."""
        recording = self.finished(where, recording_id)
        if recording.status == "deleted":
            raise Refusal(404, f"The media of recording [{recording_id}] was deleted", "recording.media-deleted")
        return recording

    def update_recording(self, now: float, call_id: str, fields: Fields) -> None:
        """Pause or resume the recording that `<StartRecording>` began on a call."""
        self.tick(now)
        if call_id not in self.calls:
            raise Refusal(404, f"Call [{call_id}] not found", "call.unknown")
        state, recording = _state(fields), self.started_recordings.get(call_id)
        if recording is None:
            raise Refusal(404, f"Call [{call_id}] has no active recording", "recording.inactive")
        change = recordings.pause if state == "paused" else recordings.resume
        change(self, recording, "recording.update")

    def delete_recording(self, now: float, where: Where, recording_id: str) -> None:
        """Delete a recording's information, media and transcription."""
        self.tick(now)
        del self.recordings[self.finished(where, recording_id).recording_id]
        self.happen("recordingDeleted", "recording.deleted", recordingId=recording_id, **where)

    def delete_media(self, now: float, where: Where, recording_id: str) -> None:
        """Delete what was recorded; its information stays."""
        self.tick(now)
        self.media(where, recording_id).status = "deleted"
        self.happen("recordingMediaDeleted", "recording.media-deleted", recordingId=recording_id, **where)

    # Transcriptions

    def transcribe(self, now: float, where: Where, recording_id: str, fields: Fields) -> None:
        """Have a recording transcribed; a new transcription takes the place of one that is done."""
        self.tick(now)
        recording, checked = self.media(where, recording_id), _wish(fields)
        if recording.transcription is not None and recording.transcription.status == "processing":
            raise Refusal(400, f"Recording [{recording_id}] is being transcribed already", "transcribe.busy")
        assert isinstance(recording.of, Call)
        tag = checked.get("tag", recording.of.tag)
        hook, timeout = requests.hook(checked, "callback"), float(checked.get("callbackTimeout", 15))
        transcribing.begin(self, recording, hook, tag or None, timeout, "transcribe.request")

    def recording_transcription(self, where: Where, recording_id: str) -> Recording:
        """A recording whose transcription is there. Raises Refusal 404."""
        recording = self.recording(where, recording_id)
        if recording.transcription is None or recording.transcription.status != "available":
            raise Refusal(404, f"Recording [{recording_id}] has no transcription", "transcribe.unknown")
        return recording

    def delete_recording_transcription(self, now: float, where: Where, recording_id: str) -> None:
        """Delete a recording's transcription; one under way is given up."""
        self.tick(now)
        recording = self.recording(where, recording_id)
        if recording.transcription is None:
            raise Refusal(404, f"Recording [{recording_id}] has no transcription", "transcribe.unknown")
        recording.transcription = None
        self.happen("transcriptionDeleted", "transcribe.deleted", recordingId=recording_id, **where)


def _state(fields: Fields) -> str:
    """The checked state of updateCallRecordingState."""
    state = fields.get("state")
    if state is None:
        raise requests.refuse("Missing at least one required field. Required fields are [state]", "request.required")
    if state not in ("paused", "recording"):
        raise requests.refuse(f"Invalid state: must be one of ['paused', 'recording'], but was {state}", "recording.state")
    return str(state)


def _wish(fields: Fields) -> dict[str, Any]:
    """The checked fields of transcribeCallRecording."""
    checked = requests.present(fields)
    requests.check_common(checked)
    requests.check_hook(checked, "callback", "username", "password")
    if not isinstance(checked.get("detectLanguage", False), bool):
        raise requests.refuse("Invalid detectLanguage: must be true or false", "request.field")
    return checked
