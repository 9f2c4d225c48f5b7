"""One WebRTC connection with a browser, as the platform sees it: offers and answers, a voice in, streams out, keys, signs of life."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

from aiortc.rtp import RtcpRrPacket, RtcpSrPacket

from workbench.simulator.media import rtcp
from workbench.simulator.media.channels import Kind
from workbench.simulator.media.places import Place, Places
from workbench.simulator.media.rtp import RtpOutlet, RtpVoice
from workbench.simulator.media.sdp import Description, Local, Ours, PeerError, read, write
from workbench.simulator.media.transport import Transport

__all__ = ["Peer", "PeerError"]

PING_SECONDS = 5


def _nothing(_: str) -> None:
    """Who wants to know nothing."""


class Peer:
    """One peer connection. Descriptions may be exchanged as often as needed, by either side, one exchange at a time.

    `on_key(digit)` tells each key pressed; `on_state(state)` connecting, connected, failed or closed. A far end that restarts ICE is
    followed on new ways; one with another fingerprint is another browser: it is answered afresh, and connecting is told once more.
    A far end that vanishes is told as failed within 17 seconds (15 without a sign of life, looked for once a second); offered or answered
    after that, it is met afresh.
    `channels`: the platform's data channels agreed on beforehand (classic) or announced by us (BRTC); None: the far end's own only.
    """

    def __init__(
        self,
        *,
        on_key: Callable[[str], None] = _nothing,
        on_state: Callable[[str], None] = _nothing,
        channels: Kind | None = None,
    ) -> None:
        self.voice: RtpVoice | None = None
        self.round_trip: float | None = None  # seconds, by reports on what we send or else by the heartbeat
        self._on_key, self._on_state, self._channels = on_key, on_state, channels
        self._streams: dict[str, RtpOutlet] = {}
        self._places = Places()
        self._transport: Transport | None = None
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
        return "closed" if self._closed else self._transport.state if self._transport else "new"

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
        if self._transport and outlet.packets:
            self._transport.send_rtcp(rtcp.goodbye([outlet.ssrc]))
        self._places.remove(outlet)

    def _send(self, packet: bytes) -> None:
        if self._transport:
            self._transport.send(packet)

    # descriptions

    async def answer(self, sdp: object) -> str:
        """The answer to an offer of the far end. An offer of ours that is still open is taken back."""
        remote = read(sdp)
        async with self._turn:
            transport = await self._reached(remote, controlling=False)
            transport.role = transport.role or ("server" if remote.setup == "active" else "client")
            self._offered = False
            self._places.follow(remote.sections, self._streams.values())
            self._take(remote)
            await self._go(transport, remote)
            return self._written([place.answer() for place in self._places.all], transport, answering=True)

    async def offer(self) -> str:
        """An offer of all streams, also as a further one while the last is not answered."""
        async with self._turn:
            if not self._streams and not self._places.all and not self._channels:
                raise PeerError("there is nothing to offer: no stream and no data channel")
            transport = await self._reached(None, controlling=True)
            if not self._places.all and self._channels:
                self._places.all.append(Place("application", "0"))
            for outlet in self._places.unplaced(self._streams.values()):
                self._places.add(outlet)
            self._offered = True
            return self._written([place.offer() for place in self._places.all], transport, answering=False)

    async def accept(self, sdp: object) -> None:
        """Take the far end's answer to our last offer; one to an earlier offer says nothing of what came since."""
        remote = read(sdp)
        async with self._turn:
            transport = self._transport
            if not self._offered or transport is None or self._closed:
                raise PeerError("there is no offer to answer")
            if not transport.continues(remote) or (transport.remote and transport.remote.ufrag != remote.ufrag):
                raise PeerError("the answer belongs to another connection")
            self._places.check(remote.sections)
            if remote.setup == "actpass":
                raise PeerError("setup must be active or passive in an answer")
            transport.role = transport.role or ("server" if remote.setup == "active" else "client")
            self._offered = len(remote.sections) < len(self._places.all)
            self._take(remote)
            await self._go(transport, remote)

    def _take(self, remote: Description) -> None:
        self._places.take(remote.sections)
        sending = self._places.sending
        if sending is None or sending.opus is None:
            if self.voice:
                self.voice.keys.release()
            self.voice = None
            return
        self.voice = self.voice or RtpVoice(self._on_key)
        self.voice.listen(sending.opus, sending.events, sending.ssrcs)

    async def _reached(self, remote: Description | None, controlling: bool) -> Transport:
        """The transport to the far end: the one there is, or a new one."""
        if self._closed:
            raise PeerError("the connection is closed")
        transport = self._transport
        if transport is not None and transport.state not in {"failed", "closed"} and (remote is None or transport.continues(remote)):
            return transport
        if transport is not None and transport.state == "closed" and remote is None:
            raise PeerError("the connection is closed")  # by the far end, which has nothing left to answer with
        new = Transport(controlling, self._changed, self._rtp, self._rtcp)
        self._transport = new
        if transport is not None:
            self._leave(transport)
        await new.open()
        if not new.wire.local_candidates:
            self._leave(new)
            raise PeerError("the connection is closed" if self._closed else "the platform could open no socket for media")
        return new

    def _leave(self, transport: Transport) -> None:
        task = asyncio.get_running_loop().create_task(transport.close())
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    async def _go(self, transport: Transport, remote: Description) -> None:
        if transport.state in {"failed", "closed"}:
            raise PeerError(f"the connection is {transport.state}")
        if self._places.channels:
            transport.carry(self._channels)
        await transport.towards(remote)
        if self._closed:
            raise PeerError("the connection is closed")
        if self._timer is None:
            self._again()

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(1, self._second)

    def _written(self, sections: list[Ours], transport: Transport, answering: bool) -> str:
        self._revision += 1
        # A role once taken stays, in whoever's description.
        setup = {None: "actpass", "client": "active", "server": "passive"}[transport.role if answering or transport.remote else None]
        wire = transport.newest
        candidates = tuple(candidate.to_sdp() for candidate in wire.local_candidates)
        us = Local(wire.local_username, wire.local_password, transport.fingerprints, setup, candidates, self._cname, self._session)
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
        transport = self._transport
        if transport is None or transport.state in {"failed", "closed"}:
            self._timer = None
            return
        self._again()
        self._seconds += 1
        wall = time.time()
        senders = [(outlet.ssrc, outlet.report(wall)) for outlet in self._streams.values() if outlet.live and outlet.packets]
        reception = self.voice.reception if self.voice else None
        for packet in rtcp.reports(senders, [reception.report(time.monotonic())] if reception else [], self._ssrc, self._cname):
            transport.send_rtcp(packet)
        if self._seconds % PING_SECONDS == 0:
            self._beat(transport, by_reports=bool(senders))
        transport.watch()

    def _beat(self, transport: Transport, by_reports: bool) -> None:
        if transport.channels:
            transport.channels.ping()
            self.round_trip = self.round_trip if by_reports else transport.channels.round_trip

    # life

    def _changed(self, transport: Transport) -> None:
        if transport is self._transport and not self._closed:
            self._tell(transport.state)

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
        if self._transport:
            if sending := [outlet.ssrc for outlet in self._streams.values() if outlet.packets]:
                self._transport.send_rtcp(rtcp.goodbye(sending))
            await self._transport.close()
        await asyncio.gather(*self._left, return_exceptions=True)
        self._tell("closed")
