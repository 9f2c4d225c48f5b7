"""The bodies of webhooks, one function per kind of event (webhooks 3). Optional fields are left out, never null."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from workbench.simulator.calls import Call, Conference, Recording
from workbench.simulator.core import Core
from workbench.simulator.records import Connection, Endpoint


@lru_cache(maxsize=4096)  # a call's few moments are told again and again
def iso(moment: float) -> str:
    """Epoch seconds as `2026-03-02T10:00:00.120Z` (documented: UTC with milliseconds)."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def period(seconds: float) -> str:
    """A length of time as `PT1M52.217S` (documented: ISO 8601)."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + f"{rest:.3f}".rstrip("0").rstrip(".") + "S"


def call_event(core: Core, event_type: str, call: Call, **extra: Any) -> dict[str, Any]:
    """A call's event with its common fields; `extra` adds the event's own."""
    core.follow("webhook.fields", "webhook.absent", "webhook.time")
    body: dict[str, Any] = {
        "eventType": event_type,
        "eventTime": iso(core.now),
        "accountId": call.account_id,
        "applicationId": call.application_id,
        "from": call.from_,
        "to": call.to,
        "direction": call.direction,
        "callId": call.call_id,
        "callUrl": f"{core.config.voice_url}/accounts/{call.account_id}/calls/{call.call_id}",
    }
    for name, moment in (("enqueuedTime", call.enqueued_time), ("startTime", call.start_time), ("answerTime", call.answer_time)):
        if moment is not None:
            body[name] = iso(moment)
    if call.target is not None:
        body |= _leg_fields(core, call)
    if call.tag:
        body["tag"] = call.tag
    return body | _present(extra)


def _leg_fields(core: Core, leg: Call) -> dict[str, Any]:
    """A B-leg shows its parent's numbers beside its own (documented, webhooks/transferAnswer)."""
    assert leg.target is not None and leg.parent_call_id is not None
    parent = core.calls.get(leg.parent_call_id, leg)
    core.follow("transfer.leg-fields")
    return {
        "from": parent.from_,
        "to": parent.to,
        "parentCallId": leg.parent_call_id,
        "transferCallerId": leg.target.caller_id,
        "transferTo": leg.target.address,
    }


def ended(call: Call) -> dict[str, Any]:
    """How a call ended, for the events that tell it."""
    assert call.end_time is not None
    told = {"endTime": iso(call.end_time), "cause": call.cause, "errorMessage": call.error_message, "errorId": call.error_id}
    return _present(told)


def conference_event(core: Core, event_type: str, conference: Conference, member: Call | None = None) -> dict[str, Any]:
    """A conference's event; those about a member name its call (documented: no accountId, no direction)."""
    core.follow("conference.fields")
    body: dict[str, Any] = {
        "eventType": event_type,
        "eventTime": iso(core.now),
        "conferenceId": conference.conference_id,
        "name": conference.name,
    }
    if member is not None:
        body |= {"callId": member.call_id, "from": member.from_, "to": member.to}
    if conference.tag:
        body["tag"] = conference.tag
        core.follow("conference.tag")
    return body


def recorded(recording: Recording) -> dict[str, Any]:
    """What both the events and the metadata of a recording show; while it runs, what is known."""
    ended = recording.end_time
    return _present(
        {
            "recordingId": recording.recording_id,
            "channels": recording.channels,
            "startTime": iso(recording.start_time),
            "endTime": None if ended is None else iso(ended),
            "duration": None if ended is None else period(recording.seconds(ended)),
            "fileFormat": recording.file_format,
            "mediaUrl": recording.media_url,
        }
    )


def recording_event(core: Core, event_type: str, recording: Recording, **extra: Any) -> dict[str, Any]:
    """An event about a recording: the times are its own, not the call's (documented, webhooks/recordComplete)."""
    of = recording.of
    if isinstance(of, Call):
        return call_event(core, event_type, of, **recorded(recording)) | dict(recording.identity) | _present(extra)
    body = {"eventType": event_type, "eventTime": iso(core.now), **recording.identity, **recorded(recording)}
    return body | ({"tag": of.tag} if of.tag else {}) | _present(extra)


def transcription_fields(recording: Recording) -> dict[str, Any] | None:
    """What is known of a recording's transcription, or None when none was asked for."""
    made = recording.transcription
    if made is None:
        return None
    done = None if made.completed_time is None else iso(made.completed_time)
    url = recording.media_url.removesuffix("media") + "transcription"
    return _present({"id": made.transcription_id, "status": made.status, "completedTime": done, "url": url})


def participant_event(core: Core, event: str, participant_id: str, device_id: str, tag: str | None) -> dict[str, Any]:
    """A participant's event; its timestamp is a string of milliseconds (documented, webrtc/webhooks)."""
    core.follow("webrtc.fields")
    body = {"event": event, "timestamp": str(int(core.now * 1000)), "participantId": participant_id, "deviceId": device_id, "tag": tag}
    return _present(body)


def endpoint_event(core: Core, event: str, endpoint: Endpoint, **extra: str) -> dict[str, Any]:
    """An endpoint's event in the form of the guide: its timestamp is a number of milliseconds (documented, brtc/webhooks)."""
    assert endpoint.device is not None
    body = {
        "event": event,
        "timestamp": int(core.now * 1000),
        "accountId": core.config.account_id,
        "endpointId": endpoint.id,
        "deviceId": endpoint.device.id,
        "tags": endpoint.tag,
    }
    return _present(body) | extra


def connect_status(core: Core, status: str, connection: Connection, call: Call, tag: str | None) -> dict[str, Any]:
    """How a `<Connect>` goes: from the call to the endpoint, whose `tag` is given (documented, brtc/webhooks; its `event` is assumed)."""
    body = {
        "event": "connectStatus",
        "status": status,
        "accountId": core.config.account_id,
        "sessionId": connection.session_id,
        "from": call.call_id,
        "fromType": "CALL",
        "to": connection.endpoint_id,
        "toType": "ENDPOINT",
        "fromTags": call.tag,
        "toTags": tag,
    }
    return _present(body)


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
