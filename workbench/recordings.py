"""The part of the Voice API that is about recordings and their transcriptions; `wb.voice` has it all."""

from __future__ import annotations

from typing import Any

from workbench.records import About
from workbench.wire import Wire, body_of, object_in, path_to

Json = dict[str, Any]


class Recordings:
    """Recordings of calls and conferences, kept for 30 days. `Voice` is one of these."""

    _wire: Wire

    def list_recordings(self, *, about: About | None = None, **fields: Any) -> list[Json]:
        """Recordings of the account's calls, at most 1000. Fields: to, from_, min_start_time, max_start_time."""
        return _list(self._wire.send("listAccountCallRecordings", "GET", "/recordings", params=body_of(fields), about=about))

    def recordings(self, call_id: str, *, about: About | None = None) -> list[Json]:
        """The recordings of a call."""
        return _list(self._wire.send("listCallRecordings", "GET", path_to("calls", call_id, "recordings"), about=about))

    def recording(self, call_id: str, recording_id: str, *, about: About | None = None) -> Json:
        """What is known of a recording: duration, status, `mediaUrl` once it can be downloaded, transcription …"""
        return object_in(self._wire.send("getCallRecording", "GET", _of_call(call_id, recording_id), about=about))

    def update_recording(self, call_id: str, state: str, *, about: About | None = None) -> None:
        """Pause (`paused`) or resume (`recording`) the recording of a call that is up."""
        path = path_to("calls", call_id, "recording")
        self._wire.send("updateCallRecordingState", "PUT", path, json={"state": state}, about=about)

    def delete_recording(self, call_id: str, recording_id: str, *, about: About | None = None) -> None:
        """Delete a recording with its media and transcription."""
        self._wire.send("deleteRecording", "DELETE", _of_call(call_id, recording_id), about=about)

    def download_recording(self, call_id: str, recording_id: str, *, about: About | None = None) -> bytes:
        """The sound of a recording, a WAV or MP3 file. The local platform's is silent, and says so."""
        return self._wire.download("downloadCallRecording", _of_call(call_id, recording_id, "media"), about=about)

    def delete_recording_media(self, call_id: str, recording_id: str, *, about: About | None = None) -> None:
        """Delete the sound of a recording; what is known of it stays."""
        self._wire.send("deleteRecordingMedia", "DELETE", _of_call(call_id, recording_id, "media"), about=about)

    def transcription(self, call_id: str, recording_id: str, *, about: About | None = None) -> Json:
        """The transcription of a recording: `transcripts`, one for each channel."""
        path = _of_call(call_id, recording_id, "transcription")
        return object_in(self._wire.send("getRecordingTranscription", "GET", path, about=about))

    def transcribe(self, call_id: str, recording_id: str, *, about: About | None = None, **fields: Any) -> None:
        """Have a recording transcribed.

        Fields: callback_url, callback_method, username, password, tag, callback_timeout (1..25 s, 15), detect_language.
        """
        path = _of_call(call_id, recording_id, "transcription")
        self._wire.send("transcribeCallRecording", "POST", path, json=body_of(fields), about=about)

    def delete_transcription(self, call_id: str, recording_id: str, *, about: About | None = None) -> None:
        """Delete the transcription of a recording."""
        path = _of_call(call_id, recording_id, "transcription")
        self._wire.send("deleteRecordingTranscription", "DELETE", path, about=about)

    # Conferences

    def conference_recordings(self, conference_id: str, *, about: About | None = None) -> list[Json]:
        """The recordings of a conference."""
        path = path_to("conferences", conference_id, "recordings")
        return _list(self._wire.send("listConferenceRecordings", "GET", path, about=about))

    def conference_recording(self, conference_id: str, recording_id: str, *, about: About | None = None) -> Json:
        """What is known of a conference's recording."""
        path = path_to("conferences", conference_id, "recordings", recording_id)
        return object_in(self._wire.send("getConferenceRecording", "GET", path, about=about))

    def download_conference_recording(self, conference_id: str, recording_id: str, *, about: About | None = None) -> bytes:
        """The sound of a conference's recording."""
        path = path_to("conferences", conference_id, "recordings", recording_id, "media")
        return self._wire.download("downloadConferenceRecording", path, about=about)


def _of_call(call_id: str, recording_id: str, *more: str) -> str:
    return path_to("calls", call_id, "recordings", recording_id, *more)


def _list(answer: Any) -> list[Json]:
    return answer if isinstance(answer, list) else []
