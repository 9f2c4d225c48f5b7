"""Data channels of a peer, on aiortc's SCTP: the platform's two, of which one has a heartbeat; messages of others are not read."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Literal, cast

from aiortc import RTCDataChannel, RTCDtlsTransport, RTCSctpTransport
from aiortc.rtcdatachannel import RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities

MAX_CHANNELS = 16
MAX_MESSAGE = 65_536  # bytes that we would send at most
HEARTBEAT, DIAGNOSTICS = "__heartbeat__", "__diagnostics__"

Kind = Literal["negotiated", "announced"]

log = logging.getLogger(__name__)


class _Below:
    """What aiortc's SCTP stands on here: DTLS, less the errors.

    Neither may malformed SCTP end the task that reads DTLS, nor may the timers of SCTP, which outlive it, send into what is closed: whoever
    tries is cancelled.
    """

    def __init__(self, dtls: RTCDtlsTransport) -> None:
        self.closed = False
        self._dtls = dtls
        self._receiver: RTCSctpTransport | None = None

    @property
    def state(self) -> str:
        return self._dtls.state

    @property
    def _role(self) -> str:
        return self._dtls._role

    def _register_data_receiver(self, receiver: RTCSctpTransport) -> None:
        self._receiver = receiver
        self._dtls._register_data_receiver(self)

    def _unregister_data_receiver(self, receiver: RTCSctpTransport) -> None:
        self._receiver = None
        self._dtls._unregister_data_receiver(self)

    async def _handle_data(self, data: bytes) -> None:
        try:
            if self._receiver:
                await self._receiver._handle_data(data)
        except Exception as error:
            log.debug("SCTP of %d bytes was dropped: %r", len(data), error)

    async def _send_data(self, data: bytes) -> None:
        if self.closed:
            raise asyncio.CancelledError
        try:
            await self._dtls._send_data(data)
        except Exception as error:  # of the connection, or of OpenSSL
            log.debug("SCTP of %d bytes was not sent: %r", len(data), error)


class Channels:
    """The data channels on one DTLS transport.

    The platform's own are agreed on beforehand (negotiated, ids 0 and 1: classic) or announced by us (BRTC); with None there are only
    those that the far end announces.
    """

    def __init__(self, dtls: RTCDtlsTransport, kind: Kind | None) -> None:
        self.round_trip: float | None = None  # seconds
        self._below = _Below(dtls)
        self.sctp = RTCSctpTransport(cast(RTCDtlsTransport, self._below))
        self._heartbeat: RTCDataChannel | None = None
        self._pinged = 0.0
        self.sctp.on("datachannel", self._opened)
        for number, label in enumerate((HEARTBEAT, DIAGNOSTICS) if kind else ()):
            agreed = {"negotiated": True, "id": number, "protocol": "udp"} if kind == "negotiated" else {}
            channel = RTCDataChannel(self.sctp, RTCDataChannelParameters(label=label, **cast(Any, agreed)))
            if label == HEARTBEAT:
                self._listen(channel)

    async def start(self, port: int) -> None:
        """Connect with the far end's SCTP, once DTLS is up."""
        await self.sctp.start(RTCSctpCapabilities(MAX_MESSAGE), port)

    async def _opened(self, channel: RTCDataChannel) -> None:
        """Take a channel that the far end has announced; one that announces them without end gets no more data."""
        if len(self.sctp._data_channels) > MAX_CHANNELS:
            await self.stop()
        elif channel.label == HEARTBEAT:
            self._listen(channel)

    def _listen(self, channel: RTCDataChannel) -> None:
        self._heartbeat = channel
        channel.on("message", self._beat)

    def _beat(self, message: object) -> None:
        if message == "PONG" and self._pinged:
            self.round_trip, self._pinged = time.monotonic() - self._pinged, 0.0
        elif message == "PING":
            self._say("PONG")

    def ping(self) -> None:
        """Ask the far end for a sign of life."""
        self._pinged = time.monotonic()
        self._say("PING")

    def _say(self, text: str) -> None:
        channel = self._heartbeat
        if channel and channel.readyState == "open" and not channel.bufferedAmount:  # one that takes nothing is sent no more
            channel.send(text)

    async def stop(self) -> None:
        """No more of them."""
        await self.sctp.stop()
        self._below.closed = True
