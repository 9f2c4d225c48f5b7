"""The records of Programmable Voice: calls, the links between two of them, conferences, and the legal moves of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workbench import bxml
from workbench.simulator.timers import Timer


class State(StrEnum):
    """States of a call (documented, voice-api 4)."""

    QUEUED = "queued"
    INITIATED = "initiated"
    ANSWERED = "answered"
    DISCONNECTED = "disconnected"


# What may follow what; the lessons draw the diagram from this table.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.INITIATED, State.DISCONNECTED}),
    State.INITIATED: frozenset({State.ANSWERED, State.DISCONNECTED}),
    State.ANSWERED: frozenset({State.DISCONNECTED}),
    State.DISCONNECTED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a webhook goes: URL, method and credentials, and the same for its fallback."""

    url: str
    method: str = "POST"
    username: str | None = None
    password: str | None = None
    fallback_url: str | None = None
    fallback_method: str = "POST"
    fallback_username: str | None = None
    fallback_password: str | None = None


@dataclass(slots=True)
class Dialog:
    """What SIP says of a call beside who calls whom: its Call-ID, the status that refused its INVITE, and what the INVITE carried.

    `shown` is the caller that the far end sees in place of the number, `name` the name beside it; `hops` counts how often it was passed on.
    """

    call_id: str | None = None
    response_code: int | None = None
    shown: str | None = None
    name: str | None = None
    diversion: Mapping[str, str] | None = None
    stir_shaken: Mapping[str, str] | None = None
    identity: str | None = None
    headers: Mapping[str, str] | None = None
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One destination of a `<Transfer>`, kept by the B leg that dials it."""

    answer: Hook | None
    disconnect: Hook | None
    caller_id: str
    address: str


@dataclass(frozen=True, slots=True)
class Detection:
    """How a call's machine detection is to go. Times are seconds; `hook` is told the result when it is not `sync`."""

    sync: bool
    detection_timeout: float
    silence_timeout: float
    speech_threshold: float
    speech_end: float
    machine_speech_end: float
    delay_result: bool
    hook: Hook | None
    decimals: tuple[str, ...] = ()


@dataclass(slots=True)
class Gathering:
    """A `<Gather>` under way: the digits so far, the prompts still to come, and whether they are playing."""

    verb: bxml.Gather
    prompts: list[bxml.Verb]
    digits: str = ""
    prompting: bool = False
    repeats_left: int = 0


@dataclass(slots=True)
class Call:
    """A Programmable Voice call. Times are epoch seconds; `from_` and `to` are E.164 or SIP URIs."""

    call_id: str
    account_id: str
    application_id: str
    direction: str
    from_: str
    to: str
    state: State
    answer: Hook | None = None
    disconnect: Hook | None = None
    parent_call_id: str | None = None
    target: Target | None = None
    enqueued_time: float | None = None
    start_time: float | None = None
    answer_time: float | None = None
    end_time: float | None = None
    last_update: float = 0.0
    cause: str | None = None
    error_message: str | None = None
    error_id: str | None = None
    tag: str | None = None
    call_timeout: float = 30.0
    callback_timeout: float = 15.0
    priority: int = 5
    uui: str | None = None
    sip: Dialog = field(default_factory=Dialog)
    # The running document: what is left of it, where it came from, and the verb under way.
    program: list[bxml.Verb] = field(default_factory=list)
    base_url: str | None = None
    verb: bxml.Verb | None = None
    # Grows with every verb and document, so that late answers to an earlier one are known.
    turn: int = 0
    # Timers of this turn, and the one of the far end's script, which outlives it.
    timers: list[Timer] = field(default_factory=list)
    script: Timer | None = None
    ringing: bool = False
    phone: str | None = None
    gathering: Gathering | None = None

    def next_turn(self) -> None:
        """Move on: timers of what came before come to nothing."""
        for timer in self.timers:
            timer.cancelled = True
        self.timers = []
        self.turn += 1

    @property
    def active(self) -> bool:
        """Whether the call has not ended."""
        return self.state is not State.DISCONNECTED

    @property
    def answered(self) -> bool:
        """Whether both ends of the call can hear."""
        return self.state is State.ANSWERED


@dataclass(slots=True)
class Link:
    """A Transfer, Bridge or Forward under way: `a` ran the verb, `b` is its target (None while several targets ring)."""

    verb: bxml.Transfer | bxml.Bridge | bxml.Forward
    a: str
    b: str | None = None
    ringing: list[str] = field(default_factory=list)
    # While a Transfer invites its targets, which may all fail at once.
    dialling: bool = False
    joined: bool = False
    base_url: str | None = None


@dataclass(slots=True)
class Member:
    """A call in a conference."""

    call_id: str
    mute: bool = False
    hold: bool = False
    coach: tuple[str, ...] = ()


@dataclass(slots=True)
class Conference:
    """A conference: one life of a name."""

    conference_id: str
    account_id: str
    name: str
    created_time: float
    hook: Hook | None
    tag: str | None
    callback_timeout: float
    completed_time: float | None = None
    members: dict[str, Member] = field(default_factory=dict)
    # Documents wait for their turn and never overlap.
    queue: list[tuple[list[bxml.Verb], str | None]] = field(default_factory=list)
    verb: bxml.Verb | None = None
    turn: int = 0


@dataclass(slots=True)
class RecordingTranscription:
    """What became of the wish to have a recording transcribed. `status` in the documented words."""

    transcription_id: str
    hook: Hook | None
    tag: str | None
    timeout: float
    status: str = "processing"
    completed_time: float | None = None


@dataclass(slots=True)
class Recording:
    """A recording of a call or conference. `identity` is what stays known of `of` when its own record is forgotten.

    `status` in the documented words: processing, complete, deleted (partial and error do not occur here).
    """

    recording_id: str
    of: Call | Conference
    verb: bxml.Record | bxml.StartRecording
    identity: Mapping[str, str]
    media_url: str
    available: Hook | None
    transcribed: Hook | None
    start_time: float
    channels: int = 1
    end_time: float | None = None
    paused_since: float | None = None
    paused_seconds: float = 0.0
    status: str = "processing"
    transcription: RecordingTranscription | None = None
    # Ends a `<Record>` that waits for silence; while there is a voice it is cancelled.
    silence: Timer | None = None
    voice: bool = False

    @property
    def where(self) -> dict[str, str]:
        """The call or conference it was made of, by id."""
        return {"callId": self.of.call_id} if isinstance(self.of, Call) else {"conferenceId": self.of.conference_id}

    @property
    def about(self) -> dict[str, str]:
        """Its id and where it was made, as happenings tell them."""
        return {"recordingId": self.recording_id, **self.where}

    @property
    def file_format(self) -> str:
        """`wav` or `mp3`."""
        return str(self.verb.effective("file_format"))

    def seconds(self, now: float) -> float:
        """How much was recorded until its end, or until now: pauses do not count. To the millisecond."""
        until = now if self.end_time is None else self.end_time
        paused = self.paused_seconds + (0.0 if self.paused_since is None else until - self.paused_since)
        return round(until - self.start_time - paused, 3)
