"""A browser's part, played by aiortc as it comes: for tests of our own end of a connection."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Callable

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from av import AudioFrame

from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame


class Tone(MediaStreamTrack):
    """A microphone that hears one frequency."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self.hertz, self._count, self._start = hertz, 0, 0.0

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(self._start + self._count * 0.02 - loop.time())
        frame = AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(tone(self.hertz, self._count).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._count * FRAME_SAMPLES, fractions.Fraction(1, RATE)
        self._count += 1
        return frame


def tone(hertz: float, number: int) -> Frame:
    """The frame of that number of a tone."""
    times = (np.arange(FRAME_SAMPLES) + number * FRAME_SAMPLES) / RATE
    return (8000 * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def loudest(frames: list[Frame]) -> float:
    """The loudest frequency."""
    samples = np.concatenate(frames).astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE / len(samples)


class Browser:
    """An aiortc connection that offers or answers, and keeps what it hears. With max-bundle it would close what data and audio share."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.heard: list[Frame] = []
        self.streams: list[str] = []
        self._listening: list[asyncio.Task[None]] = []
        self.connection.on("track", lambda track: self._listening.append(asyncio.ensure_future(self._listen(track))))

    async def _listen(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                self.heard.append(frame.to_ndarray()[0][:: len(frame.layout.channels)].astype(np.int16))
        except MediaStreamError:
            return

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def answer(self, sdp: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    @property
    def dtls(self) -> RTCDtlsTransport:
        transceivers, sctp = self.connection.getTransceivers(), self.connection.sctp
        return transceivers[0].sender.transport if transceivers else sctp.transport

    async def vanish(self) -> None:
        """Be gone without a word, as a machine whose power failed."""
        for protocol in self.dtls.transport._connection._protocols:
            protocol.transport.abort()

    async def close(self) -> None:
        await self.connection.close()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
