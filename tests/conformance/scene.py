"""A platform in process with what an operation needs to be there: calls in every state, a conference, recordings, participants."""

from __future__ import annotations

from typing import Any

import httpx

from tests.simulator.shell import APPLICATION, BASE, NUMBER, PHONE, PHONE_2, VOICE, WEBRTC, Platform, call_fields, document

ENDPOINTS = "/v2/accounts/9900000/endpoints"
PARKED = document('<Pause duration="1000"/>')
Ids = dict[str, str]


class Scene:
    """One platform; each method makes something and returns the path parameters that name it."""

    def __init__(self) -> None:
        self.platform = Platform()

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """A request that must succeed."""
        answer = await self.platform.http.post(path, json=fields)
        assert answer.is_success, answer.text
        return answer

    async def nothing(self) -> Ids:
        """No parameters."""
        return {}

    async def use_up(self) -> None:
        """Make the one request that this second allows; the clock stands still."""
        assert (await self.platform.http.put("/_local/limits", json={"requests_per_second": 1})).is_success
        await self.platform.http.get(f"{VOICE}/statistics")

    async def call(self, answer: str = PARKED, to: str = PHONE) -> Ids:
        """An answered call that runs a document."""
        self.platform.application.replies["answer"] = answer
        call_id = await self.platform.call(to)
        await self.platform.idle()
        return {"callId": call_id}

    async def ended_call(self) -> Ids:
        """A call that ended."""
        return await self.call(document("<Hangup/>"))

    async def transcription(self) -> Ids:
        """An ended call of which both tracks were transcribed."""
        spoken = '<StartTranscription tracks="both"/><SpeakSentence>Hello.</SpeakSentence>'
        ids = await self.call(document(spoken))
        listed = await self.platform.http.get(f"{VOICE}/calls/{ids['callId']}/transcriptions")
        return ids | {"transcriptionId": listed.json()[0]["transcriptionId"]}

    async def calls(self) -> Ids:
        """Two calls with everything a call can show: one ended, one going on with its B-leg."""
        await self.ended_call()
        await self.call(document(f"<Transfer><PhoneNumber>{PHONE_2}</PhoneNumber></Transfer>"))
        return {}

    async def conference(self) -> Ids:
        """A conference with one member; `memberId` is its call's id."""
        room = f'<Conference tag="room" conferenceEventUrl="{BASE}/room">room</Conference>'
        member = await self.call(document(room, '<Pause duration="1000"/>'))
        listed = await self.platform.http.get(f"{VOICE}/conferences")
        return {"conferenceId": listed.json()[0]["id"], "memberId": member["callId"]}

    async def recording(self) -> Ids:
        """A call that is being recorded."""
        return await self.call(document("<StartRecording/>", '<Pause duration="1000"/>'))

    async def recorded(self) -> Ids:
        """A recording with everything it can show: of a B-leg, named and transcribed."""
        screen = '<Record maxDuration="2" transcribe="true" recordingName="greeting"/>'
        self.platform.application.replies["transferAnswer"] = document(screen)
        number = f'<PhoneNumber transferAnswerUrl="{BASE}/screen">{PHONE_2}</PhoneNumber>'
        await self.call(document(f"<Transfer>{number}</Transfer>"))
        (found,) = (await self.platform.http.get(f"{VOICE}/recordings")).json()
        return {"callId": found["callId"], "recordingId": found["recordingId"]}

    async def recorded_conference(self) -> Ids:
        """A conference with a recording."""
        ids = await self.conference()
        verbs = '<StartRecording recordingName="minutes"/><SpeakSentence>A sentence.</SpeakSentence><StopRecording/>'
        path, headers = f"{VOICE}/conferences/{ids['conferenceId']}", {"Content-Type": "application/xml"}
        await self.platform.http.put(f"{path}/bxml", content=f"<Bxml>{verbs}</Bxml>", headers=headers)
        await self.platform.idle()
        (found,) = (await self.platform.http.get(f"{path}/recordings")).json()
        return {"conferenceId": ids["conferenceId"], "recordingId": found["recordingId"]}

    async def participant(self) -> Ids:
        """A participant in no session."""
        made = await self.post(f"{WEBRTC}/participants", tag="p", callbackUrl=f"{BASE}/participant")
        return {"participantId": made.json()["participant"]["id"]}

    async def session(self) -> Ids:
        """A session without participants."""
        return {"sessionId": (await self.post(f"{WEBRTC}/sessions", tag="s")).json()["id"]}

    async def apart(self) -> Ids:
        """A session, and a participant that is not in it."""
        return await self.session() | await self.participant()

    async def joined(self, body: Any = None) -> Ids:
        """A session and a participant in it, without subscriptions."""
        ids = await self.apart()
        path = f"{WEBRTC}/sessions/{ids['sessionId']}/participants/{ids['participantId']}"
        answer = await self.platform.http.put(path, json=body) if body else await self.platform.http.put(path)
        assert answer.status_code == 204
        return ids

    async def subscribed(self) -> Ids:
        """A session and a participant in it that is subscribed to itself, by an alias."""
        ids = await self.joined()
        path = f"{WEBRTC}/sessions/{ids['sessionId']}/participants/{ids['participantId']}/subscriptions"
        named = [{"participantId": ids["participantId"], "streamAliases": ["mic"]}]
        await self.platform.http.put(path, json={"sessionId": ids["sessionId"], "participants": named})
        return ids

    async def elsewhere(self) -> Ids:
        """A participant of another session than the one named."""
        return await self.joined() | await self.session()

    async def endpoint(self) -> Ids:
        """An endpoint with a device."""
        fields = {"type": "WEBRTC", "direction": "INBOUND", "eventCallbackUrl": f"{BASE}/endpoint", "tag": "t"}
        made = (await self.post(ENDPOINTS, **fields)).json()["data"]
        await self.post("/_local/devices", token=made["token"], name="A telephone")
        return {"endpointId": made["endpointId"]}

    async def endpoints(self) -> Ids:
        """Two endpoints with devices."""
        await self.endpoint()
        await self.endpoint()
        return {}


__all__ = ["APPLICATION", "BASE", "NUMBER", "PHONE", "Ids", "Scene", "call_fields"]
