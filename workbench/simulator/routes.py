"""Whose sound goes where: for every ear the sources it hears, as a pure function of the state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.simulator import connects, mixing, recordings
from workbench.simulator.calls import Call, Recording
from workbench.simulator.core import Core
from workbench.simulator.records import Endpoint, Participant

Sources = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ear:
    """Where sound arrives: a phone by its number, or one stream of a browser's device.

    `party` is the phone's number, the participant's or the endpoint's id. `stream` names what the device hears apart: the participant it is
    subscribed to, or the call it is connected with; None for a phone, and for a device that hears everything as one.
    """

    party: str
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A stream that a device is given to hear: the participant that publishes it (none for an endpoint), the call behind it, its alias."""

    participant_id: str | None = None
    call_id: str | None = None
    alias: str | None = None


def routes(core: Core) -> dict[Ear, Sources]:
    """Every ear there is with the sources it hears now, none while it hears nothing. Nobody hears himself."""
    parties = [*core.on_phone, *core.participants, *core.endpoints]
    return {ear: sources for party in parties for ear, sources in ears(core, party).items()}


def ears(core: Core, party: str) -> dict[Ear, Sources]:
    """The ears of one party, by its number or id."""
    call = core.calls.get(core.on_phone.get(party, ""))
    if call is not None:
        # Before the answer a caller hears ring back, and a phone that is called hears nothing.
        listens = call.answered or call.direction == "inbound"
        return {Ear(party): _others(party, mixing.heard_by(core, call))} if listens else {}
    if party in core.participants:
        found = _subscriptions(core, core.participants[party])
        return {Ear(party, other.id): _others(party, mixing.published(core, other)) for other in found}
    if party in core.endpoints:
        endpoint = core.endpoints[party]
        return {Ear(party, call.call_id): _others(party, mixing.heard_at(core, endpoint)) for call in _connected(core, endpoint)}
    return {}


def streams(core: Core, party: str) -> dict[str, Published]:
    """The streams that a participant's or endpoint's device is given to hear, by the name that its ears have for each."""
    if party in core.participants:
        found = _subscriptions(core, core.participants[party])
        return {other.id: Published(other.id, other.call_id, mixing.alias(core, other)) for other in found}
    if party in core.endpoints:
        return {call.call_id: Published(None, call.call_id) for call in _connected(core, core.endpoints[party])}
    return {}


def track(core: Core, call: Call, which: str) -> Sources:
    """The sources on a call's track: `inbound` is what its far end sends, `outbound` what that hears, the platform's voice included."""
    return mixing.sent_by(core, call) if which == "inbound" else mixing.heard_by(core, call)


def recorded(core: Core, recording: Recording) -> list[Sources]:
    """The sources that go into each channel of a recording now."""
    return [tuple(dict.fromkeys(_recorded(core, recording, channel))) for channel in recordings.channels(core, recording)]


def _recorded(core: Core, recording: Recording, channel: list[str]) -> Iterator[str]:
    of = recording.of
    for who in channel:
        if who == recordings.PROMPTS:
            # What is played to it, and what an application plays on the call's streams.
            yield recordings.of_id(of)
            yield from (stream.stream_id for stream in core.streams.get(recordings.of_id(of), ()))
        elif who in core.calls:
            yield from mixing.sent_by(core, core.calls[who])
        elif isinstance(of, Call):
            yield from mixing.heard_by(core, of)  # all that its conference plays to it


def _others(party: str, sources: Sources) -> Sources:
    return tuple(source for source in sources if source != party)


def _subscriptions(core: Core, participant: Participant) -> list[Participant]:
    return mixing.publishers(core, participant) if mixing.is_browser(participant) else []


def _connected(core: Core, endpoint: Endpoint) -> list[Call]:
    call = core.calls.get(endpoint.call_id or "")
    return [call] if endpoint.connected and call is not None and connects.joined_with(core, call) is endpoint else []
