"""Sound on the device's own socket: binary messages of 20 ms, 16-bit little-endian mono at 16 kHz, both ways. For our own clients, where
WebRTC finds no way: with a loopback interface only, or through a proxy."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.simulator.media import jsonrpc
from workbench.simulator.media.jsonrpc import RpcError
from workbench.simulator.media.sound import FRAME_SAMPLES, Frame
from workbench.simulator.routes import Ear

if TYPE_CHECKING:
    from workbench.simulator.media.line import Line

SAMPLE_RATE = 16_000
SAMPLES = 320  # of 20 ms
FRAME_BYTES = 2 * SAMPLES
FIRST, MOST = 2, 6  # frames that wait before a voice begins, and at most: more would only be heard late
WINDOW = 250  # frames after which waiting is judged
TAIL = 25  # silent frames sent after sound, so that a short gap is none at the far end
TIMES = FRAME_SAMPLES // SAMPLES


def _low_pass(taps: int = 49, cutoff: float = 7200.0) -> npt.NDArray[np.float32]:
    """What keeps sound below `cutoff` Hz at 48 kHz: a windowed sinc."""
    places = np.arange(taps) - (taps - 1) / 2
    kernel = np.sinc(2 * cutoff / (SAMPLE_RATE * TIMES) * places) * np.hamming(taps)
    return np.asarray(kernel / kernel.sum(), np.float32)


class _Filter:
    """A low pass over one frame after the other."""

    def __init__(self) -> None:
        self._taps = _low_pass()
        self._former = np.zeros(len(self._taps) - 1, np.float32)

    def __call__(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        whole = np.concatenate((self._former, samples))
        self._former = whole[-len(self._former) :]
        return np.convolve(whole, self._taps, "valid").astype(np.float32)


def _whole(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


_DOWN = np.linspace(1, 0, SAMPLES, dtype=np.float32)


class PcmVoice:
    """What a device sends. A few frames wait, since a socket delivers unevenly; when more than that were never needed, two become one."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=MOST)
        self._plays = False
        self._filter = _Filter()
        self._spare, self._taken = MOST, 0

    def take(self, data: bytes) -> None:
        """A frame came."""
        self._waiting.append(data)
        self._plays = self._plays or len(self._waiting) >= FIRST

    def frame(self) -> Frame | None:
        """The next 20 ms at 48 kHz."""
        if not self._plays or not self._waiting:
            self._plays = False
            return None
        spread = np.zeros(FRAME_SAMPLES, np.float32)
        samples = self._samples()
        self._spare, self._taken = min(self._spare, len(self._waiting)), self._taken + 1
        if self._taken == WINDOW:
            if self._spare >= FIRST:
                samples = samples * _DOWN + self._samples() * (1 - _DOWN)
            self._spare, self._taken = MOST, 0
        spread[::TIMES] = samples * TIMES
        return _whole(self._filter(spread))

    def _samples(self) -> npt.NDArray[np.float32]:
        return np.frombuffer(self._waiting.popleft(), "<i2").astype(np.float32)


class PcmOutlet:
    """What a device is sent."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._filter = _Filter()
        self._silent = TAIL

    def put(self, frame: Frame | None) -> None:
        """Send 20 ms. After half a second of silence nothing is sent until there is sound again."""
        self._silent = 0 if frame is not None else self._silent + 1
        if self._silent > TAIL or self._line.socket is None:
            return
        samples = np.zeros(FRAME_SAMPLES, np.float32) if frame is None else frame.astype(np.float32)
        self._line.socket.send_frame(_whole(self._filter(samples)[::TIMES]).astype("<i2").tobytes())


class Pcm:
    """A device's sound on its socket."""

    protocol = "PCM"

    def __init__(self, line: Line) -> None:
        self._line, self._voice = line, PcmVoice()
        self._publishes: bool | None = None  # None until the first frame, or until the device says
        self._told: dict[str, object] = {}
        line.host.plane.set_outlet(Ear(line.party), PcmOutlet(line))
        line.follow("socket.pcm")

    def take(self, frame: bytes) -> None:
        """A frame of the device. Raises RpcError for one of another length."""
        if len(frame) != FRAME_BYTES:
            raise RpcError(jsonrpc.BAD_PARAMS, f"a frame of sound has {FRAME_BYTES} bytes, this one {len(frame)}", "socket.pcm")
        if self._publishes is None:
            self.publish(True)
        if self._publishes:
            self._voice.take(frame)

    def publish(self, audio: bool) -> None:
        """The device says whether it sends audio; the first frame says it too."""
        if audio != bool(self._publishes):
            self._line.host.plane.set_voice(self._line.party, self._voice if audio else None)
            self._line.publishes(audio)
        self._publishes = audio

    def changed(self) -> None:
        """Tell which streams there are: they are heard as one."""
        streams = dict(self._line.streams())
        if streams != self._told and self._line.tell("streams", {"streamMetadata": streams}):
            self._told = dict(streams)

    def reopened(self) -> None:
        """Tell it again."""
        self._told = {}
        self.changed()

    def close(self) -> None:
        """The device is silent and deaf from now on."""
        self.publish(False)
        self._line.host.plane.set_outlet(Ear(self._line.party), None)
