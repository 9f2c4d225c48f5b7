"""What the engine asks its shell to do, and how it refuses. Frozen records without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SendWebhook:
    """Send one HTTP request to the application, then call `Engine.webhook_done` with its outcome.

    The shell answers a 401 challenge with the credentials; time-outs are the engine's.
    """

    delivery_id: int
    seq: int
    rule: str
    method: str
    url: str
    body: Mapping[str, Any]
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class CancelWebhook:
    """Abandon a request that is under way: its time is up."""

    delivery_id: int


@dataclass(frozen=True, slots=True)
class FetchAudio:
    """Fetch a file that `<PlayAudio>` names, then call `Engine.audio_fetched` with its length."""

    fetch_id: int
    url: str
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class DropAudio:
    """What was fetched with this number is not played, or no more."""

    fetch_id: int


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Connect to an application's WebSocket and send the first message, then call `Engine.stream_opened` or `stream_failed`.

    While it is open, audio of the `tracks` is sent in real time; what the application sends and its end go to `stream_message` and
    `stream_closed`.
    """

    connection_id: int
    url: str
    call_id: str
    start: Mapping[str, Any]
    tracks: tuple[str, ...]
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send a message on a stream's WebSocket."""

    connection_id: int
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CloseStream:
    """Send the last message and close a stream's WebSocket, or abandon a connection that does not stand yet."""

    connection_id: int
    stop: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the platform did that no webhook tells: an INVITE, ringing, an answer, a join, a sentence."""

    seq: int
    time: float
    kind: str
    rule: str
    data: Mapping[str, Any] = field(default_factory=dict)


Effect = SendWebhook | CancelWebhook | FetchAudio | DropAudio | OpenStream | SendMessage | CloseStream | Happening


class Refusal(Exception):
    """The engine refuses a request and has changed nothing. A shell turns it into the API's error body.

    `source` names what is to blame where an API tells that: the `field`, `parameter`, `header` or `reference`.
    """

    def __init__(
        self, status: int, description: str, rule: str, type: str = "validation", *, source: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.rule = rule
        self.type = type
        self.source = source
