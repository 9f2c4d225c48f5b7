"""Media streams and live transcriptions of a call: starting and ending them, their limits, and the webhooks that tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from workbench import bxml
from workbench.simulator import bodies, playback, program, stream_messages, transcripts
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call
from workbench.simulator.core import Core
from workbench.simulator.effects import CloseStream, OpenStream
from workbench.simulator.stream_kinds import MEDIA, TRANSCRIPTION, Kind
from workbench.simulator.tracks import Stream

TRACKS_LIMIT = 4
CONNECT_SECONDS = 10.0


def _kind(stream: Stream) -> Kind:
    return TRANSCRIPTION if stream.transcribes else MEDIA


def _of(core: Core, call: Call, kind: Kind) -> list[Stream]:
    return [stream for stream in core.streams.get(call.call_id, ()) if _kind(stream) is kind]


# Starting


def start(core: Core, call: Call, verb: bxml.StartStream | bxml.StartTranscription) -> bool:
    """Start a media stream or live transcription; True when it began or was rejected at once."""
    kind = TRANSCRIPTION if isinstance(verb, bxml.StartTranscription) else MEDIA
    stream = Stream(core.ids(kind.id), call.call_id, verb, program.hook(verb, kind.hook, call.base_url), core.now)
    if verb.name is None:
        core.follow(kind.name)
    others = _of(core, call, kind)
    original = next((other for other in others if other.name == stream.name), None)
    if original is not None:
        message = f"A {kind.word} with the name {stream.name} already exists"
        _rejected(core, call, stream, "duplicate", message, kind.duplicate, **{kind.original: _details(original)})
        return True
    if sum(len(other.tracks) for other in [*others, stream]) > TRACKS_LIMIT:
        _rejected(core, call, stream, "track-limit", f"A call may have {TRACKS_LIMIT} tracks at once", kind.track_limit)
        return True
    core.streams.setdefault(call.call_id, []).append(stream)
    if verb.destination is None:
        _begin(core, call, stream, "transcription.alone")
        return True
    _connect(core, call, stream, kind)
    return False


def _connect(core: Core, call: Call, stream: Stream, kind: Kind) -> None:
    verb, number = stream.verb, core.number()
    stream.connection, stream.turn, core.connections[number] = number, call.turn, stream
    late = f"{verb.destination} did not accept the connection within {CONNECT_SECONDS:.0f} s"
    stream.timer = core.after(CONNECT_SECONDS, partial(_too_late, core, stream, late))
    username, password = getattr(verb, "destination_username", None), getattr(verb, "destination_password", None)
    rule = kind.start if username is None and password is None else "stream.credentials"
    core.happen(f"{kind.word}Connecting", rule, callId=call.call_id, name=stream.name, destination=verb.destination)
    tracks = () if stream.transcribes else stream.tracks
    first = stream_messages.start(call, stream)
    if verb.nested():
        core.follow(kind.params)
    core.effects.append(OpenStream(number, str(verb.destination), call.call_id, first, tracks, username, password))


def _begin(core: Core, call: Call, stream: Stream, rule: str) -> None:
    kind = _kind(stream)
    stream.running, stream.start_time = True, core.now
    core.happen(f"{kind.word}Started", rule, callId=call.call_id, id=stream.stream_id, name=stream.name, tracks=stream.tracks)
    if not stream.transcribes:
        core.happen("media", "stream.media", callId=call.call_id, id=stream.stream_id, encoding="audio/PCMU")
    tell(core, call, stream, "Started", rule)


def opened(core: Core, stream: Stream) -> None:
    """The connection stands."""
    assert stream.timer is not None
    stream.timer.cancelled = True
    call = core.calls[stream.call_id]
    _begin(core, call, stream, _kind(stream).start)
    if not isinstance(call.verb, bxml.StopStream):  # which waits for the end
        _go_on(core, call, stream, _kind(stream).next)


def failed(core: Core, stream: Stream, error: str) -> None:
    """The connection could not be made."""
    kind = _kind(stream)
    _not_connected(core, stream, error, kind.connection)


def _too_late(core: Core, stream: Stream, error: str) -> None:
    _abandon(core, core.calls[stream.call_id], stream)
    _not_connected(core, stream, error, _kind(stream).timeout)


def _not_connected(core: Core, stream: Stream, error: str, rule: str) -> None:
    call = core.calls[stream.call_id]
    _forget(core, stream)
    _rejected(core, call, stream, "connection-error", error, rule)
    _go_on(core, call, stream, _kind(stream).next)


def _rejected(core: Core, call: Call, stream: Stream, cause: str, message: str, rule: str, **extra: Any) -> None:
    kind = _kind(stream)
    core.happen(f"{kind.word}Rejected", rule, callId=call.call_id, name=stream.name, cause=cause, errorMessage=message)
    tell(core, call, stream, "Rejected", rule, cause=cause, errorMessage=message, **extra)


def _go_on(core: Core, call: Call, stream: Stream, rule: str) -> None:
    """Run the next verb, if this one was the call's last word."""
    turn, stream.turn = stream.turn, None
    if call.active and call.turn == turn:
        core.happen("next", rule, callId=call.call_id)
        program.step(core, call)


