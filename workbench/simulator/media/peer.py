"""One WebRTC connection with a browser, as the platform sees it: offers and answers, a voice in, streams out, keys, signs of life."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from aiortc.rtp import RtcpRrPacket, RtcpSrPacket

from workbench.simulator.media import rtcp
from workbench.simulator.media.link import Link
from workbench.simulator.media.rtp import RtpOutlet, RtpVoice
from workbench.simulator.media.sdp import MAX_SECTIONS, OPUS, Description, Ours, PeerError, Section, Sent, Transport, read, write

__all__ = ["Peer", "PeerError"]

PING_SECONDS = 5
REUSE_FROM = 16  # sections from which on a stream takes the place of one that has ended

Channels = Literal["negotiated", "announced"]


@dataclass(slots=True)
class _Place:
    """One media section, in the order of the descriptions. `theirs` is what the far end last wrote of it."""

    kind: str
    mid: str
    theirs: Section | None = None
    outlet: RtpOutlet | None = None
    ours: Ours | None = field(default=None, repr=False)


def _nothing(_: str) -> None:
    """Who wants to know nothing."""


class Peer:
    """One peer connection. Descriptions may be exchanged as often as needed, by either side, one exchange at a time.

    `on_key(digit)` tells each key pressed; `on_state(state)` connecting, connected, failed or closed. A far end that restarts ICE is
    followed on new ways; one with another fingerprint is another browser: it is answered afresh, and connecting is told once more.
    A far end that vanishes is told as failed within 17 seconds (15 without a sign of life, looked for once a second).
    `channels`: the platform's data channels agreed on beforehand (classic) or announced by us (BRTC); None: the far end's own only.
    """

    def __init__(
        self,
        *,
        on_key: Callable[[str], None] = _nothing,
        on_state: Callable[[str], None] = _nothing,
        channels: Channels | None = None,
    ) -> None:
        self.voice: RtpVoice | None = None
        self.round_trip: float | None = None  # seconds, by reports on what we send or else by the heartbeat
        self._on_key, self._on_state, self._channels = on_key, on_state, channels
        self._streams: dict[str, RtpOutlet] = {}
        self._places: list[_Place] = []
        self._link: Link | None = None
        self._left: set[asyncio.Task[None]] = set()
        self._offered = False
        self._closed = False
        self._told = "new"
        self._revision = 0
        self._session = secrets.randbits(60)
        self._cname = secrets.token_hex(8)
        self._ssrc = secrets.randbits(32) or 1  # signs reports while we send nothing
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._seconds = 0

    @property
    def state(self) -> str:
        """new, connecting, connected, failed or closed."""
        return "closed" if self._closed else self._link.state if self._link else "new"

    # streams

    def add_stream(self, msid: str) -> RtpOutlet:
        """A stream that the far end is to hear; it learns of it by the next offer, or by an answer in which it has room."""
        outlet = self._streams.get(msid)
        if outlet is None:
            outlet = self._streams[msid] = RtpOutlet(msid, self._send)
        return outlet

    def remove_stream(self, msid: str) -> None:
        """End a stream; the far end learns of it by the next offer."""
        outlet = self._streams.pop(msid, None)
        if outlet is None:
            return
        outlet.live = False
        if self._link and outlet.packets:
            self._link.send_rtcp(rtcp.goodbye([outlet.ssrc]))
        for place in self._places:
            if place.outlet is outlet:
                place.outlet = None

    def _send(self, packet: bytes) -> None:
        if self._link:
            self._link.send(packet)

    # descriptions

    async def answer(self, sdp: object) -> str:
        """The answer to an offer of the far end. An offer of ours that is still open is taken back."""
        remote = read(sdp)
        async with self._turn:
            link = await self._reached(remote, controlling=False)
            link.role = link.role or ("server" if remote.setup == "active" else "client")
            self._offered = False
            self._place(remote.sections)
            self._take(remote)
            await self._go(link, remote)
            return self._written([self._answered(place) for place in self._places], link, "passive" if link.role == "server" else "active")

    async def offer(self) -> str:
        """An offer of all streams, also as a further one while the last is not answered."""
        async with self._turn:
            link = await self._reached(None, controlling=True)
            if not self._places and self._channels:
                self._places.append(_Place("application", "0"))
            for outlet in self._streams.values():
                if all(place.outlet is not outlet for place in self._places):
                    self._place_anew(outlet)
            if not self._places:
                raise PeerError("there is nothing to offer: no stream and no data channel")
            self._offered = True
            setup = {None: "actpass", "client": "active", "server": "passive"}[link.role]
            return self._written([self._offer_of(place) for place in self._places], link, "actpass" if link.remote is None else setup)

    async def accept(self, sdp: object) -> None:
        """Take the far end's answer to our last offer; one to an earlier offer says nothing of what came since."""
        remote = read(sdp)
        async with self._turn:
            link = self._link
            if not self._offered or link is None or self._closed:
                raise PeerError("there is no offer to answer")
            if not link.continues(remote) or (link.remote and link.remote.ufrag != remote.ufrag):
                raise PeerError("the answer belongs to another connection")
            if len(remote.sections) > len(self._places):
                raise PeerError("the answer has more media sections than the offer")
            if any(
                section.kind != place.kind or section.mid != place.mid
                for section, place in zip(remote.sections, self._places, strict=False)
            ):
                raise PeerError("the media sections of the answer are not those of the offer")
            if remote.setup == "actpass":
                raise PeerError("setup must be active or passive in an answer")
            link.role = link.role or ("server" if remote.setup == "active" else "client")
            self._offered = len(remote.sections) < len(self._places)
            self._take(remote)
            await self._go(link, remote)

    async def _reached(self, remote: Description | None, controlling: bool) -> Link:
        """The link to the far end: the one there is, or a new one."""
        if self._closed:
            raise PeerError("the connection is closed")
        link = self._link
        if link is not None and link.state not in {"failed", "closed"} and (remote is None or link.continues(remote)):
            return link
        if link is not None and remote is None:
            raise PeerError(f"the connection is {link.state}")
        new = Link(controlling, self._changed, self._rtp, self._rtcp)
        self._link = new
        if link is not None:
            self._leave(link)
        await new.open()
        if not new.wire.local_candidates:
            self._leave(new)
            raise PeerError("the connection is closed" if self._closed else "the platform could open no socket for media")
        return new

    def _leave(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(link.close())
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    async def _go(self, link: Link, remote: Description) -> None:
        if link.state in {"failed", "closed"}:
            raise PeerError(f"the connection is {link.state}")
        if any(place.kind == "application" and place.theirs and place.theirs.usable for place in self._places):
            link.carry(self._channels)
        await link.towards(remote)
        if self._closed:
            raise PeerError("the connection is closed")
        if self._timer is None:
            self._again()

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(1, self._second)

    def _place(self, sections: tuple[Section, ...]) -> None:
        """Follow the order of the far end's sections, and find room in them for streams that have none."""
        former = {(place.kind, place.mid): place for place in self._places}
        self._places = [former.get((section.kind, section.mid)) or _Place(section.kind, section.mid) for section in sections]
        placed = [place.outlet for place in self._places]
        waiting = [outlet for outlet in self._streams.values() if outlet not in placed]
        for place, section in zip(self._places, sections, strict=True):
            if waiting and section.kind == "audio" and section.hears and place.outlet is None:
                place.outlet = waiting.pop(0)

    def _place_anew(self, outlet: RtpOutlet) -> None:
        free = [
            place for place in self._places if place.kind == "audio" and place.outlet is None and place.theirs and not place.theirs.sends
        ]
        if free and len(self._places) >= REUSE_FROM:
            free[0].outlet = outlet
        elif len(self._places) < MAX_SECTIONS:
            taken = {place.mid for place in self._places}
            mid = next(str(number) for number in range(len(self._places), 2 * MAX_SECTIONS + 1) if str(number) not in taken)
            self._places.append(_Place("audio", mid, outlet=outlet))
        else:
            raise PeerError(f"there are {MAX_SECTIONS} media sections, and no room for another stream")

    def _take(self, remote: Description) -> None:
        """Follow what the far end says of its sections: what it sends, what it hears."""
        for place, section in zip(self._places, remote.sections, strict=False):
            place.theirs = section
        for place in self._places:
            if place.outlet and place.theirs:
                place.outlet.payload_type = place.theirs.opus or 0
                place.outlet.live = place.theirs.hears
        sending = [place.theirs for place in self._places if place.theirs and place.theirs.kind == "audio" and place.theirs.sends]
        if not sending:
            self.voice = None
            return
        last = sending[-1]
        assert last.opus is not None
        self.voice = self.voice or RtpVoice(self._on_key)
        self.voice.listen(last.opus, last.events, last.ssrcs)

    def _answered(self, place: _Place) -> Ours:
        section = place.theirs
        assert section is not None
        if not section.usable:
            return Ours(section.kind, section.protocol, section.formats, section.mid, "inactive", taken=False)
        if section.kind != "audio":
            return Ours(section.kind, section.protocol, section.formats, section.mid, "sendrecv", taken=True)
        direction = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly", (False, False): "inactive"}
        sends = place.outlet is not None and section.hears
        formats = tuple(str(number) for number in (section.opus, *section.events))
        sent = Sent(place.outlet.msid, place.outlet.ssrc) if place.outlet and sends else None
        way = direction[sends, section.sends]
        return Ours("audio", section.protocol, formats, section.mid, way, True, section.opus, section.events, sent)

    def _offer_of(self, place: _Place) -> Ours:
        theirs, outlet = place.theirs, place.outlet
        if theirs and not theirs.usable and place.kind != "audio":
            return Ours(place.kind, theirs.protocol, theirs.formats, place.mid, "inactive", taken=False)
        if place.kind == "application":
            return Ours("application", "UDP/DTLS/SCTP", ("webrtc-datachannel",), place.mid, "sendrecv", taken=True)
        opus, events = (theirs.opus if theirs and theirs.opus is not None else OPUS), (theirs.events if theirs else {})
        hears = theirs is not None and theirs.sends
        direction = ("sendrecv" if hears else "sendonly") if outlet else ("recvonly" if hears else "inactive")
        sent = Sent(outlet.msid, outlet.ssrc) if outlet else None
        formats = tuple(str(number) for number in (opus, *events))
        return Ours("audio", "UDP/TLS/RTP/SAVPF", formats, place.mid, direction, True, opus, events, sent)

    def _written(self, sections: list[Ours], link: Link, setup: str) -> str:
        self._revision += 1
        wire = link.newest
        candidates = tuple(candidate.to_sdp() for candidate in wire.local_candidates)
        us = Transport(wire.local_username, wire.local_password, link.fingerprints, setup, candidates, self._cname, self._session)
        return write(self._revision, sections, us)

    # packets and time

    def _rtp(self, packet: bytes, now: float) -> None:
        if self.voice:
            self.voice.take(packet, now)

    def _rtcp(self, data: bytes) -> None:
        for packet in rtcp.parse(data):
            if isinstance(packet, RtcpSrPacket) and self.voice and self.voice.reception and self.voice.reception.ssrc == packet.ssrc:
                self.voice.reception.told(packet.sender_info.ntp_timestamp, time.monotonic())
            if isinstance(packet, (RtcpSrPacket, RtcpRrPacket)):
                trips = (rtcp.round_trip(report) for report in packet.reports)
                self.round_trip = next((trip for trip in trips if trip is not None), self.round_trip)

    def _second(self) -> None:
        """Once a second: reports, the watch for a far end that is gone, now and then a heartbeat."""
        link = self._link
        if link is None or link.state in {"failed", "closed"}:
            self._timer = None
            return
        self._again()
        self._seconds += 1
        wall = time.time()
        senders = [(outlet.ssrc, outlet.report(wall)) for outlet in self._streams.values() if outlet.live and outlet.packets]
        reception = self.voice.reception if self.voice else None
        for packet in rtcp.reports(senders, [reception.report(time.monotonic())] if reception else [], self._ssrc, self._cname):
            link.send_rtcp(packet)
        if self._seconds % PING_SECONDS == 0:
            link.ping()
            self.round_trip = self.round_trip if senders else link.round_trip
        link.watch()

    # life

    def _changed(self, link: Link) -> None:
        if link is self._link and not self._closed:
            self._tell(link.state)

    def _tell(self, state: str) -> None:
        if state != self._told:
            self._told = state
            self._on_state(state)

    async def close(self) -> None:
        """Say goodbye to the far end and let go of everything. May be repeated."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for outlet in self._streams.values():
            outlet.live = False
        if self.voice:
            self.voice.keys.release()
        if self._link:
            if sending := [outlet.ssrc for outlet in self._streams.values() if outlet.packets]:
                self._link.send_rtcp(rtcp.goodbye(sending))
            await self._link.close()
        await asyncio.gather(*self._left, return_exceptions=True)
        self._tell("closed")
