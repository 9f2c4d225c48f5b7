"""A rig for the pure engine: the application is a table of answers, the clock is in the test's hand, every webhook is noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench import bxml, tokens
from workbench.simulator.calls import Hook
from workbench.simulator.core import Application, Config
from workbench.simulator.effects import CloseStream, FetchAudio, Happening, OpenStream, SendMessage, SendWebhook
from workbench.simulator.engine import Engine

ACCOUNT = "9900000"
APPLICATION = "11111111-2222-4333-8444-555555555555"
NUMBER = "+19195550100"
PHONE, PHONE_2, PHONE_3 = "+19195550111", "+19195550112", "+19195550113"
BASE = "http://app.test"
START = 1_700_000_000.0

Answer = str | bxml.Verb | list[bxml.Verb] | int | None | Callable[[Mapping[str, Any]], Any]


class Counter:
    """Ids that tell their kind and their place."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def __call__(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}-{self.counts[kind]}"


class Rig:
    """An engine, an application and a clock."""

    def __init__(self, **answers: Answer) -> None:
        hook = Hook(f"{BASE}/initiate")
        status = Hook(f"{BASE}/disconnect")
        application = Application(APPLICATION, "test", hook, status)
        config = Config(
            ACCOUNT, (application,), {NUMBER: APPLICATION}, "secret of the test platform, long enough", "http://platform.test/api/v2"
        )
        self.engine = Engine(config, Counter())
        self.now = self.engine.now = START
        self.answers: dict[str, Answer] = dict(answers)
        self.webhooks: list[SendWebhook] = []
        self.happenings: list[Happening] = []
        self.names: dict[str, str] = {}
        self.held: list[int] = []
        self.audio: Mapping[str, float] | None = {}
        self.sockets: dict[str, bool | str] = {}
        self.opened: list[OpenStream] = []
        self.messages: list[Mapping[str, Any]] = []

    # The application

    def reply(self, webhook: SendWebhook) -> tuple[int, bytes]:
        """What the application answers: a status, or a document."""
        event = str(webhook.body.get("eventType") or webhook.body.get("event"))
        answer = self.answers.get(event)
        if callable(answer):
            answer = answer(webhook.body)
        if isinstance(answer, int):
            return answer, b""
        if answer is None:
            return 200, b""
        if isinstance(answer, str):
            return 200, answer.encode()
        return 200, bxml.Response(answer if isinstance(answer, list) else [answer]).to_bxml().encode()

    # The clock

    def settle(self) -> Rig:
        """Carry out effects until there are none left."""
        while effects := self.engine.take_effects():
            for effect in effects:
                if isinstance(effect, Happening):
                    self.happenings.append(effect)
                elif isinstance(effect, SendWebhook):
                    self.webhooks.append(effect)
                    self._deliver(effect)
                elif isinstance(effect, FetchAudio) and self.audio is not None:
                    seconds = self.audio.get(effect.url)
                    self.engine.audio_fetched(self.now, effect.fetch_id, seconds, None if seconds else "unsupported format")
                elif isinstance(effect, OpenStream):
                    self._connect(effect)
                elif isinstance(effect, SendMessage | CloseStream):
                    self.messages.append(effect.message if isinstance(effect, SendMessage) else effect.stop)
        return self

    def _connect(self, opening: OpenStream) -> None:
        """The application's WebSocket server accepts, unless `sockets` has an error for it, or False to let it wait."""
        self.opened.append(opening)
        outcome = self.sockets.get(opening.url, True)
        if outcome is True:
            self.messages.append(opening.start)
            self.engine.stream_opened(self.now, opening.connection_id)
        elif outcome:
            self.engine.stream_failed(self.now, opening.connection_id, str(outcome))

    def _deliver(self, webhook: SendWebhook) -> None:
        status, body = self.reply(webhook)
        if status == 0:
            self.held.append(webhook.delivery_id)
        elif status < 0:
            self.engine.webhook_done(self.now, webhook.delivery_id, None, b"", "connection refused")
        else:
            self.engine.webhook_done(self.now, webhook.delivery_id, status, body)

    def idle(self) -> Rig:
        """Let time pass until only pauses, links and limits are left."""
        self.settle()
        while self.engine.busy_until() is not None:
            self._fire()
        return self

    def advance(self, seconds: float) -> Rig:
        """Let so much time pass."""
        until = self.settle().now + seconds
        while (due := self.engine.next_timer()) is not None and due <= until:
            self._fire()
        self.now = until
        return self

    def _fire(self) -> None:
        due = self.engine.next_timer()
        assert due is not None
        self.now = max(self.now, due)
        self.engine.fire(self.now)
        self.settle()

    # What a test does

    def call(self, to: str, name: str, **fields: Any) -> str:
        """Place a call; its id."""
        base = {
            "from": NUMBER,
            "to": to,
            "applicationId": APPLICATION,
            "answerUrl": f"{BASE}/answer",
            "disconnectUrl": f"{BASE}/disconnect",
        }
        call = self.engine.create_call(self.now, base | fields)
        self.names[call.call_id] = name
        return call.call_id

    def dial(self, number: str, name: str = "A") -> str:
        """A phone dials the account's number; the call's id."""
        call = self.engine.dial(self.now, number, NUMBER)
        self.names[call.call_id] = name
        return call.call_id

    def browser(self) -> tuple[str, str]:
        """A session with a browser participant in it; both ids."""
        session = self.engine.create_session(self.now, {})
        participant, token = self.engine.create_participant(self.now, {"tag": "browser"})
        self.engine.add_participant(self.now, session.id, participant.id, {"sessionId": session.id})
        self.engine.connect_device(self.now, token)
        return session.id, participant.id

    def endpoint(self, tag: str = "browser", *, device: bool = True, **fields: Any) -> tuple[str, str]:
        """An endpoint and its token; with a device that publishes unless told otherwise."""
        base = {"type": "WEBRTC", "direction": "BIDIRECTIONAL", "eventCallbackUrl": f"{BASE}/endpoint", "tag": tag}
        endpoint, token = self.engine.create_endpoint(self.now, base | fields)
        if device:
            self.engine.connect_device(self.now, token)
        return endpoint.id, token

    def uui(self, session_id: str) -> str:
        """The UUI value of a new participant for the phone side of a session."""
        participant, token = self.engine.create_participant(self.now, {"tag": "phone side"})
        self.engine.add_participant(self.now, session_id, participant.id, {"sessionId": session_id})
        return tokens.uui_for(token)

    # What a test looks at

    def events(self) -> list[str]:
        """The webhooks in order, as `event call cause`."""
        return [self._line(webhook.body) for webhook in sorted(self.webhooks, key=lambda webhook: webhook.seq)]

    def _line(self, body: Mapping[str, Any]) -> str:
        who = self.names.get(body.get("callId", ""), "B" if "parentCallId" in body else "")
        return " ".join(part for part in (body.get("eventType") or body.get("event"), who, body.get("cause")) if part)

    def kinds(self) -> list[str]:
        """The kinds of what happened, in order."""
        return [happening.kind for happening in self.happenings]

    def hears(self) -> dict[str, list[str]]:
        """Who hears whom, by name."""
        heard = self.engine.hears()
        names = {party["id"]: party["name"].removeprefix("phone ") for party in heard["parties"]}
        return {names[listener]: [names[other] for other in others] for listener, others in heard["hears"].items()}
