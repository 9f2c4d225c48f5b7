"""The records of the WebRTC side: participants, sessions and who is subscribed to whom."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a participant hears in a session: named participants with stream aliases, or, when there are none, everybody."""

    session_id: str
    participants: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def everybody(self) -> bool:
        """Whether members added later are heard too."""
        return not self.participants


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
class Session:
    """A WebRTC session; `created` is epoch seconds."""

    id: str
    created: float
    tag: str | None = None
    participants: list[str] = field(default_factory=list)
