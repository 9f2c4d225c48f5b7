"""The media sections of a peer, in the order of its descriptions: what the far end wrote of each, what we send in it, what we write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.simulator.media.rtp import RtpOutlet
from workbench.simulator.media.sdp import MAX_SECTIONS, OPUS, Ours, PeerError, Section, Sent

REUSE_FROM = 16  # sections from which on a stream takes the place of one that has ended

_WAYS = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly", (False, False): "inactive"}


@dataclass(slots=True)
class Place:
    """One media section. `theirs` is what the far end last wrote of it, `outlet` what it hears in it."""

    kind: str
    mid: str
    theirs: Section | None = None
    outlet: RtpOutlet | None = None

    def answer(self) -> Ours:
        """The section as we answer it."""
        theirs, outlet = self.theirs, self.outlet
        assert theirs is not None
        if not theirs.usable:
            return Ours(theirs.kind, theirs.protocol, theirs.formats, theirs.mid, "inactive", taken=False)
        if theirs.kind != "audio":
            return Ours(theirs.kind, theirs.protocol, theirs.formats, theirs.mid, "sendrecv", taken=True)
        sent = Sent(outlet.msid, outlet.ssrc) if outlet and theirs.hears else None
        formats = tuple(str(number) for number in (theirs.opus, *theirs.events))
        way = _WAYS[sent is not None, theirs.sends]
        return Ours("audio", theirs.protocol, formats, theirs.mid, way, True, theirs.opus, theirs.events, sent)

    def offer(self) -> Ours:
        """The section as we offer it."""
        theirs, outlet = self.theirs, self.outlet
        if self.kind != "audio" and theirs and not theirs.usable:
            return Ours(self.kind, theirs.protocol, theirs.formats, self.mid, "inactive", taken=False)
        if self.kind != "audio":
            return Ours("application", "UDP/DTLS/SCTP", ("webrtc-datachannel",), self.mid, "sendrecv", taken=True)
        opus, events = (theirs.opus if theirs and theirs.opus is not None else OPUS), (theirs.events if theirs else {})
        sent = Sent(outlet.msid, outlet.ssrc) if outlet else None
        formats = tuple(str(number) for number in (opus, *events))
        way = _WAYS[sent is not None, theirs is not None and theirs.sends]
        return Ours("audio", "UDP/TLS/RTP/SAVPF", formats, self.mid, way, True, opus, events, sent)


class Places:
    """All sections."""

    def __init__(self) -> None:
        self.all: list[Place] = []

    def follow(self, sections: tuple[Section, ...], outlets: Iterable[RtpOutlet]) -> None:
        """Take the order of the far end's offer, and find room in it for streams that have none."""
        former = {(place.kind, place.mid): place for place in self.all}
        self.all = [former.get((section.kind, section.mid)) or Place(section.kind, section.mid) for section in sections]
        waiting = self.unplaced(outlets)
        for place, section in zip(self.all, sections, strict=True):
            if waiting and section.kind == "audio" and section.hears and place.outlet is None:
                place.outlet = waiting.pop(0)

    def unplaced(self, outlets: Iterable[RtpOutlet]) -> list[RtpOutlet]:
        """Those of the streams that have no section."""
        return [outlet for outlet in outlets if all(place.outlet is not outlet for place in self.all)]

    def add(self, outlet: RtpOutlet) -> None:
        """Give a stream a section: a new one, or where there are many one whose stream has ended."""
        free = [place for place in self.all if place.kind == "audio" and not place.outlet and place.theirs and not place.theirs.sends]
        if free and len(self.all) >= REUSE_FROM:
            free[0].outlet = outlet
        elif len(self.all) < MAX_SECTIONS:
            taken = {place.mid for place in self.all}
            mid = next(str(number) for number in range(len(self.all), 2 * MAX_SECTIONS + 1) if str(number) not in taken)
            self.all.append(Place("audio", mid, outlet=outlet))
        else:
            raise PeerError(f"there are {MAX_SECTIONS} media sections, and no room for another stream")

    def remove(self, outlet: RtpOutlet) -> None:
        """A stream has ended."""
        for place in self.all:
            if place.outlet is outlet:
                place.outlet = None

    def take(self, sections: tuple[Section, ...]) -> None:
        """Learn what the far end says of its sections: what it sends, what it hears. An earlier answer has fewer than there are."""
        for place, section in zip(self.all, sections, strict=False):
            place.theirs = section
        for place in self.all:
            if place.outlet and place.theirs:
                place.outlet.payload_type, place.outlet.live = place.theirs.opus or 0, place.theirs.hears

    def check(self, sections: tuple[Section, ...]) -> None:
        """Refuse an answer whose sections are not those of the offer."""
        if len(sections) > len(self.all):
            raise PeerError("the answer has more media sections than the offer")
        if any((section.kind, section.mid) != (place.kind, place.mid) for section, place in zip(sections, self.all, strict=False)):
            raise PeerError("the media sections of the answer are not those of the offer")

    @property
    def sending(self) -> Section | None:
        """The newest section in which the far end sends audio."""
        audio = (place.theirs for place in self.all if place.theirs and place.theirs.kind == "audio" and place.theirs.sends)
        return max(enumerate(audio), key=lambda numbered: numbered[0], default=(0, None))[1]

    @property
    def channels(self) -> bool:
        """Whether there are data channels."""
        return any(place.kind == "application" and place.theirs and place.theirs.usable for place in self.all)
