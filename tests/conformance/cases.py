"""How each operation is asked: what must be there, what is sent, what is refused. Names are operation ids of the newest document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from .scene import APPLICATION, BASE, NUMBER, PHONE, Ids, Scene

Arrange = Callable[[Scene], Awaitable[Ids]]

BXML = "<Bxml><SpeakSentence>Hello.</SpeakSentence></Bxml>"


@dataclass(frozen=True)
class Case:
    """One operation. Bodies are objects (JSON) or texts (XML); `bad_*` is what answers 400, `conflict` arranges what answers 409."""

    name: str
    arrange: Arrange
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    bad_body: Any = None
    bad_query: dict[str, str] = field(default_factory=dict)
    conflict: Arrange | None = None
    also: dict[int, Arrange] = field(default_factory=dict)  # further documented successes
    media_type: str = ""

    @property
    def content_type(self) -> str | None:
        """Of the body, None when there is none."""
        if self.body is None:
            return None
        return "application/xml" if isinstance(self.body, str) else "application/json"


FULL_CALL = {
    "from": NUMBER,
    "to": PHONE,
    "applicationId": APPLICATION,
    "answerUrl": "https://app.test/answer",
    "answerMethod": "GET",
    "username": "u",
    "password": "p",
    "answerFallbackUrl": "https://app.test/fallback",
    "answerFallbackMethod": "POST",
    "fallbackUsername": "f",
    "fallbackPassword": "q",
    "disconnectUrl": "https://app.test/disconnect",
    "disconnectMethod": "POST",
    "callTimeout": 30,
    "callbackTimeout": 15,
    "displayName": "Workbench",
    "priority": 3,
    "tag": "t",
}
TIMES = {"minStartTime": "2023-01-01T00:00:00Z", "maxStartTime": "2033-01-01T00:00:00Z"}
TRANSCRIBE = {
    "callbackUrl": "https://app.test/transcribed",
    "callbackMethod": "POST",
    "username": "u",
    "password": "p",
    "tag": "t",
    "callbackTimeout": 5.5,
    "detectLanguage": True,
}

CASES: tuple[Case, ...] = (
    Case("createCall", Scene.nothing, FULL_CALL, bad_body={"from": "x"}),
    Case("listCalls", Scene.calls, query={"pageSize": "10", "to": PHONE, **TIMES}, bad_query={"pageSize": "0"}),
    Case("getCallState", Scene.ended_call),
    Case("updateCall", Scene.call, {"redirectUrl": f"{BASE}/redirect", "tag": "t"}, bad_body={"state": "gone"}, conflict=Scene.ended_call),
    Case("updateCallBxml", Scene.call, BXML, bad_body="<Oops", conflict=Scene.ended_call),
    Case("listRealTimeTranscriptions", Scene.transcription),
    Case("getRealTimeTranscription", Scene.transcription),
    Case("deleteRealTimeTranscription", Scene.transcription),
    Case("listConferences", Scene.conference, query={"pageSize": "10", "name": "room"}, bad_query={"pageSize": "1001"}),
    Case("getConference", Scene.conference),
    Case("updateConference", Scene.conference, {"status": "active", "redirectUrl": f"{BASE}/room"}, bad_body={"status": "gone"}),
    Case("updateConferenceBxml", Scene.conference, BXML, bad_body="<Bxml><Gather/></Bxml>"),
    Case("getConferenceMember", Scene.conference),
    Case("updateConferenceMember", Scene.conference, {"mute": True, "hold": False, "callIdsToCoach": []}, bad_body={"mute": "yes"}),
    Case("listConferenceRecordings", Scene.recorded_conference),
    Case("getConferenceRecording", Scene.recorded_conference),
    Case("downloadConferenceRecording", Scene.recorded_conference),
    Case("listAccountCallRecordings", Scene.recorded, query={"to": PHONE, **TIMES}, bad_query={"minStartTime": "soon"}),
    Case("updateCallRecordingState", Scene.recording, {"state": "paused"}, bad_body={"state": "gone"}),
    Case("listCallRecordings", Scene.recorded),
    Case("getCallRecording", Scene.recorded),
    Case("deleteRecording", Scene.recorded),
    Case("downloadCallRecording", Scene.recorded),
    Case("deleteRecordingMedia", Scene.recorded),
    Case("getRecordingTranscription", Scene.recorded),
    Case("transcribeCallRecording", Scene.recorded, TRANSCRIBE, bad_body={"callbackTimeout": 26}),
    Case("deleteRecordingTranscription", Scene.recorded),
    Case("getStatistics", Scene.nothing),
    Case(
        "createParticipant",
        Scene.nothing,
        {"tag": "p", "publishPermissions": ["AUDIO"], "deviceApiVersion": "V3", "callbackUrl": f"{BASE}/participant"},
        bad_body={"publishPermissions": ["SMELL"]},
    ),
    Case("getParticipant", Scene.subscribed),
    Case("deleteParticipant", Scene.participant),
    Case("createSession", Scene.nothing, {"tag": "s"}, bad_body={"tag": "x" * 51}),
    Case("getSession", Scene.session),
    Case("deleteSession", Scene.session),
    Case("listSessionParticipants", Scene.subscribed, also={204: Scene.session}),
    Case("addParticipantToSession", Scene.apart, {"participants": []}, bad_body={"participants": [{}]}, conflict=Scene.elsewhere),
    Case("removeParticipantFromSession", Scene.joined),
    Case("getParticipantSubscriptions", Scene.subscribed, also={204: Scene.joined}),
    Case("updateParticipantSubscriptions", Scene.joined, {"participants": []}, bad_body={"participants": [{}]}),
    Case(
        "createEndpoint",
        Scene.nothing,
        {
            "type": "WEBRTC",
            "direction": "BIDIRECTIONAL",
            "eventCallbackUrl": f"{BASE}/endpoint",
            "eventFallbackUrl": f"{BASE}/fallback",
            "tag": "t",
            "connectionMetadata": {},
        },
        bad_body={"type": "WEBRTC", "direction": "SIDEWAYS"},
    ),
    Case("listEndpoints", Scene.endpoints, query={"type": "WEBRTC", "status": "CONNECTED", "limit": "1"}, bad_query={"limit": "0"}),
    Case("getEndpoint", Scene.endpoint),
    Case("deleteEndpoint", Scene.endpoint),
    Case("updateEndpointBxml", Scene.endpoint, "<Response><StartRecording/></Response>", bad_body="<Oops"),
)

# Operation ids of other documents for the same operation.
RENAMED = {"getCallTranscription": "getRecordingTranscription", "deleteCallTranscription": "deleteRecordingTranscription"}

# Documented statuses that never come: (operation, status) -> why.
NEVER = {("listCallRecordings", 404): "the tests of Bandwidth's SDK see an empty list for a call that nobody knows"}
