"""Calls, conferences and members as the Voice API shows them (voice-api 3.2, 4 and 6)."""

from __future__ import annotations

from typing import Any

from workbench.simulator import bodies, transcribing
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call, Conference, Hook, Member, Recording
from workbench.simulator.tracks import LANGUAGE, Transcript
from workbench.simulator.transcripts import NOT_SIMULATED

HIDDEN = "*****"


def created(call: Call, url: str) -> dict[str, Any]:
    """The body of a 201: every field, null when unset, passwords hidden (documented). `url` is the call's."""
    answer, disconnect = call.answer or Hook(""), call.disconnect
    return {
        "applicationId": call.application_id,
        "accountId": call.account_id,
        "callId": call.call_id,
        "to": call.to,
        "from": call.from_,
        "enqueuedTime": _time(call.enqueued_time),
        "callUrl": url,
        "callTimeout": call.call_timeout,
        "callbackTimeout": call.callback_timeout,
        "tag": call.tag,
        "answerMethod": answer.method,
        "answerUrl": answer.url,
        "answerFallbackMethod": answer.fallback_method,
        "answerFallbackUrl": answer.fallback_url,
        "disconnectMethod": disconnect.method if disconnect else "POST",
        "disconnectUrl": disconnect.url if disconnect else None,
        "username": answer.username,
        "password": answer.password and HIDDEN,
        "fallbackUsername": answer.fallback_username,
        "fallbackPassword": answer.fallback_password and HIDDEN,
        "priority": call.priority,
    }


def member_state(conference_id: str, member: Member, url: str) -> dict[str, Any]:
    """A member; `url` is its conference's."""
    return {
        "callId": member.call_id,
        "conferenceId": conference_id,
        "memberUrl": f"{url}/members/{member.call_id}",
        "mute": member.mute,
        "hold": member.hold,
        "callIdsToCoach": list(member.coach) or None,
    }


def call_state(call: Call) -> dict[str, Any]:
    """A call as getCallState and listCalls show it; what is not known yet is null (documented, voice-api/callState).

    Only stirShaken is empty: the specification wants it, and the official Node package refuses null there.
    """
    return {
        "applicationId": call.application_id,
        "accountId": call.account_id,
        "callId": call.call_id,
        "parentCallId": call.parent_call_id,
        "to": call.to,
        "from": call.from_,
        "direction": call.direction,
        "state": call.state.value,
        "stirShaken": call.sip.stir_shaken or {},
        "identity": call.sip.identity,
        "enqueuedTime": _time(call.enqueued_time),
        "startTime": _time(call.start_time),
        "answerTime": _time(call.answer_time),
        "endTime": _time(call.end_time),
        "disconnectCause": call.cause,
        "errorMessage": call.error_message,
        "errorId": call.error_id,
        "lastUpdate": _time(call.last_update),
    }


def conference_state(conference: Conference) -> dict[str, Any]:
    """A conference without its members, as the list shows it (documented)."""
    hook = conference.hook
    return {
        "id": conference.conference_id,
        "name": conference.name,
        "createdTime": iso(conference.created_time),
        "completedTime": _time(conference.completed_time),
        "conferenceEventUrl": hook.url if hook else None,
        "conferenceEventMethod": hook.method if hook else None,
        "tag": conference.tag,
    }


def transcription_metadata(transcript: Transcript, call_url: str) -> dict[str, Any]:
    """A transcription as the list shows it (documented)."""
    return {
        "transcriptionId": transcript.transcription_id,
        "transcriptionName": transcript.name,
        "transcriptionUrl": f"{call_url}/transcriptions/{transcript.transcription_id}",
    }


def transcription(account_id: str, call_id: str, transcript: Transcript) -> dict[str, Any]:
    """A transcription with its text by track; where no words are known it says so, with no confidence (ours)."""
    tracks = [
        {
            "detectedLanguage": LANGUAGE,
            "track": track,
            "transcript": " ".join(sentences) or NOT_SIMULATED,
            "confidence": 1.0 if sentences else 0.0,
        }
        for track, sentences in transcript.heard.items()
    ]
    return {"accountId": account_id, "callId": call_id, "transcriptionId": transcript.transcription_id, "tracks": tracks}


def recording_state(recording: Recording) -> dict[str, Any]:
    """A recording's metadata. What is not known yet is left out; mediaUrl is there while there is something to download (documented)."""
    shown = bodies.recorded(recording)
    if recording.status != "complete":
        del shown["mediaUrl"]
    body = {**recording.identity, **shown, "status": recording.status}
    for name, value in (("transcription", bodies.transcription_fields(recording)), ("recordingName", recording.verb.recording_name)):
        if value:
            body[name] = value
    return body


def recording_transcripts(recording: Recording) -> dict[str, Any]:
    """A recording's transcription: one transcript a channel (documented), with a confidence of 0 as nobody listened."""
    text, seconds = transcribing.text(recording), recording.seconds(recording.end_time or 0.0)
    said = [{"speaker": speaker, "text": text, "confidence": 0.0} for speaker in range(recording.channels)]
    return {"transcripts": said, "clips": [{**one, "startTimeSeconds": 0.0, "endTimeSeconds": seconds} for one in said]}


def _time(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)
