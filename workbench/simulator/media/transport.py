"""The one transport of a peer: ICE, on it DTLS with the keys of SRTP, on that data channels. RTP does not pass through aiortc's tasks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport, RTCIceTransport

from workbench.simulator.media.channels import Channels, Kind
from workbench.simulator.media.ice import Wire
from workbench.simulator.media.sdp import Description

CONNECT_SECONDS = 30.0  # for ICE and DTLS together
VANISHED_SECONDS = 15.0  # without any sign of life
MAX_SENDERS = 32  # SSRCs of one far end, between two descriptions

log = logging.getLogger(__name__)


class _Below:
    """What aiortc's DTLS stands on here: the three parts of an RTCIceTransport that it uses."""

    def __init__(self, post: Callable[[bytes], None]) -> None:
        self.role = "controlled"
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(64)
        self._post = post

    async def _recv(self) -> bytes:
        data = await self.waiting.get()
        if not data:
            raise ConnectionError("closed")
        return data

    async def _send(self, data: bytes) -> None:
        self._post(data)


class Transport:
    """One far end, reached by ICE and known by its fingerprint, for the life of its keys.

    States, told by `on_state`: connecting, connected, and in the end failed (never reached, vanished, refused) or closed (by either side).
    """

    def __init__(
        self,
        controlling: bool,
        on_state: Callable[[Transport], None],
        on_rtp: Callable[[bytes, float], None],
        on_rtcp: Callable[[bytes], None],
    ) -> None:
        self.state = "new"
        self.role: str | None = None  # in DTLS: client or server
        self.remote: Description | None = None
        self._controlling = controlling
        self._on_state, self._on_rtp, self._on_rtcp = on_state, on_rtp, on_rtcp
        self._certificate = RTCCertificate.generateCertificate()
        self.wire = self.newest = Wire(controlling, self._arrived, self._alive)
        self._below = _Below(self._post)
        self.dtls = RTCDtlsTransport(cast(RTCIceTransport, self._below), [self._certificate])
        self.dtls.on("statechange", self._dtls_changed)
        self.channels: Channels | None = None
        self._rx: Any = None
        self._tx: Any = None
        self._senders: set[int] = set()
        self._heard = time.monotonic()
        self._watched = self._heard
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None

    @property
    def fingerprints(self) -> tuple[tuple[str, str], ...]:
        """How the far end will know us."""
        return tuple((print_.algorithm, print_.value) for print_ in self._certificate.getFingerprints() if print_.algorithm == "sha-256")

    def continues(self, remote: Description) -> bool:
        """Whether a description is of the far end that this transport leads to."""
        return self.remote is None or set(self.remote.fingerprints) == set(remote.fingerprints)

    async def open(self) -> None:
        """Open the sockets."""
        await self._open(self.wire)

    async def _open(self, wire: Wire) -> None:
        # In a task of its own: if whoever waits is cancelled, the sockets opened so far must still be known to close().
        task = asyncio.get_running_loop().create_task(wire.gather_candidates())
        self._opening.add(task)
        await asyncio.shield(task)
        self._opening.discard(task)

    async def towards(self, remote: Description) -> None:
        """Connect with the far end, or follow it when it has restarted ICE. Returns at once, apart from new sockets."""
        former, self.remote = self.remote, remote
        self._senders.clear()  # who publishes anew does so as another sender
        if former is None:
            await self.wire.expect(remote.ufrag, remote.password, remote.lite, remote.candidates)
            self._become("connecting")
            self._spawn(self._connect(remote))
        elif former.ufrag != remote.ufrag:
            abandoned, wire = self.newest, Wire(False, self._arrived, self._alive)
            self.newest = wire
            await self._open(wire)
            if abandoned is not self.wire:
                await abandoned.close()
            await wire.expect(remote.ufrag, remote.password, remote.lite, remote.candidates)
            self._spawn(self._move(wire))
        elif self.state == "connecting":
            await self.newest.expect(remote.ufrag, remote.password, remote.lite, remote.candidates)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closing is not None:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, remote: Description) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.wire.connect()
                self.dtls._set_role(self.role or "client")
                await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(*print_) for print_ in remote.fingerprints]))
        except (ConnectionError, TimeoutError) as error:
            log.debug("no connection: %r", error)
        except Exception:  # the libraries raise what they like on what far ends send
            log.warning("a connection failed", exc_info=True)
        if self.dtls.state != "connected":
            return self._end("failed")
        self._rx, self._tx = self.dtls._rx_srtp, self.dtls._tx_srtp
        self._heard = time.monotonic()
        self._become("connected")
        await self._start_channels()

    async def _move(self, wire: Wire) -> None:
        """Take the way that a restart of ICE found; DTLS and the keys stay."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await wire.connect()
        except (ConnectionError, TimeoutError):
            await wire.close()
            return
        if wire is not self.newest:
            return
        former, self.wire = self.wire, wire
        self._heard = time.monotonic()
        await former.close()

    # packets

    def _arrived(self, data: bytes) -> None:
        first = data[0]
        if 127 < first < 192:
            if self._rx is not None and len(data) >= 12:
                self._media(data)
        elif 19 < first < 64 and not self._below.waiting.full():
            self._below.waiting.put_nowait(data)

    def _media(self, data: bytes) -> None:
        """Decrypt a packet and hand it on. What does not prove to come from the far end is dropped."""
        reports = 192 <= data[1] < 224  # RFC 5761
        sender = int.from_bytes(data[4:8] if reports else data[8:12], "big")
        if sender not in self._senders and len(self._senders) >= MAX_SENDERS:
            return
        try:
            packet = self._rx.unprotect_rtcp(data) if reports else self._rx.unprotect(data)
        except (pylibsrtp.Error, ValueError):
            return
        self._senders.add(sender)
        self._heard = now = time.monotonic()
        if reports:
            self._on_rtcp(packet)
        else:
            self._on_rtp(packet, now)

    def send(self, packet: bytes) -> None:
        """Send an RTP packet, or drop it while there is no connection."""
        if self._tx is not None:
            self.wire.post(self._tx.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Send a compound RTCP packet, or drop it while there is no connection."""
        if self._tx is not None:
            self.wire.post(self._tx.protect_rtcp(packet))

    def _post(self, data: bytes) -> None:
        self.wire.post(data)

    # data channels

    def carry(self, kind: Kind | None) -> None:
        """Have data channels from now on."""
        if self.channels is None:
            self.channels = Channels(self.dtls, kind)
            if self.state == "connected":
                self._spawn(self._start_channels())

    async def _start_channels(self) -> None:
        sections = self.remote.sections if self.remote else ()
        port = next((section.sctp_port for section in sections if section.kind == "application" and section.usable), None)
        if self.channels and port is not None:
            await self.channels.start(port)

    # life

    def _alive(self) -> None:
        self._heard = time.monotonic()

    def watch(self) -> None:
        """Notice a far end that is gone without a word: no check, no media for a while."""
        now = time.monotonic()
        if now - self._watched > 3:  # we were held up ourselves, and have not yet read what came meanwhile
            self._heard = max(self._heard, now - VANISHED_SECONDS / 2)
        self._watched = now
        if self.state == "connected" and (now - self._heard > VANISHED_SECONDS or not self.wire.connected):
            self._end("failed")

    def _dtls_changed(self) -> None:
        if self.dtls.state in {"closed", "failed"}:
            self._end(self.dtls.state)

    def _become(self, state: str) -> None:
        if state != self.state and self.state not in {"failed", "closed"}:
            self.state = state
            self._on_state(self)

    def _end(self, state: str) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
            self._become(state)

    async def close(self) -> None:
        """Say goodbye and let go of sockets and tasks."""
        self._end("closed")
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._rx = self._tx = None
        reading = self.dtls._task
        for part in (self.channels, self.dtls):
            try:
                await (part.stop() if part else asyncio.sleep(0))
            except Exception as error:
                log.debug("while closing: %r", error)
        tasks: list[asyncio.Future[None]] = [*self._tasks, *([reading] if reading else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._opening, return_exceptions=True)
        for wire in {self.wire, self.newest}:
            await wire.close()
        self.dtls.remove_all_listeners()
