"""Verbs that move, join and end calls (documented in Bandwidth's `bxml/` pages, 2023; what is newer says so)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.bxml import fields as kinds
from workbench.bxml.base import Verb, attribute, content, holds
from workbench.bxml.fields import Choice, Number

RING_SECONDS = Number(low=1, high=300)
WAIT_SECONDS = Number(low=0.1, high=86400)
TREATMENT = Choice(words=("none", "propagate", "stack"))
REASON = Choice(
    words=(
        *("unknown", "user-busy", "no-answer", "unavailable", "unconditional", "time-of-day"),
        *("do-not-disturb", "deflection", "follow-me", "out-of-service", "away"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class PhoneNumber(Verb):
    """A telephone that a `<Transfer>` calls."""

    number: str = content(kinds.E164)
    transfer_answer_url: str | None = attribute(kinds.URL)
    transfer_answer_method: str | None = attribute(kinds.METHOD, default="POST")
    transfer_answer_fallback_url: str | None = attribute(kinds.URL)
    transfer_answer_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    transfer_disconnect_url: str | None = attribute(kinds.URL)
    transfer_disconnect_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)
    uui: str | None = attribute(kinds.UUI, since=2026, secret=True)


@dataclass(frozen=True, slots=True, repr=False)
class SipUri(Verb):
    """A SIP address that a `<Transfer>` calls or a `<Refer>` names.

    Its `uui` may have 350 characters: the 256 of one page are too few for a token and a call id.
    """

    uri: str = content(kinds.SIP_URI)
    uui: str | None = attribute(kinds.UUI, secret=True)
    transfer_answer_url: str | None = attribute(kinds.URL)
    transfer_answer_method: str | None = attribute(kinds.METHOD, default="POST")
    transfer_answer_fallback_url: str | None = attribute(kinds.URL)
    transfer_answer_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    transfer_disconnect_url: str | None = attribute(kinds.URL)
    transfer_disconnect_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)


@dataclass(frozen=True, slots=True, repr=False)
class Transfer(Verb):
    """Connects the call with new legs; all ring at once and the first to answer is joined."""

    transfer_to: Sequence[PhoneNumber | SipUri] = holds(PhoneNumber, SipUri, least=1, most=8)
    transfer_caller_id: str | None = attribute(kinds.CALLER_ID)
    transfer_caller_display_name: str | None = attribute(kinds.DISPLAY_NAME)
    call_timeout: float | None = attribute(RING_SECONDS, default=30)
    transfer_complete_url: str | None = attribute(kinds.URL)
    transfer_complete_method: str | None = attribute(kinds.METHOD, default="POST")
    transfer_complete_fallback_url: str | None = attribute(kinds.URL)
    transfer_complete_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)
    diversion_treatment: str | None = attribute(TREATMENT, default="none")
    diversion_reason: str | None = attribute(REASON, default="unknown")
    privacy: bool | None = attribute(kinds.BOOLEAN, default=False, since=2026)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        return _hidden_name(self.privacy, "transferCallerDisplayName", self.transfer_caller_display_name)


@dataclass(frozen=True, slots=True, repr=False)
class Bridge(Verb):
    """Joins this call with another one that exists, whatever that one is doing.

    The form of the call id is not checked: naming an unknown call makes the bridge fail, not the document (assumed).
    """

    target_call: str = content(kinds.ID)
    bridge_complete_url: str | None = attribute(kinds.URL)
    bridge_complete_method: str | None = attribute(kinds.METHOD, default="POST")
    bridge_complete_fallback_url: str | None = attribute(kinds.URL)
    bridge_complete_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    bridge_target_complete_url: str | None = attribute(kinds.URL)
    bridge_target_complete_method: str | None = attribute(kinds.METHOD, default="POST")
    bridge_target_complete_fallback_url: str | None = attribute(kinds.URL)
    bridge_target_complete_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)


@dataclass(frozen=True, slots=True, repr=False)
class Conference(Verb):
    """Puts the call into a conference, which its first member creates.

    An empty `callIdsToCoach` counts as absent (observed: the JavaScript SDK writes it). `calbackTimeout`, as the page has it, is read as
    `callbackTimeout`, which is what every SDK writes (assumed to mean the same).
    """

    name: str = content(kinds.CONFERENCE_NAME)
    mute: bool | None = attribute(kinds.BOOLEAN, default=False)
    hold: bool | None = attribute(kinds.BOOLEAN, default=False)
    call_ids_to_coach: str | None = attribute(kinds.CALL_IDS)
    conference_event_url: str | None = attribute(kinds.URL)
    conference_event_method: str | None = attribute(kinds.METHOD, default="POST")
    conference_event_fallback_url: str | None = attribute(kinds.URL)
    conference_event_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)
    callback_timeout: float | None = attribute(Number(low=1, high=25), alias="calbackTimeout")

    def __post_init__(self) -> None:
        Verb.__post_init__(self)
        if self.call_ids_to_coach is not None and not self.call_ids_to_coach:
            object.__setattr__(self, "call_ids_to_coach", None)


@dataclass(frozen=True, slots=True, repr=False)
class Ring(Verb):
    """Plays a ring tone for `duration` seconds, and answers an unanswered call unless told not to."""

    duration: float | None = attribute(WAIT_SECONDS, default=5)
    answer_call: bool | None = attribute(kinds.BOOLEAN, default=True)


@dataclass(frozen=True, slots=True, repr=False)
class Pause(Verb):
    """Is silent for `duration` seconds."""

    duration: float | None = attribute(WAIT_SECONDS, default=1)


@dataclass(frozen=True, slots=True, repr=False)
class Hangup(Verb):
    """Ends the call, or rejects one that nobody has answered."""


@dataclass(frozen=True, slots=True, repr=False)
class Redirect(Verb):
    """Goes on with the BXML of another URL."""

    redirect_url: str | None = attribute(kinds.URL, required=True)
    redirect_method: str | None = attribute(kinds.METHOD, default="POST")
    redirect_fallback_url: str | None = attribute(kinds.URL)
    redirect_fallback_method: str | None = attribute(kinds.METHOD, default="POST")
    username: str | None = attribute(kinds.ANY)
    password: str | None = attribute(kinds.ANY, secret=True)
    fallback_username: str | None = attribute(kinds.ANY)
    fallback_password: str | None = attribute(kinds.ANY, secret=True)
    tag: str | None = attribute(kinds.TAG)


@dataclass(frozen=True, slots=True, repr=False)
class Tag(Verb):
    """Sets the tag of later webhooks; empty clears it."""

    content: str = content(kinds.TAG, default="")


@dataclass(frozen=True, slots=True, repr=False)
class Forward(Verb):
    """Hands an unanswered call to another party for good. `_from` is spelled as in Bandwidth's SDK."""

    to: str | None = attribute(kinds.E164_OR_SIP, required=True)
    _from: str | None = attribute(kinds.CALLER_ID)
    call_timeout: float | None = attribute(RING_SECONDS, default=30)
    diversion_treatment: str | None = attribute(TREATMENT, default="none")
    diversion_reason: str | None = attribute(REASON, default="unknown")
    uui: str | None = attribute(kinds.FORWARD_UUI, secret=True)
    privacy: bool | None = attribute(kinds.BOOLEAN, default=False, since=2026)
    caller_display_name: str | None = attribute(kinds.DISPLAY_NAME, since=2026)

    def conflicts(self) -> Iterator[tuple[str | None, str]]:
        return _hidden_name(self.privacy, "callerDisplayName", self.caller_display_name)


