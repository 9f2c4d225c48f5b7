"""Media streams and live transcriptions are kept in the same way: what differs is how they are called, and their rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How media streams or live transcriptions are called in webhooks, and the rules of each."""

    word: str
    id: str
    hook: str
    event: str
    original: str
    start: str
    next: str
    duplicate: str
    track_limit: str
    connection: str
    timeout: str
    stop: str
    unknown: str
    end: str
    unstarted: str
    closed: str
    lost: str
    name: str
    params: str
    url: str


MEDIA = Kind(
    word="stream",
    id="stream",
    hook="stream_event",
    event="mediaStream",
    original="originalMediaStream",
    start="stream.start",
    next="stream.next",
    duplicate="stream.duplicate",
    track_limit="stream.track-limit",
    connection="stream.connection",
    timeout="stream.timeout",
    stop="stream.stop",
    unknown="stream.unknown",
    end="stream.end",
    unstarted="stream.unstarted",
    closed="stream.closed",
    lost="stream.lost",
    name="stream.name",
    params="stream.params",
    url="stream.url",
)
TRANSCRIPTION = Kind(
    word="transcription",
    id="transcription",
    hook="transcription_event",
    event="realTimeTranscription",
    original="originalTranscription",
    start="transcription.start",
    next="transcription.next",
    duplicate="transcription.duplicate",
    track_limit="transcription.track-limit",
    connection="transcription.connection",
    timeout="transcription.timeout",
    stop="transcription.stop",
    unknown="transcription.no-such-name",
    end="transcription.end",
    unstarted="transcription.unstarted",
    closed="transcription.closed",
    lost="transcription.lost",
    name="transcription.name",
    params="transcription.params",
    url="transcription.url",
)
