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
class Happening:
    """Something the platform did that no webhook tells: an INVITE, ringing, an answer, a join, a sentence."""

    seq: int
    time: float
    kind: str
    rule: str
    data: Mapping[str, Any] = field(default_factory=dict)


Effect = SendWebhook | CancelWebhook | FetchAudio | Happening


class Refusal(Exception):
    """The engine refuses a request and has changed nothing. A shell turns it into the API's error body."""

    def __init__(self, status: int, description: str, rule: str, type: str = "validation") -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.rule = rule
        self.type = type
