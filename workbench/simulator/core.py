"""What every part of the engine builds on: the state, the sequence, the timers and the delivery of webhooks. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Protocol

from workbench import bxml
from workbench.simulator.calls import Call, Conference, Detection, Hook, Link, Recording, State
from workbench.simulator.effects import CancelWebhook, DropAudio, Effect, FetchAudio, Happening, SendWebhook
from workbench.simulator.limits import Limits, Queue, Window
from workbench.simulator.phones import Interconnect, Phone
from workbench.simulator.records import Connection, Device, Endpoint, Participant, Session
from workbench.simulator.sounds import Sound, SoundKind
from workbench.simulator.timers import Timer, Timers
from workbench.simulator.tracks import Speech, Stream, Transcript


class Ids(Protocol):
    """Hands out ids: the engine has no luck of its own."""

    def __call__(self, kind: str) -> str:
        """An unused id for a call, conference, recording, participant, session, device, endpoint, stream, transcription, error or tid."""
        ...


@dataclass(frozen=True, slots=True)
class Application:
    """A voice application: where inbound calls ask for documents and where their end is told."""

    application_id: str
    name: str
    initiate: Hook | None = None
    status: Hook | None = None
    callback_timeout: float = 15.0


@dataclass(frozen=True, slots=True)
class Config:
    """What an engine starts with; `numbers` maps each owned number to its application's id."""

    account_id: str
    applications: tuple[Application, ...]
    numbers: Mapping[str, str]
    token_secret: str
    voice_url: str
    limits: Limits = field(default_factory=Limits)


# Called with the number of a fetch and the length of its file in seconds, or what went wrong.
Fetched = Callable[[int, float | None, str | None], None]


class Kind(Enum):
    """What an answer to a webhook is good for."""

    CALL = "its document runs on the call"
    CONFERENCE = "its document is played into the conference"
    NONE = "ignored"


@dataclass(slots=True)
class Delivery:
    """A webhook on its way, over all its attempts."""

    delivery_id: int
    hook: Hook
    body: Mapping[str, Any]
    kind: Kind
    rule: str
    timeout: float
    call_id: str | None = None
    turn: int = 0
    conference_id: str | None = None
    on_fallback: bool = False
    retried: bool = False
    one_attempt: bool = False
    timer: Timer | None = None

    @property
    def url(self) -> str:
        """Where the current attempt goes."""
        return self.hook.fallback_url or "" if self.on_fallback else self.hook.url


def _outcome(status: int | None, connection_failed: bool) -> str:
    """The rule on what came of an attempt."""
    if status is None:
        return "webhook.unreachable" if connection_failed else "webhook.timeout"
    return "webhook.success" if 200 <= status < 300 else "webhook.moved" if 300 <= status < 400 else "webhook.status"


