"""How strongly tones sound in what was heard, and which: the ears of the tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.simulator.media.sound import RATE
from workbench.simulator.media.tones import DTMF, HIGH, LOW

# Tones that are told apart: within less than an octave none is another's harmonic; all survive 8 kHz.
_OCTAVE, _BAND = (1550.0, 3050.0), (420.0, 3300.0)
_IN_OCTAVE, MOST_APART = 26, 60

SEGMENT_SECONDS = 0.2  # what is measured at once; longer buffers are measured piece by piece, as phases slip where packets are lost
FLOOR = 0.002  # of full scale; below it nothing is heard
SHARE = 0.25  # of the loudest of the tones asked for
PROMINENCE = 3.0  # times what sounds beside the tone


def palette(count: int) -> list[float]:
    """So many tones that `heard` tells apart, ascending. Played together none should be louder than 0.8 / count."""
    if count > MOST_APART:
        raise ValueError(f"at most {MOST_APART} tones are told apart")
    low, high = _OCTAVE if count <= _IN_OCTAVE else _BAND
    return [round(float(hz), 1) for hz in np.linspace(low, high, count)]


def levels(samples: npt.NDArray[np.int16], tones: Sequence[float], rate: int = RATE) -> list[float]:
    """How loudly each tone sounds, as the peak of its sine in parts of full scale (Goertzel by segments under a Hann window)."""
    length = min(len(samples), round(SEGMENT_SECONDS * rate))
    if length < 2 or not len(tones):
        return [0.0] * len(tones)
    pieces = np.lib.stride_tricks.sliding_window_view(samples, length)[:: max(1, length // 2)] / 32768.0
    window = np.hanning(length)
    waves = np.exp(-2j * np.pi / rate * np.outer(np.arange(length), tones))
    found = 2.0 * np.abs((pieces * window) @ waves) / window.sum()
    return [float(level) for level in np.sqrt(np.mean(found**2, axis=0))]


def heard(samples: npt.NDArray[np.int16], among: Sequence[float], rate: int = RATE) -> list[float]:
    """Which of these tones sound: loud enough, not far below the loudest of them, and standing out from what is beside them.

    It holds after Opus and after PCMU at 8 kHz, for tones that are at least 10 / seconds of the buffer (and 50 Hz) apart.
    """
    if not among:
        return []
    own = levels(samples, among, rate)
    seconds = min(len(samples) / rate, SEGMENT_SECONDS)
    beside = [levels(samples, [hz + offset / max(seconds, 0.01) for hz in among], rate) for offset in (-3.5, -2.5, 2.5, 3.5)]
    least = max(FLOOR, SHARE * max(own))
    around = [float(np.median(near)) for near in zip(*beside, strict=True)]
    return [hz for hz, level, near in zip(among, own, around, strict=True) if level >= least and level >= PROMINENCE * near]


def keys_heard(samples: npt.NDArray[np.int16], rate: int = RATE) -> str:
    """The keys whose tones follow one another in a buffer."""
    step, found, last = round(0.02 * rate), "", ""
    for start in range(0, len(samples) - 2 * step + 1, step // 2):
        key = _key(samples[start : start + 2 * step], rate)
        if key and key != last:
            found += key
        last = key
    return found


def _key(samples: npt.NDArray[np.int16], rate: int) -> str:
    low, high = levels(samples, LOW, rate), levels(samples, HIGH, rate)
    row, column = int(np.argmax(low)), int(np.argmax(high))
    both = min(low[row], high[column])
    rest = max(sorted(low)[-2], sorted(high)[-2])
    if both < 10 * FLOOR or both < 2 * rest:
        return ""
    return next(key for key, pair in DTMF.items() if pair == (LOW[row], HIGH[column]))
