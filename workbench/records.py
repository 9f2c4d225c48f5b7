"""The records that pass between the parts of the application side. Frozen, without behaviour, standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

# The event whose handler runs on this thread: a request made meanwhile is its doing.
ANSWERING: ContextVar[int | None] = ContextVar("answering", default=None)

# What answers the requests of a thread in the place of the network: a replay, whose handlers may use clients they know by name.
STANDIN: ContextVar[Any] = ContextVar("standin", default=None)


@dataclass(frozen=True, slots=True)
class About:
    """What a request is for: it puts the request into the table of its mode, beside the webhooks it causes."""

    flow: str | None = None
    leg: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to one of Bandwidth's APIs and its answer, as they were: whoever stores them has to mask them.

    `operation` is the name in Bandwidth's specification (createCall), `path` the part after the account, `time` epoch seconds when it was
    sent, `status` None when no answer came, `seq` the local platform's sequence number, `rule` and `label` what it says of a refusal.
    """

    operation: str
    method: str
    path: str
    time: float
    request: Any
    status: int | None
    response: Any
    ms: float
    seq: int | None = None
    about: About = field(default_factory=About)
    error: str | None = None
    rule: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request of the platform as it arrived: authenticated, its fields unpacked, nothing decided.

    `mode` and `event_type` say where it goes; `flow` and `leg` are what the application once put into the URL; `url` is path and query;
    `data` holds the webhook's fields; `time` is epoch seconds of arrival. `seq`, `rule` and `label` come from the local platform only.
    """

    mode: str | None
    event_type: str
    flow: str | None
    leg: str | None
    url: str
    data: Mapping[str, Any]
    time: float
    seq: int | None = None
    rule: str | None = None
    label: str | None = None

    @property
    def call_id(self) -> str | None:
        """The call it is about, if it is about one."""
        return self.data.get("callId")

    @property
    def conference_id(self) -> str | None:
        """The conference it is about, if it is about one."""
        return self.data.get("conferenceId")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a webhook is answered. `verbs` names the BXML verbs in `body`; `handler_ms` is filled in by the callback server when None.

    `error` is a traceback; `late` means the platform had stopped waiting. `content_type` is that of the body, application/xml unless told.
    """

    body: str = ""
    status: int = 200
    verbs: tuple[str, ...] = ()
    handler_ms: float | None = None
    error: str | None = None
    late: bool = False
    content_type: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """One row of the log: a request made or a webhook received.

    `event_type` is the webhook's eventType or the request's operation; `time` is epoch seconds; `data` is the webhook's fields, or for a
    request `{"method", "path", "request", "response"}` and, where a handler made it, `"during"`: the id of the event it answered. `status`,
    `reply`, `verbs`, `handler_ms`, `error` and `late` are the outcome: None or empty while it is open. `duplicate_of` is the id
    of the event this one repeats.
    """

    id: int
    run: str
    time: float
    mode: str | None
    flow: str | None
    leg: str | None
    direction: Literal["request", "webhook"]
    event_type: str
    call_id: str | None
    from_: str | None
    to: str | None
    cause: str | None
    data: Mapping[str, Any]
    status: int | None = None
    reply: str | None = None
    verbs: tuple[str, ...] = ()
    handler_ms: float | None = None
    error: str | None = None
    late: bool = False
    label: str | None = None
    rule: str | None = None
    seq: int | None = None
    duplicate_of: int | None = None

    def __repr__(self) -> str:
        """Short, and without numbers: a cell's last value is saved with the notebook."""
        answered = f", answered {', '.join(self.verbs)}" if self.verbs else ""
        return f"<{' '.join(filter(None, [self.event_type, self.leg, self.cause]))}{answered}>"

    @property
    def conference_id(self) -> str | None:
        """The conference it is about, if it is about one."""
        return self.data.get("conferenceId")


@dataclass(frozen=True, slots=True)
class Begun:
    """A stored webhook whose answer is due: `event` has the real data, `stored` the masked; a repetition shares its first's `answer`."""

    event: Event
    answer: Future[Reply]
    stored: Event | None = None

    @property
    def duplicate(self) -> bool:
        """Whether the same webhook came before."""
        return self.event.duplicate_of is not None


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that was turned away: why, never what it carried."""

    time: float
    reason: str
    status: int
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """How often a run turned requests away for one reason, and the last of them."""

    reason: str
    count: int
    last: Refused


class Happened(Protocol):
    """A happening of the local platform; see `workbench.local.Happening`."""

    @property
    def seq(self) -> int: ...
    @property
    def time(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def call_ids(self) -> tuple[str, ...]: ...
