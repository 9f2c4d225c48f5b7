"""Who hears whom, as a pure function of the state: it draws the matrix, the lessons check it, and it tells `routes` whose sound goes where.

The parties are the edges: phones in an answered call, participants whose device is a browser, and endpoints with a device. Two kinds of
calls only pass audio on: the SIP leg of a participant (it carries the participants it is subscribed to one way, the voice side the other
way) and the two halves of a call between numbers of the account.

What is heard are sources: parties, and beside them what the platform plays to a call or a conference, by its id, and what an application
plays on a media stream, by the stream's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.simulator import connects, links
from workbench.simulator.calls import Call, Conference
from workbench.simulator.core import Core
from workbench.simulator.records import Endpoint, Participant


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody with ears: a phone in a call, a browser participant, or an endpoint."""

    id: str
    name: str
    kind: str


def parties(core: Core) -> list[Party]:
    """All parties, phones first, in the order they came."""
    phones = [Party(call.phone, _phone_name(call), "phone") for call in core.calls.values() if call.phone and call.answered]
    browsers = [Party(p.id, p.tag or p.id, "participant") for p in core.participants.values() if is_browser(p)]
    endpoints = [Party(one.id, one.tag or one.id, "endpoint") for one in core.endpoints.values() if one.connected]
    return phones + browsers + endpoints


def hears(core: Core) -> dict[str, list[str]]:
    """For each party, by id, whom it hears."""
    sources: dict[str, set[str]] = {}
    for call in core.calls.values():
        if call.phone and call.answered:
            sources[call.phone] = set(heard_by(core, call))
    for participant in core.participants.values():
        if is_browser(participant):
            sources[participant.id] = {one for other in publishers(core, participant) for one in published(core, other)}
    for endpoint in core.endpoints.values():
        if endpoint.connected:
            sources[endpoint.id] = set(heard_at(core, endpoint))
    return {listener: [other for other in sources if other in found and other != listener] for listener, found in sources.items()}


def sent_by(core: Core, call: Call) -> tuple[str, ...]:
    """The sources on the inbound track of a call: those at its far end."""
    return _once(_behind(core, call, {call.call_id}))


def heard_by(core: Core, call: Call) -> tuple[str, ...]:
    """The sources on the outbound track of a call: those its far end hears."""
    return _once(_from_call(core, call, {call.call_id}))


def heard_at(core: Core, endpoint: Endpoint) -> tuple[str, ...]:
    """The sources that an endpoint hears: those behind the call it is connected with."""
    call = core.calls.get(endpoint.call_id or "")
    return sent_by(core, call) if call is not None and connects.joined_with(core, call) is endpoint else ()


def publishers(core: Core, participant: Participant) -> list[Participant]:
    """Whom a participant is subscribed to of those who publish and have a device that can: a browser, or a SIP leg that was answered."""
    return [other for other in _subscribed(core, participant) if is_browser(other) or _leg(core, other) is not None]


def published(core: Core, publisher: Participant) -> tuple[str, ...]:
    """The sources that a participant publishes: itself, or behind a SIP leg what that hears."""
    return _once(_from_publisher(core, publisher, set()))


def is_browser(participant: Participant) -> bool:
    """Whether a participant's device is a browser."""
    return participant.device_id is not None and participant.call_id is None


def alias(core: Core, publisher: Participant) -> str | None:
    """The alias under which a participant publishes, if its device has chosen one."""
    device = core.devices.get(publisher.device_id or "")
    return device.alias if device is not None else None


def _once(sources: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sources))


def _phone_name(call: Call) -> str:
    return f"phone {call.phone}"


def _voices(core: Core, call: Call) -> Iterator[Call]:
    """The calls that a call hears on the voice side: the other end of its link, or the members of its conference."""
    other = links.joined_with(core, call)
    if other is not None:
        yield other
    conference = core.in_conference.get(call.call_id)
    if conference is not None:
        for member in conference.members:
            if member != call.call_id and _audible(conference, member, call.call_id):
                yield core.calls[member]


def listeners(core: Core, call: Call) -> Iterator[Call]:
    """The members of a call's conference that hear it."""
    conference = core.in_conference.get(call.call_id)
    if conference is not None:
        for member in conference.members:
            if member != call.call_id and _audible(conference, call.call_id, member):
                yield core.calls[member]


def _audible(conference: Conference, speaker: str, listener: str) -> bool:
    """Mute, hold and coach (documented, bxml/conference)."""
    speaking, listening = conference.members[speaker], conference.members[listener]
    if speaking.mute or speaking.hold or listening.hold:
        return False
    return not speaking.coach or listener in speaking.coach


def _from_call(core: Core, call: Call, seen: set[str]) -> Iterator[str]:
    """The sources that reach a call from the voice side, from the endpoint it is connected with, and from the platform."""
    yield from _platform(core, call)
    endpoint = connects.joined_with(core, call)
    if endpoint is not None and endpoint.device is not None and endpoint.device.publishes:
        yield endpoint.id
    for voice in _voices(core, call):
        if voice.call_id not in seen:
            seen.add(voice.call_id)
            yield from _behind(core, voice, seen)


def _platform(core: Core, call: Call) -> Iterator[str]:
    """What the platform lets the far end of this very call hear; a call that is joined with it does not."""
    if call.call_id in core.sounds:
        yield call.call_id
    for stream in core.streams.get(call.call_id, ()):
        if stream.playback is not None:
            yield stream.stream_id
    conference = core.in_conference.get(call.call_id)
    if conference is not None and conference.conference_id in core.sounds and not conference.members[call.call_id].hold:
        yield conference.conference_id


def _behind(core: Core, call: Call, seen: set[str]) -> Iterator[str]:
    """The sources at a call's far end."""
    if call.phone is not None:
        yield call.phone
    participant = core.sip_legs.get(call.call_id)
    if participant is not None:
        for other in _subscribed(core, participant):
            yield from _from_publisher(core, other, seen)
    wired = core.calls.get(core.wires.get(call.call_id, ""))
    if wired is not None:
        yield from _from_call(core, wired, seen)


def _from_publisher(core: Core, publisher: Participant, seen: set[str]) -> Iterator[str]:
    """What is heard of a participant: itself; behind a SIP leg, the sources on its voice side."""
    leg = _leg(core, publisher)
    if is_browser(publisher):
        yield publisher.id
    elif leg is not None and leg.call_id not in seen:
        seen.add(leg.call_id)
        yield from _from_call(core, leg, seen)


def _leg(core: Core, participant: Participant) -> Call | None:
    """The SIP leg that stands for a participant, once it is answered."""
    call = core.calls.get(participant.call_id or "")
    return call if call is not None and call.answered else None


def _publishes(core: Core, participant: Participant) -> bool:
    device = core.devices.get(participant.device_id or "")
    return "AUDIO" in participant.publish_permissions and (device is None or device.publishes)


def _subscribed(core: Core, participant: Participant) -> Iterator[Participant]:
    subscription, session = participant.subscription, core.sessions.get(participant.session_id or "")
    if subscription is None or session is None:
        return
    for other in map(core.participants.__getitem__, session.participants):
        if other is not participant and _publishes(core, other) and subscription.takes(other.id, alias(core, other)):
            yield other
