"""Measuring who hears whom: every party's voice is a tone of its own, and each ear tells which tones arrive.

All tones are multiples of 50 Hz, so that whole periods of each fit into one frame: none leaks into another however short the
measurement, and frames that are lost cost nothing but their share. They lie where telephones and Opus carry sound; while there are few
parties within an octave, where none is another's harmonic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, RATE, Frame, Voice

STEP_HZ = RATE // FRAME_SAMPLES
OCTAVE_HZ, BAND_HZ = (1550, 3050), (400, 3350)
MOST = (BAND_HZ[1] - BAND_HZ[0]) // STEP_HZ + 1  # tones at once
LOUDEST = 6_000.0  # peak of a tone; all together never exceed what a sample can hold
HEARD_SHARE = 0.5  # of a tone's own loudness over the whole measurement: heard half of the time is heard


def tones(count: int) -> list[int]:
    """So many tones in Hz, ascending, as far apart as they can be."""
    low, high = OCTAVE_HZ if count <= (OCTAVE_HZ[1] - OCTAVE_HZ[0]) // STEP_HZ + 1 else BAND_HZ
    return [low + round(place / max(1, count - 1) * (high - low) / STEP_HZ) * STEP_HZ for place in range(count)]


class Tone:
    """A voice that is one tone."""

    def __init__(self, hz: int, peak: float) -> None:
        self._frame: Frame = np.rint(peak * np.sin(2 * np.pi * hz / RATE * np.arange(FRAME_SAMPLES))).astype(np.int16)

    def frame(self) -> Frame:
        """The same each time: the tone begins anew with every frame without a seam."""
        return self._frame


class Measurement:
    """One measurement: the tones of at most `MOST` parties for so many seconds."""

    def __init__(self, parties: list[str], seconds: float) -> None:
        self._hz = dict(zip(parties, tones(len(parties)), strict=True))
        self._peak = min(LOUDEST, 32_000 / max(1, len(parties)))
        self._voices: dict[str, tuple[Voice, ...]] = {party: (Tone(hz, self._peak),) for party, hz in self._hz.items()}
        self._meters: dict[tuple[str, str | None], npt.NDArray[np.int64]] = {}
        self._ticks, self._last = 0, max(1, round(seconds / FRAME_SECONDS))
        self._over = asyncio.get_running_loop().create_future()

    @staticmethod
    def portions(parties: list[str]) -> Iterator[list[str]]:
        """The parties in portions whose tones can be told apart."""
        for start in range(0, len(parties), MOST):
            yield parties[start : start + MOST]

    def voices(self, source: str) -> tuple[Voice, ...]:
        """The voice of a source while it is measured."""
        return self._voices.get(source, ())

    def meter(self, party: str, stream: str | None) -> Callable[[Frame | None], None]:
        """What listens at an ear; the same sum however often it is asked for."""
        total = self._meters.setdefault((party, stream), np.zeros(FRAME_SAMPLES, np.int64))

        def take(frame: Frame | None) -> None:
            if frame is not None and self._ticks < self._last:
                np.add(total, frame, out=total)

        return take

    def ticked(self) -> None:
        """A tick has passed."""
        self._ticks += 1
        if self._ticks == self._last:
            self.stop()

    def stop(self) -> None:
        """It is over, or goes no further."""
        if not self._over.done():
            self._over.set_result(None)

    async def done(self) -> dict[str, set[str]]:
        """For each party with an ear, whose tones arrived, when it is over."""
        await self._over
        found: dict[str, set[str]] = {}
        for (party, _), total in self._meters.items():
            found.setdefault(party, set()).update(self._heard(total / max(1, min(self._ticks, self._last))))
        return found

    def _heard(self, frame: npt.NDArray[np.float64]) -> list[str]:
        """Goertzel at each tone: with whole periods in a frame these are places of its Fourier transform."""
        levels = np.abs(np.fft.rfft(frame)) * 2 / FRAME_SAMPLES
        return [party for party, hz in self._hz.items() if levels[hz // STEP_HZ] >= HEARD_SHARE * self._peak]
