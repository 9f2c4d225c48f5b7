"""The platform's state for `GET /_local/state`: ready for JSON, without passwords and tokens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from workbench.simulator import applications, recordings
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call, Conference, Recording
from workbench.simulator.core import Core
from workbench.simulator.records import Connection, Device, Endpoint
from workbench.simulator.sounds import Sound
from workbench.simulator.tracks import Stream


def snapshot(core: Core) -> dict[str, Any]:
    """Everything there is now: the account, phones, calls and what goes on in them, and the WebRTC side of both products."""
    return {
        "account": core.config.account_id,
        "applications": [applications.shown(item) for item in core.applications.values()],
        "numbers": [{"number": number, "applicationId": owner} for number, owner in core.numbers.items()],
        "limits": asdict(core.limits),
        "phones": [asdict(phone) | {"callId": core.on_phone.get(number)} for number, phone in core.phones.items()],
        "interconnect": asdict(core.interconnect),
        "calls": [_call(core, call) for call in core.calls.values() if call.active],
        "sounds": [_sound(source, sound) for source, sound in core.sounds.items()],
        "recordings": [_recording(core, item) for item in core.recordings.values() if item.end_time is None],
        "conferences": [_conference(item) for item in core.conferences.values() if item.completed_time is None],
        "sessions": [{"id": item.id, "tag": item.tag, "participants": list(item.participants)} for item in core.sessions.values()],
        "participants": [
            {
                "id": item.id,
                "tag": item.tag,
                "sessionId": item.session_id,
                "connected": item.device_id is not None,
                "deviceId": item.device_id,
                "callId": item.call_id,
            }
            for item in core.participants.values()
        ],
        "endpoints": [_endpoint(item) for item in core.endpoints.values()],
        "devices": [_device(item) for item in core.devices.values()],
        "connections": [_connection(item) for item in core.connects.values()],
    }


def _call(core: Core, call: Call) -> dict[str, Any]:
    link = core.links.get(call.call_id)
    conference = core.in_conference.get(call.call_id)
    return {
        "callId": call.call_id,
        "parentCallId": call.parent_call_id,
        "direction": call.direction,
        "from": call.from_,
        "to": call.to,
        "state": call.state.value,
        "ringing": call.ringing,
        "startTime": iso(call.start_time) if call.start_time is not None else None,
        "answerTime": iso(call.answer_time) if call.answer_time is not None else None,
        "verb": type(call.verb).__name__ if call.verb is not None else None,
        "link": {"verb": type(link.verb).__name__, "a": link.a, "b": link.b, "joined": link.joined} if link else None,
        "conferenceId": conference.conference_id if conference else None,
        "streams": [_stream(stream) for stream in core.streams.get(call.call_id, ())],
        "tag": call.tag,
    }


def _sound(source: str, sound: Sound) -> dict[str, Any]:
    """What is heard of a source: the id of a call or conference it is played to, or of the party that says or presses it."""
    told = {"text": sound.text, "digits": sound.digits}
    until = {"until": iso(sound.until)} if sound.until is not None else {}
    return {
        "source": source,
        "kind": sound.kind,
        "began": iso(sound.began),
        **until,
        **{name: value for name, value in told.items() if value},
    }


def _stream(stream: Stream) -> dict[str, Any]:
    return {
        "id": stream.stream_id,
        "name": stream.name,
        "verb": type(stream.verb).__name__,
        "tracks": list(stream.tracks),
        "destination": stream.verb.destination,
        "running": stream.running,
        "startTime": iso(stream.start_time),
    }


def _conference(conference: Conference) -> dict[str, Any]:
    return {
        "conferenceId": conference.conference_id,
        "name": conference.name,
        "createdTime": iso(conference.created_time),
        "members": [
            {"callId": member.call_id, "mute": member.mute, "hold": member.hold, "callIdsToCoach": list(member.coach)}
            for member in conference.members.values()
        ],
    }


def _recording(core: Core, recording: Recording) -> dict[str, Any]:
    """A recording that is running: how long it is by now, and whose sound goes into which channel."""
    return {
        "recordingId": recording.recording_id,
        **recording.where,
        "verb": type(recording.verb).__name__,
        "startTime": iso(recording.start_time),
        "seconds": recording.seconds(core.now),
        "paused": recording.paused_since is not None,
        "channels": recordings.channels(core, recording),
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "endpointId": endpoint.id,
        "direction": endpoint.direction,
        "tag": endpoint.tag,
        "connected": endpoint.connected,
        "eligible": endpoint.eligible,
        "deviceId": endpoint.device.id if endpoint.device is not None and endpoint.connected else None,
        "callId": endpoint.call_id,
        "creationTimestamp": iso(endpoint.created),
    }


def _device(device: Device) -> dict[str, Any]:
    return {
        "deviceId": device.id,
        "name": device.name,
        "participantId": device.participant_id,
        "endpointId": device.endpoint_id,
        "publishes": device.publishes,
        "autoAccept": device.auto_accept,
    }


def _connection(connection: Connection) -> dict[str, Any]:
    return {
        "sessionId": connection.session_id,
        "callId": connection.call_id,
        "endpointId": connection.endpoint_id,
        "joined": connection.joined,
    }