@dataclass(slots=True)
class Core:
    """The state of the platform and the means to change it. `now` is the time of the input being handled, in epoch seconds."""

    config: Config
    ids: Ids
    now: float = 0.0
    seq: int = 0
    calls: dict[str, Call] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    conferences: dict[str, Conference] = field(default_factory=dict)
    rooms: dict[str, Conference] = field(default_factory=dict)
    in_conference: dict[str, Conference] = field(default_factory=dict)
    wires: dict[str, str] = field(default_factory=dict)
    key_hooks: dict[str, Hook] = field(default_factory=dict)
    pressed: dict[str, str] = field(default_factory=dict)
    # Phones in somebody's hand: whether their scripts wait for one too.
    held: dict[str, bool] = field(default_factory=dict)
    detections: dict[str, Detection] = field(default_factory=dict)
    detecting: dict[str, Timer] = field(default_factory=dict)
    streams: dict[str, list[Stream]] = field(default_factory=dict)
    connections: dict[int, Stream] = field(default_factory=dict)
    transcripts: dict[str, dict[str, Transcript]] = field(default_factory=dict)
    speech: dict[str, Speech] = field(default_factory=dict)
    # What is heard now by its source: what is played to a call or conference, by its id; what a party says or presses, by the party's.
    sounds: dict[str, Sound] = field(default_factory=dict)
    # All recordings by id; those of `<StartRecording>` that run, by call or conference; those of `<Record>` that run, by call.
    recordings: dict[str, Recording] = field(default_factory=dict)
    started_recordings: dict[str, Recording] = field(default_factory=dict)
    record_verbs: dict[str, Recording] = field(default_factory=dict)
    participants: dict[str, Participant] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    # So many of the next participants get a token whose time is over, as a fault on demand.
    stale_tokens: int = 0
    sip_legs: dict[str, Participant] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    connects: dict[str, Connection] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    on_phone: dict[str, str] = field(default_factory=dict)
    interconnect: Interconnect = field(default_factory=Interconnect)
    applications: dict[str, Application] = field(default_factory=dict)
    # The numbers the account owns, each with its application's id.
    numbers: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    # Calls that wait, calls under way, what began within a second, and the timer that comes back for those that wait.
    queue: Queue = field(default_factory=Queue)
    under_way: set[str] = field(default_factory=set)
    begun: Window = field(default_factory=Window)
    asked: Window = field(default_factory=Window)
    queue_timer: Timer | None = None
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    fetches: dict[int, Fetched] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    timers: Timers = field(default_factory=Timers)
    count: int = 0
    followed: set[str] = field(default_factory=set)

    def number(self) -> int:
        """A number that was not given out before, for deliveries and fetches."""
        self.count += 1
        return self.count

    def next_seq(self) -> int:
        """The next place in the order of everything that happens."""
        self.seq += 1
        return self.seq

    def tick(self, now: float) -> None:
        """Take over the time of an input; time never goes back."""
        self.now = max(self.now, now)

    def follow(self, *rules: str) -> None:
        """Note that rules were followed; effects and refusals do it by themselves."""
        self.followed.update(rules)

    # Timers

    def after(self, seconds: float, run: Callable[[], object], *, waits: bool = True) -> Timer:
        """Have `run` called `seconds` from now."""
        return self.timers.add(self.now + seconds, run, waits=waits)

    def next_timer(self) -> float | None:
        """When the earliest timer is due, in epoch seconds."""
        return self.timers.next()

    def busy_until(self) -> float | None:
        """When the earliest timer is due that "run to idle" waits for; None when idle: what is left is parked, joined or a limit."""
        return self.timers.busy_until()

    def fire(self, now: float) -> None:
        """Run the earliest timer, if it is due."""
        due = self.timers.next()
        if due is not None and due <= now:
            self.tick(now)
            self.timers.pop().run()

    def next_turn(self, call: Call) -> None:
        """A call moves on: its timers come to nothing, and what is played to it ends; ring back before the answer goes on."""
        call.next_turn()
        if call.state is not State.INITIATED:
            self.hush(call.call_id)

    # Sounds

    def play(self, source: str, kind: SoundKind, seconds: float | None = None, **what: Any) -> Sound:
        """Have a sound heard from a source, in place of what is heard of it now; without a length it goes on until it is hushed."""
        self.hush(source)
        sound = self.sounds[source] = Sound(self.number(), kind, self.now, None if seconds is None else self.now + seconds, **what)
        return sound

    def hush(self, source: str, only: Sound | None = None) -> None:
        """End what is heard of a source; given a sound, only that one."""
        if only is not None and self.sounds.get(source) is not only:
            return
        sound = self.sounds.pop(source, None)
        if sound is not None and sound.fetch_id is not None:
            self.drop(sound.fetch_id)

    def drop(self, fetch_id: int) -> None:
        """A file that was fetched is not needed, or no more."""
        self.effects.append(DropAudio(fetch_id))

    # Effects

    def take_effects(self) -> list[Effect]:
        """What is to be done since the last call, in order."""
        effects, self.effects = self.effects, []
        return effects

    def happen(self, kind: str, rule: str, **data: Any) -> None:
        """Note something the platform did."""
        self.followed.add(rule)
        self.effects.append(Happening(self.next_seq(), self.now, kind, rule, data))

    def send(
        self,
        hook: Hook,
        body: Mapping[str, Any],
        rule: str,
        *,
        kind: Kind = Kind.NONE,
        call: Call | None = None,
        conference: Conference | None = None,
        timeout: float = 15.0,
        one_attempt: bool = False,
    ) -> None:
        """Start the delivery of a webhook; `call` or `conference` names whose document its answer becomes."""
        delivery = Delivery(self.number(), hook, body, kind, rule, timeout, one_attempt=one_attempt)
        if call is not None:
            delivery.call_id, delivery.turn = call.call_id, call.turn
        if conference is not None:
            delivery.conference_id = conference.conference_id
        self.attempt(delivery)

    def attempt(self, delivery: Delivery) -> None:
        """Send the request of a delivery's current attempt and start its time-out."""
        hook, seq = delivery.hook, self.next_seq()
        self.follow(delivery.rule, "webhook.get" if hook.method == "GET" else "webhook.post")
        delivery.delivery_id = self.number()
        self.deliveries[delivery.delivery_id] = delivery
        delivery.timer = self.after(delivery.timeout, partial(self.time_out, delivery.delivery_id))
        method = hook.fallback_method if delivery.on_fallback else hook.method
        username = hook.fallback_username if delivery.on_fallback else hook.username
        password = hook.fallback_password if delivery.on_fallback else hook.password
        self.effects.append(SendWebhook(delivery.delivery_id, seq, delivery.rule, method, delivery.url, delivery.body, username, password))

    def time_out(self, delivery_id: int) -> None:
        """A webhook's time is up."""
        self.effects.append(CancelWebhook(delivery_id))
        self.happen("webhookTimeout", "webhook.timeout", event=self.deliveries[delivery_id].body.get("eventType"))
        self.conclude(self.deliveries.pop(delivery_id), None, b"", connection_failed=False)

    def conclude(self, delivery: Delivery, status: int | None, body: bytes, *, connection_failed: bool) -> None:
        """Try again where the rules say so; else hand the outcome to `settled`."""
        assert delivery.timer is not None
        delivery.timer.cancelled = True
        ok = status is not None and 200 <= status < 300
        self.follow(_outcome(status, connection_failed))
        if not ok and not delivery.one_attempt:
            if delivery.hook.fallback_url and not delivery.on_fallback:
                delivery.on_fallback, delivery.rule = True, "webhook.fallback"
                self.follow("webhook.fallback-credentials")
                return self.attempt(delivery)
            if connection_failed and not delivery.on_fallback and not delivery.retried:
                delivery.retried = True
                delivery.rule = "webhook.retry" if delivery.kind is Kind.NONE else "webhook.retry-sync"
                return self.attempt(delivery)
        self.settled(delivery, body if ok else None)

    def fetch(self, url: str, username: str | None, password: str | None, done: Fetched) -> None:
        """Have an audio file fetched."""
        number = self.number()
        self.fetches[number] = done
        self.effects.append(FetchAudio(number, url, username, password))

    def execute(self, call: Call, verb: bxml.Verb) -> bool:
        """Start a verb on a call; True when it is over already. The engine says how."""
        raise NotImplementedError

    def settled(self, delivery: Delivery, body: bytes | None) -> None:
        """Use an answer; `body` is None when every attempt failed. The engine says how."""
        raise NotImplementedError
