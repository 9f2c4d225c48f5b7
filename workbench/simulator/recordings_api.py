"""The Voice API's operations on recordings, under their official paths: unpack the request, call the engine, pack the answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from workbench.simulator import silence
from workbench.simulator.voice_api import BASE, VoiceApi, json_200, json_fields
from workbench.simulator.voice_shapes import recording_state, recording_transcripts
from workbench.simulator.wire import Operation, routes, ruled
from workbench.simulator.world import World


class RecordingsApi:
    """The operations on the recordings of one world, behind the Voice API's door."""

    def __init__(self, world: World, voice: VoiceApi) -> None:
        self._world, self._voice = world, voice

    def operations(self) -> list[Operation]:
        """Every operation under its official path and name."""
        of_call, of_conference = "/calls/{call_id}/recordings", "/conferences/{conference_id}/recordings"
        one, other = of_call + "/{recording_id}", of_conference + "/{recording_id}"
        return [
            Operation("GET", "/recordings", "listAccountCallRecordings", self.list_all),
            Operation("PUT", "/calls/{call_id}/recording", "updateCallRecordingState", self.update),
            Operation("GET", of_call, "listCallRecordings", self.list_of),
            Operation("GET", one, "getCallRecording", self.get),
            Operation("DELETE", one, "deleteRecording", self.delete),
            Operation("GET", one + "/media", "downloadCallRecording", self.download),
            Operation("DELETE", one + "/media", "deleteRecordingMedia", self.delete_media),
            Operation("GET", one + "/transcription", "getRecordingTranscription", self.get_transcription),
            Operation("POST", one + "/transcription", "transcribeCallRecording", self.transcribe),
            Operation("DELETE", one + "/transcription", "deleteRecordingTranscription", self.delete_transcription),
            Operation("GET", of_conference, "listConferenceRecordings", self.list_of),
            Operation("GET", other, "getConferenceRecording", self.get),
            Operation("GET", other + "/media", "downloadConferenceRecording", self.download),
        ]

    def routes(self) -> list[Route]:
        """The operations as routes."""
        return routes(BASE, self.operations(), self._voice.guard)

    async def list_all(self, request: Request) -> Response:
        """GET /recordings"""
        found = self._world.engine.list_recordings(dict(request.query_params))
        return json_200([recording_state(recording) for recording in found])

    async def list_of(self, request: Request) -> Response:
        """GET /calls/{callId}/recordings, GET /conferences/{conferenceId}/recordings"""
        found = self._world.engine.recordings_of(_where(request))
        return json_200([recording_state(recording) for recording in found])

    async def get(self, request: Request) -> Response:
        """GET …/recordings/{recordingId}"""
        return json_200(recording_state(self._world.engine.recording(*_named(request))))

    async def update(self, request: Request) -> Response:
        """PUT /calls/{callId}/recording"""
        fields, call_id = await json_fields(request), request.path_params["call_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_recording(now, call_id, fields))
        return self._voice.empty(200, seq)

    async def delete(self, request: Request) -> Response:
        """DELETE …/recordings/{recordingId}"""
        named = _named(request)
        _, seq = self._world.change(lambda engine, now: engine.delete_recording(now, *named))
        return self._voice.empty(204, seq)

    async def download(self, request: Request) -> Response:
        """GET …/recordings/{recordingId}/media, piece by piece: hours of it take no memory"""
        recording = self._world.engine.media(*_named(request))
        media = silence.media(recording, self._world.sound.stored(recording))
        headers = {"Content-Length": str(media.length)}
        self._world.engine.follow("media.file")
        if request.method == "HEAD":
            return ruled(Response(None, 200, headers, media.type), "media.file")
        return ruled(StreamingResponse(media.chunks(), 200, headers, media.type), "media.file")

    async def delete_media(self, request: Request) -> Response:
        """DELETE …/recordings/{recordingId}/media"""
        named = _named(request)
        _, seq = self._world.change(lambda engine, now: engine.delete_media(now, *named))
        return self._voice.empty(204, seq)

    # Transcriptions

    async def get_transcription(self, request: Request) -> Response:
        """GET …/recordings/{recordingId}/transcription"""
        return json_200(recording_transcripts(self._world.engine.recording_transcription(*_named(request))))

    async def transcribe(self, request: Request) -> Response:
        """POST …/recordings/{recordingId}/transcription"""
        fields, named = await json_fields(request), _named(request)
        _, seq = self._world.change(lambda engine, now: engine.transcribe(now, *named, fields))
        return self._voice.empty(204, seq)

    async def delete_transcription(self, request: Request) -> Response:
        """DELETE …/recordings/{recordingId}/transcription"""
        named = _named(request)
        _, seq = self._world.change(lambda engine, now: engine.delete_recording_transcription(now, *named))
        return self._voice.empty(204, seq)


def _where(request: Request) -> dict[str, str]:
    """Whose recording a path means."""
    names = request.path_params
    return {"callId": names["call_id"]} if "call_id" in names else {"conferenceId": names["conference_id"]}


def _named(request: Request) -> tuple[dict[str, str], str]:
    return _where(request), request.path_params["recording_id"]