@dataclass(frozen=True, slots=True, repr=False)
class Refer(Verb):
    """Sends a SIP call elsewhere; it then leaves the platform (2026)."""

    sip_uri: SipUri | None = holds(SipUri, least=1, most=1, since=2026)  # noqa: RUF009
    refer_complete_url: str | None = attribute(kinds.URL, since=2026)
    refer_complete_method: str | None = attribute(kinds.METHOD, default="POST", since=2026)
    tag: str | None = attribute(kinds.TAG, since=2026)


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint(Verb):
    """The BRTC endpoint that a `<Connect>` reaches (2026)."""

    endpoint_id: str = content(kinds.ID, since=2026)


@dataclass(frozen=True, slots=True, repr=False)
class Connect(Verb):
    """Connects the call with a BRTC endpoint (2026, beta). How many endpoints it may name is not written; one at least is assumed."""

    destination: Sequence[Endpoint] = holds(Endpoint, least=1, label="assumed", since=2026)
    event_callback_url: str | None = attribute(kinds.URL, since=2026)
    event_fallback_url: str | None = attribute(kinds.URL, since=2026)


def _hidden_name(privacy: bool | None, name: str, value: str | None) -> Iterator[tuple[str | None, str]]:
    """Documented in 2026: a hidden number leaves four display names."""
    if privacy is True and value is not None and value not in kinds.HIDDEN:
        yield name, f"must be one of {', '.join(kinds.HIDDEN)} while privacy is true"