# Ending


def stop(core: Core, call: Call, verb: bxml.StopStream) -> bool:
    """End a media stream, or with `wait` let it go on until its connection closes."""
    stream = next((stream for stream in _of(core, call, MEDIA) if stream.name == verb.name), None)
    if stream is None:
        core.happen("streamUnknown", MEDIA.unknown, callId=call.call_id, name=verb.name)
        return True
    if verb.effective("wait"):
        stream.turn = call.turn
        core.happen("streamAwaited", "stream.wait", callId=call.call_id, name=stream.name)
        return False
    _end(core, call, stream, MEDIA.stop)
    return True


def stop_transcription(core: Core, call: Call, verb: bxml.StopTranscription) -> bool:
    """End the live transcription of that name, or all of them."""
    found = [stream for stream in _of(core, call, TRANSCRIPTION) if verb.name in (None, stream.name)]
    if not found:
        core.happen("transcriptionUnknown", TRANSCRIPTION.unknown, callId=call.call_id, name=verb.name)
    for stream in found:
        _end(core, call, stream, TRANSCRIPTION.stop if verb.name else "transcription.stop-all")
    return True


def call_ended(core: Core, call: Call) -> None:
    """A call ended, and with it all that left it."""
    for stream in core.streams.get(call.call_id, [])[:]:
        _end(core, call, stream, _kind(stream).end)


def _end(core: Core, call: Call, stream: Stream, rule: str) -> None:
    """End a stream from this side."""
    _abandon(core, call, stream)
    _forget(core, stream)
    if stream.running:
        _stopped(core, call, stream, "closed", rule)
    else:
        _rejected(core, call, stream, "error", f"The {_kind(stream).word} ended before it was established", _kind(stream).unstarted)


def closed(core: Core, stream: Stream, error: str | None) -> None:
    """The application closed the connection, or it broke (`error` says how)."""
    call, kind = core.calls[stream.call_id], _kind(stream)
    _forget(core, stream)
    if error is None:
        _stopped(core, call, stream, "closed", kind.closed)
    else:
        _stopped(core, call, stream, "connection-error", kind.lost, errorMessage=error)
    _go_on(core, call, stream, "stream.wait")


def _stopped(core: Core, call: Call, stream: Stream, cause: str, rule: str, **extra: str) -> None:
    stream.running = False
    kind, seconds = _kind(stream), core.now - stream.start_time
    core.happen(f"{kind.word}Stopped", rule, callId=call.call_id, id=stream.stream_id, name=stream.name, cause=cause, **extra)
    tell(core, call, stream, "Stopped", rule, {"duration": bodies.period(seconds)}, cause=cause, **extra)
    if stream.transcribes:
        transcripts.finish(core, stream)


def _abandon(core: Core, call: Call, stream: Stream) -> None:
    if stream.connection is not None:
        core.follow("stream.messages")
        core.effects.append(CloseStream(stream.connection, stream_messages.stop(call, stream)))


def _forget(core: Core, stream: Stream) -> None:
    core.connections.pop(stream.connection or 0, None)
    playback.drop(stream)
    if stream.timer is not None:
        stream.timer.cancelled = True
    streams = core.streams[stream.call_id]
    streams.remove(stream)
    if not streams:
        del core.streams[stream.call_id]


# What webhooks tell


def tell(core: Core, call: Call, stream: Stream, what: str, rule: str, about: Mapping[str, Any] | None = None, **extra: Any) -> None:
    """Send an event about a stream, if anybody wants it; `about` adds to the stream's own fields, `extra` to the event's."""
    kind = _kind(stream)
    if stream.hook is None:
        return core.follow(kind.url)
    body = bodies.call_event(core, kind.event + what, call, **{kind.event: _details(stream) | dict(about or {})}, **extra)
    return core.send(stream.hook, body, rule, timeout=call.callback_timeout)


def _details(stream: Stream) -> dict[str, Any]:
    """A stream as webhooks show it (documented, webhooks/mediaStreamStarted and webhooks/realTimeTranscriptionStarted)."""
    verb = stream.verb
    details: dict[str, Any] = {
        "id": stream.stream_id,
        "name": stream.name,
        "startTime": iso(stream.start_time),
        "tracks": list(stream.tracks),
    }
    if isinstance(verb, bxml.StartStream):
        return details | {"destination": verb.destination, "type": "WebSocket"}
    if verb.destination is None:
        return details
    # A string (documented, webhooks/realTimeTranscriptionAvailable).
    return details | {"destination": verb.destination, "stabilized": "true" if verb.effective("stabilized") else "false"}
