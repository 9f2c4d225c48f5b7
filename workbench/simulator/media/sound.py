"""What sound is here: frames of 20 ms, voices that make them, outlets that take them, and Opus packets that pass through untouched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

RATE = 48_000  # samples a second
FRAME_SECONDS = 0.02
FRAME_SAMPLES = 960

Frame = npt.NDArray[np.int16]  # FRAME_SAMPLES of mono


class Voice(Protocol):
    """Somebody or something that makes sound."""

    def frame(self) -> Frame | None:
        """The next 20 ms, or None for silence. Called once a tick while its sound is mixed or tapped."""


class Outlet(Protocol):
    """Where the sound of one ear leaves to."""

    def put(self, frame: Frame | None) -> None:
        """Take the next 20 ms, or None for silence. Called once a tick while the ear is mixed for; must not block."""


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


class OpusOutlet(Outlet, Protocol):
    """An outlet that can pass packets through."""

    def forward(self, packet: OpusPacket) -> None:
        """Send a packet on unchanged."""
