"""The records of the WebRTC side: participants, sessions and who is subscribed to whom; endpoints and their connections; devices."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.simulator.calls import Hook


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a participant hears in a session: named participants with stream aliases, or, when there are none, everybody."""

    session_id: str
    participants: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def everybody(self) -> bool:
        """Whether members added later are heard too."""
        return not self.participants

    def takes(self, participant_id: str, alias: str | None) -> bool:
        """Whether it is to a stream of a participant that has an alias, or none; no aliases are all of them (documented, webrtc-api)."""
        named = (aliases for other, aliases in self.participants if other == participant_id)
        return self.everybody or any(not aliases or alias in aliases for aliases in named)


@dataclass(slots=True)
class Participant:
    """A WebRTC participant. Its device is a browser, or the SIP interconnect while `call_id` is set."""

    id: str
    publish_permissions: tuple[str, ...]
    callback_url: str | None = None
    tag: str | None = None
    session_id: str | None = None
    subscription: Subscription | None = None
    device_id: str | None = None
    call_id: str | None = None


@dataclass(slots=True)
class Device:
    """A browser or app that connected with the token of a participant or of an endpoint; `created` is epoch seconds.

    `publishes` tells whether it sends audio, under the `alias` it chose; `auto_accept` whether it takes a stream that arrives without being
    asked.
    """

    id: str
    created: float
    participant_id: str | None = None
    endpoint_id: str | None = None
    name: str | None = None
    publishes: bool = True
    auto_accept: bool = True
    alias: str | None = None


@dataclass(slots=True)
class Endpoint:
    """A BRTC endpoint. `place` grows from one to the next; `call_id` is the call it is connected with or being offered to."""

    id: str
    place: int
    direction: str
    created: float
    callback_url: str | None = None
    fallback_url: str | None = None
    tag: str | None = None
    # The one device it ever has, and whether that is connected now.
    device: Device | None = None
    connected: bool = False
    eligible: bool = False
    call_id: str | None = None


@dataclass(slots=True)
class Connection:
    """A `<Connect>` under way: a call, the endpoint it reaches, and where its status is told."""

    session_id: str
    call_id: str
    endpoint_id: str
    hook: Hook | None = None
    joined: bool = False


@dataclass(slots=True)
class Session:
    """A WebRTC session; `created` is epoch seconds."""

    id: str
    created: float
    tag: str | None = None
    participants: list[str] = field(default_factory=list)
