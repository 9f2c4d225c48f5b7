"""An ear: what arrived, when, and what tones are in it. It decodes when it is asked, so that listening costs next to nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np

from tests.media.tones import LOUDNESS, RATE, Samples, strength

HEARD, UNHEARD = 0.4 * LOUDNESS, 0.1 * LOUDNESS  # in between it is not clear yet
PARTS = 3  # of a window; a tone must be in all of them, or in none
KEPT = 4_000  # packets: 80 seconds

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Packet:
    """What came in one piece, and when."""

    at: float
    payload: bytes
    number: int = 0
    timestamp: int = 0


class Ear:
    """One stream that arrives: Opus packets, or frames of PCM (16 bit) when `rate` is another than 48 kHz."""

    def __init__(self, rate: int = RATE, clock: Clock = time.monotonic) -> None:
        self.rate, self.clock = rate, clock
        self.packets: deque[Packet] = deque(maxlen=KEPT)
        self.count = 0
        self._decoder: av.AudioCodecContext | None = None
        self._fresh: deque[Packet] = deque(maxlen=KEPT)
        self._sounds: deque[tuple[float, Samples]] = deque(maxlen=KEPT)

    def take(self, payload: bytes, number: int = 0, timestamp: int = 0) -> None:
        """A packet or frame has arrived."""
        packet = Packet(self.clock(), payload, number, timestamp)
        self.packets.append(packet)
        self._fresh.append(packet)
        self.count += 1

    # What was heard

    def sound(self, begin: float = 0.0, end: float = float("inf")) -> Samples:
        """Everything that arrived between two moments, between -1 and 1."""
        return _joined(sound for at, sound in self._decoded() if begin <= at < end)

    def hears(self, tones: Iterable[int], seconds: float = 0.3) -> frozenset[int] | None:
        """Which of the tones sounded during the last seconds, all the time; None while some did only for a part of it."""
        now = self.clock()
        found = [(at, sound) for at, sound in self._decoded() if now - seconds <= at]
        if not found:
            return frozenset()
        if len(found) < 0.5 * seconds * 50:
            return None
        parts = np.array_split(_joined(sound for _, sound in found), PARTS)
        heard = set()
        for hz in tones:
            levels = [strength(part, hz, self.rate) for part in parts]
            if min(levels) >= HEARD:
                heard.add(hz)
            elif max(levels) > UNHEARD:
                return None
        return frozenset(heard)

    def first(self, since: float = 0.0, hz: int | None = None) -> float | None:
        """When the first sound arrived: anything that is not silence, or a tone."""
        for at, sound in self._decoded():
            loud = np.abs(sound).max(initial=0.0) if hz is None else strength(sound, hz, self.rate)
            if at >= since and loud > HEARD:
                return at
        return None

    def gaps(self, since: float = 0.0, end: float = float("inf")) -> list[float]:
        """Seconds between each packet and the next."""
        times = [packet.at for packet in self.packets if since <= packet.at < end]
        return [later - earlier for earlier, later in pairwise(times)]

    def _decoded(self) -> Iterable[tuple[float, Samples]]:
        while self._fresh:
            packet = self._fresh.popleft()
            self._sounds.append((packet.at, self._decode(packet.payload)))
        return list(self._sounds)

    def _decode(self, payload: bytes) -> Samples:
        if self.rate != RATE:
            return np.frombuffer(payload, dtype="<i2") / 32768
        if self._decoder is None:
            decoder = av.CodecContext.create("libopus", "r")
            assert isinstance(decoder, av.AudioCodecContext)
            decoder.sample_rate, decoder.layout, decoder.format = RATE, "mono", "s16"
            self._decoder = decoder
        frames = self._decoder.decode(av.Packet(payload))
        return _joined(frame.to_ndarray().mean(axis=0) / 32768 for frame in frames)


def _joined(pieces: Iterable[Samples]) -> Samples:
    whole = list(pieces)
    return np.concatenate(whole) if whole else np.zeros(0)
