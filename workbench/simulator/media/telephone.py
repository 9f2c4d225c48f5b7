"""What the telephone network carries: 8000 samples a second, PCMU (ITU-T G.711). Sound becomes narrower and wider without seams."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.simulator.media.sound import RATE

NARROW_RATE = 8_000
_TAPS_EACH_WAY = 16  # samples at the lower rate that a sample at the higher one is made of, on either side

Pcm = npt.NDArray[np.int16]


class Narrower:
    """Takes every `factor`-th sample of what is left below half the lower rate."""

    def __init__(self, factor: int = RATE // NARROW_RATE) -> None:
        self._factor, self._taps = factor, _low_pass(factor)
        self._before = np.zeros(len(self._taps) - 1)

    def __call__(self, samples: Pcm) -> Pcm:
        """The next piece, whose length the factor divides."""
        whole = np.concatenate([self._before, samples])
        self._before = whole[len(samples) :]
        windows = np.lib.stride_tricks.sliding_window_view(whole, len(self._taps))[:: self._factor]
        return _pcm(windows @ self._taps)


class Wider:
    """Puts samples in between: `factor` for one."""

    def __init__(self, factor: int = RATE // NARROW_RATE) -> None:
        self._factor, self._taps = factor, _low_pass(factor) * factor
        self._before = np.zeros(len(self._taps) - 1)

    def __call__(self, samples: Pcm) -> Pcm:
        """The next piece."""
        spread = np.zeros(len(samples) * self._factor)
        spread[:: self._factor] = samples
        whole = np.concatenate([self._before, spread])
        self._before = whole[len(spread) :]
        return _pcm(np.convolve(whole, self._taps, "valid"))


def to_pcmu(samples: Pcm) -> bytes:
    """Samples as bytes of PCMU."""
    return _ENCODED[samples.view(np.uint16)].tobytes()


def from_pcmu(data: bytes) -> Pcm:
    """Samples of bytes of PCMU."""
    return _DECODED[np.frombuffer(data, np.uint8)]


def _low_pass(factor: int) -> npt.NDArray[np.float64]:
    """A windowed sinc with its edge a little below half the lower rate."""
    side = _TAPS_EACH_WAY * factor
    place = np.arange(-side, side + 1)
    taps = np.sinc(place * 0.95 / factor) * np.blackman(len(place))
    return np.asarray(taps / taps.sum())


def _pcm(samples: npt.NDArray[np.float64]) -> Pcm:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def _decoded() -> Pcm:
    """G.711, table 2a: sign, 3 bits of exponent and 4 of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = ((mantissa << 3) + 0x84 << exponent) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _encoded() -> npt.NDArray[np.uint8]:
    """For each 16-bit sample, as it lies in memory, its byte of PCMU."""
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    size = np.minimum(np.abs(sample), 32635) + 0x84
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = size >> exponent + 3 & 15
    return np.asarray(~(np.where(sample < 0, 0x80, 0) | exponent << 4 | mantissa) & 0xFF, np.uint8)


_DECODED, _ENCODED = _decoded(), _encoded()
