"""Opus packets from frames and back, by libopus in PyAV: mono, 48 kHz."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import av
import numpy as np
from av import AudioFrame, CodecContext, Packet

from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

BITS_A_SECOND = 40_000
# lowdelay (CELT alone) costs half of what voip costs and looks 2.5 ms ahead instead of 6.5.
_OPTIONS = {"application": "lowdelay", "compression_level": "5", "frame_duration": "20"}
# 20 ms of nothing, mono: what libopus makes of zeros.
SILENCE = b"\xf8\xff\xfe"

NOTHING: Frame = np.zeros(0, np.int16)


def _context(mode: Literal["r", "w"]) -> AudioCodecContext:
    codec: AudioCodecContext = CodecContext.create("libopus", mode)
    codec.format, codec.layout, codec.sample_rate = "s16", "mono", RATE
    return codec


class Decoder:
    """Packets to samples. It remembers: packets must come in order."""

    def __init__(self) -> None:
        self._codec = _context("r")

    def decode(self, payload: bytes) -> Frame:
        """The samples of one packet, up to 120 ms; none for garbage."""
        try:
            frames = self._codec.decode(Packet(payload))
        except av.FFmpegError:
            return NOTHING
        parts = [np.frombuffer(bytes(frame.planes[0]), np.int16, frame.samples) for frame in frames]
        return parts[0] if len(parts) == 1 else np.concatenate([NOTHING, *parts])


class Encoder:
    """Frames to packets."""

    def __init__(self) -> None:
        self._codec = _context("w")
        self._codec.bit_rate, self._codec.time_base, self._codec.options = BITS_A_SECOND, Fraction(1, RATE), _OPTIONS
        self._time = 0

    def encode(self, frame: Frame) -> bytes:
        """One packet of 20 ms."""
        audio = AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        audio.planes[0].update(frame.astype(np.int16, copy=False).tobytes())
        audio.sample_rate, audio.pts = RATE, self._time
        self._time += FRAME_SAMPLES
        return b"".join(bytes(packet) for packet in self._codec.encode(audio))
