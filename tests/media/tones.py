"""Tones as the far end makes and measures them: nothing here is shared with the platform, so that one proves the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import av
import numpy as np
import numpy.typing as npt

RATE = 48_000
FRAME = RATE // 50
LOUDNESS = 0.1  # of full scale: eight voices at once do not clip

Samples = npt.NDArray[np.float64]


def sine(hz: float, seconds: float, rate: int = RATE, loudness: float = LOUDNESS) -> Samples:
    """A tone, between -1 and 1."""
    return loudness * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def strength(samples: npt.ArrayLike, hz: float, rate: int = RATE) -> float:
    """How loud a tone of that pitch is in the samples, of full scale: one bin of a Fourier transform through a Hann window."""
    values = np.asarray(samples, dtype=np.float64)
    if not len(values):
        return 0.0
    window = np.hanning(len(values))
    turn = np.exp(-2j * np.pi * hz * np.arange(len(values)) / rate)
    return float(2 * abs(np.dot(values * window, turn)) / max(window.sum(), 1e-9))


def as_int16(samples: Samples) -> npt.NDArray[np.int16]:
    """For codecs and sockets."""
    return np.clip(samples * 32767, -32768, 32767).astype(np.int16)


def opus(samples: Samples) -> Iterator[bytes]:
    """The samples as Opus, a payload for every 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "mono", "s16", 48_000
    encoder.options = {"application": "audio", "frame_duration": "20"}
    whole = as_int16(samples)
    for at in range(0, len(whole) - FRAME + 1, FRAME):
        frame = av.AudioFrame.from_ndarray(whole[None, at : at + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, at
        yield from map(bytes, encoder.encode(frame))


@lru_cache(maxsize=256)
def tone(hz: int) -> Sequence[bytes]:
    """One second of a tone as 50 Opus payloads, to be said again and again: whole cycles, from an encoder that has settled."""
    return tuple(opus(sine(hz, 2.2)))[50:100]
