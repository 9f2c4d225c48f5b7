"""Tones by sample position, so that frame follows frame without a click."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame

LEVEL = 0.2  # of full scale; the peak of one sine
FADE_SECONDS = 0.005
RING_HZ = (440.0, 480.0)  # ring back tone of the United States: 2 s of 6 s
RING_SECONDS, RING_PERIOD = 2.0, 6.0
BEEP_HZ, BEEP_SECONDS = 1000.0, 0.4
KEY_SECONDS, KEY_GAP_SECONDS = 0.07, 0.03
PAUSES = {",": 0.5, "w": 0.5, "W": 1.0}  # seconds without a key

LOW, HIGH = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
DTMF = {key: (LOW[row], HIGH[column]) for row, keys in enumerate(("123A", "456B", "789C", "*0#D")) for column, key in enumerate(keys)}

Samples = npt.NDArray[np.float64]


def tone(hz: float, start: int = 0, count: int = FRAME_SAMPLES, level: float = LEVEL) -> Frame:
    """A sine from the sample `start` on; pieces fit together."""
    return _pcm(level * _sine(hz, start, count))


def chord(tones: Iterable[float], start: int = 0, count: int = FRAME_SAMPLES, level: float = LEVEL) -> Frame:
    """Several sines at once, each as loud as `level`."""
    return _pcm(level * sum((_sine(hz, start, count) for hz in tones), np.zeros(count)))


def ring(start: int = 0, count: int = FRAME_SAMPLES) -> Frame | None:
    """Ring back tone from the sample `start` on; None while it is silent."""
    seconds = _seconds(start, count) % RING_PERIOD
    loud = np.clip(np.minimum(seconds, RING_SECONDS - seconds) / FADE_SECONDS, 0.0, 1.0)
    if not loud.any():
        return None
    return _pcm(LEVEL / 2 * loud * (_sine(RING_HZ[0], start, count) + _sine(RING_HZ[1], start, count)))


def beep() -> Frame:
    """A beep, whole."""
    return faded(tone(BEEP_HZ, 0, round(BEEP_SECONDS * RATE)))


def keys(digits: str, tone_seconds: float = KEY_SECONDS, gap_seconds: float = KEY_GAP_SECONDS) -> Frame:
    """The tones of keys (RFC 4733, DTMF), whole: each is followed by a gap; what is no key is a pause."""
    pieces = [np.zeros(0, np.int16)]
    for digit in digits:
        if digit in DTMF:
            pieces += [faded(chord(DTMF[digit], 0, round(tone_seconds * RATE))), np.zeros(round(gap_seconds * RATE), np.int16)]
        else:
            pieces.append(np.zeros(round(PAUSES.get(digit, 0.0) * RATE), np.int16))
    return np.concatenate(pieces)


def faded(samples: Frame) -> Frame:
    """The same without clicks where it begins and ends."""
    count = min(round(FADE_SECONDS * RATE), len(samples) // 2)
    if not count:
        return samples
    slope, soft = np.arange(count) / count, samples.astype(np.float64)
    soft[:count] *= slope
    soft[-count:] *= slope[::-1]
    return soft.astype(np.int16)


def cut(samples: Frame, start: int, count: int = FRAME_SAMPLES) -> Frame | None:
    """A piece of something whole, filled up with silence; None where it has nothing (any more, or yet)."""
    if start >= len(samples) or start + count <= 0:
        return None
    if 0 <= start <= len(samples) - count:
        return samples[start : start + count]
    piece = np.zeros(count, np.int16)
    found = samples[max(0, start) : start + count]
    place = max(0, -start)
    piece[place : place + len(found)] = found
    return piece


def both(one: Frame | None, other: Frame | None) -> Frame | None:
    """Two pieces at once, of which at most one is not silent at any moment."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _seconds(start: int, count: int) -> Samples:
    return np.arange(start, start + count, dtype=np.float64) / RATE


def _sine(hz: float, start: int, count: int) -> Samples:
    return np.asarray(np.sin(2 * np.pi * hz * _seconds(start, count)))


def _pcm(samples: Samples) -> Frame:
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
