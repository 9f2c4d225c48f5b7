"""The records of what leaves a call by its tracks: media streams, live transcriptions, what its phone says, and what was transcribed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench import bxml
from workbench.simulator.calls import Hook
from workbench.simulator.sounds import Sound
from workbench.simulator.timers import Timer

# What the call sends and what it hears; this has nothing to do with the direction of the call (documented, bxml/startStream).
BOTH = ("inbound", "outbound")
LANGUAGE = "en-US"


@dataclass(slots=True)
class Stream:
    """A media stream or live transcription of a call. Times are epoch seconds."""

    stream_id: str
    call_id: str
    verb: bxml.StartStream | bxml.StartTranscription
    hook: Hook | None
    start_time: float
    # Of the WebSocket; a transcription without a destination has none.
    connection: int | None = None
    running: bool = False
    timer: Timer | None = None
    # The turn of the call that waits for this stream: to be established, or to end.
    turn: int | None = None
    # Audio that the application sent: since when and until when it plays, and the timer of its end.
    plays_from: float = 0.0
    plays_until: float = 0.0
    playback: Timer | None = None
    ignored: int = 0
    # What was heard by track, of a transcription.
    heard: dict[str, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the application calls it."""
        return self.verb.name or self.stream_id

    @property
    def tracks(self) -> tuple[str, ...]:
        """The tracks it takes."""
        tracks = str(self.verb.effective("tracks"))
        return BOTH if tracks == "both" else (tracks,)

    @property
    def transcribes(self) -> bool:
        """Whether it is a live transcription."""
        return isinstance(self.verb, bxml.StartTranscription)


@dataclass(frozen=True, slots=True)
class File:
    """A file that was fetched for a phone to play; its length in seconds."""

    fetch_id: int
    seconds: float


@dataclass(slots=True)
class Speech:
    """What the phone of a call is saying and what it will say or play next, None standing for a beep; the sound of it, and its timers."""

    waiting: list[str | File | None] = field(default_factory=list)
    sound: Sound | None = None
    timers: list[Timer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a live transcription heard, sentences by track."""

    transcription_id: str
    name: str
    heard: Mapping[str, tuple[str, ...]]
