"""What sound is here: frames of 20 ms, voices that make them, outlets that take them, and Opus packets that pass through untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

RATE = 48_000  # samples a second
FRAME_SECONDS = 0.02
FRAME_SAMPLES = 960

Frame = npt.NDArray[np.int16]  # FRAME_SAMPLES of mono


class Voice(Protocol):
    """Somebody or something that makes sound."""

    def frame(self) -> Frame | None:
        """The next 20 ms, or None for silence. Called once a tick while its sound is mixed or tapped; nobody changes what it gives.

        What came while it was not asked for is over: it goes on with what comes now.
        """


class Outlet(Protocol):
    """Where the sound of one ear leaves to."""

    def put(self, frame: Frame | None) -> None:
        """Take the next 20 ms, or None for silence. Called once a tick while there is a voice that is mixed for the ear; must not block.

        The frame may be others' too and must not be changed.
        """


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """One packet of a browser, as it came; `timestamp` is the RTP time at 48 kHz."""

    payload: bytes
    timestamp: int
    marker: bool


Taker = Callable[[OpusPacket], None]


class OpusVoice(Voice, Protocol):
    """A voice that arrives as Opus: it hands its packets, as they come, to those who take them unchanged."""

    takers: tuple[Taker, ...]

    def rest(self) -> None:
        """No frames are asked for from now on, until they are again; then it goes on with what comes by then."""


class OpusOutlet(Outlet, Protocol):
    """An outlet that can pass packets through."""

    def forward(self, packet: OpusPacket) -> None:
        """Send a packet on unchanged."""


def is_opus_voice(voice: Voice) -> TypeGuard[OpusVoice]:
    """Whether a voice arrives as Opus."""
    return hasattr(voice, "takers")


def is_opus_outlet(outlet: Outlet) -> TypeGuard[OpusOutlet]:
    """Whether an outlet can pass packets through."""
    return hasattr(outlet, "forward")


def summed(frames: list[Frame]) -> Frame | None:
    """Sounds at once, as loud as a sample can be at most; None when there is none. A single one is handed on as it is."""
    if len(frames) < 2:
        return frames[0] if frames else None
    total = np.add(frames[0], frames[1], dtype=np.int32)
    for frame in frames[2:]:
        total += frame
    return np.clip(total, -32768, 32767, out=total).astype(np.int16)


def checked(frame: Frame) -> Frame:
    """A frame as it must be. Raises ValueError for what is none."""
    if frame.shape != (FRAME_SAMPLES,) or frame.dtype != np.int16:
        raise ValueError(f"a frame has {FRAME_SAMPLES} samples of 16 bits, not {frame.shape} of {frame.dtype}")
    return frame
