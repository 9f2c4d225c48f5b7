"""What evens out the arrival of packets: as little waiting as arrival allows, gaps covered, silence where the far end is silent."""

from __future__ import annotations

from math import inf

import numpy as np

from workbench.simulator.media.opus import NOTHING, Decoder
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, Frame

MOST = 15  # packets that wait at most; a burst beyond is cut to KEPT
KEPT = 4
LEAST_GUARD = 0.005  # seconds that every packet should wait at least
MOST_GUARD = 0.08
WINDOW = 250  # frames after which waiting is judged
APART = 10  # frames between two that are taken back
SWAP = 1 << 32

_DOWN = np.linspace(1, 0, FRAME_SAMPLES, dtype=np.float32)
_UP = 1 - _DOWN
# A lost frame is the last one played backwards, which joins without a step; fainter, then nothing.
_FADES = (np.linspace(1, 0.5, FRAME_SAMPLES, dtype=np.float32), np.linspace(1, 0, FRAME_SAMPLES, dtype=np.float32))


class JitterBuffer:
    """Packets in, in any order; a frame out at each tick.

    The waiting adapts: a packet that came too late makes all later ones wait one frame more, and a window in which every packet waited
    a frame or more longer than need be takes that back, one frame at a time by a cross-fade.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._waiting: dict[int, tuple[int, bytes, float]] = {}  # time -> sequence, payload, arrival
        self._newest: int | None = None
        self._next: int | None = None  # the time that is due; None: nothing is being played
        self._sequence = 0
        self._quiet = False  # the last packet said that silence follows
        self._missed = 0
        self._left: Frame = NOTHING
        self._last: Frame | None = None
        self._guard = LEAST_GUARD
        self._margin, self._taken = inf, 0
        self._shorten = 0  # frames to take back

    def add(self, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """Keep a packet until its time has come; one that comes too late is dropped."""
        time = self._unwrapped(timestamp)
        if self._next is not None:
            if time < self._next:
                return
            if time == self._next and self._missed:
                self._guard = min(2 * self._guard, MOST_GUARD)
        self._waiting[time] = (sequence, payload, now)
        if len(self._waiting) > MOST:
            self._catch_up()

    def _unwrapped(self, timestamp: int) -> int:
        if self._newest is None:
            self._newest = timestamp
        step = (timestamp - self._newest + SWAP // 2) % SWAP - SWAP // 2
        time = self._newest + step
        if abs(step) > 10 * 48_000:  # another source, or a long pause
            self._waiting.clear()
            self._next, self._newest = None, time
        self._newest = max(self._newest, time)
        return time

    def _catch_up(self) -> None:
        for time in sorted(self._waiting)[:-KEPT]:
            del self._waiting[time]
        if self._next is not None:
            self._next = min(self._waiting)

    def frame(self, now: float) -> Frame | None:
        """The next 20 ms; None for silence."""
        if self._next is None and not self._begin(now):
            return None
        parts, have = [self._left], len(self._left)
        while have < FRAME_SAMPLES:
            part = self._part(now)
            if part is None:
                return self._covered(parts)
            parts.append(part)
            have += len(part)
        whole = parts[-1] if have == len(parts[-1]) else np.concatenate(parts)
        self._left = whole[FRAME_SAMPLES:]
        self._last = whole[:FRAME_SAMPLES]
        return self._last

    def _begin(self, now: float) -> bool:
        """Start with the oldest packet as soon as it has waited for the guard."""
        first = min(self._waiting, default=None)
        if first is None or now - self._waiting[first][2] < self._guard:
            return False
        self._next, self._missed, self._last, self._left = first, 0, None, NOTHING
        return True

    def _part(self, now: float) -> Frame | None:
        """What is due, decoded; None when it is not there."""
        assert self._next is not None
        if self._next not in self._waiting:
            self._gap()
            return None
        self._judge(now - self._waiting[self._next][2])
        part = self._decoded()
        if self._shorten and self._taken % APART == 0 and self._next in self._waiting and len(part) == FRAME_SAMPLES:
            after = self._decoded()
            if len(after) == FRAME_SAMPLES:
                part = (part * _DOWN + after * _UP).astype(np.int16)
                self._shorten -= 1
        return part

    def _decoded(self) -> Frame:
        assert self._next is not None
        self._sequence, payload, _ = self._waiting.pop(self._next)
        self._quiet, self._missed = len(payload) <= 2, 0
        part = self._decoder.decode(payload)
        if not len(part):
            part = np.zeros(FRAME_SAMPLES, np.int16)
        self._next += len(part)
        return part

    def _judge(self, waited: float) -> None:
        self._margin, self._taken = min(self._margin, waited), self._taken + 1
        if self._taken == WINDOW:
            self._shorten = max(0, int((self._margin - self._guard) / FRAME_SECONDS))
            self._guard = max(0.8 * self._guard, LEAST_GUARD)
            self._margin, self._taken = inf, 0

    def _gap(self) -> None:
        """What is due is not there: lost if later ones are, else late, or the far end is silent (DTX)."""
        assert self._next is not None
        self._missed += 1
        first = min(self._waiting, default=None)
        if first is None:
            if self._quiet or self._missed > len(_FADES):
                self._next = None
        elif (self._waiting[first][0] - self._sequence) % 65536 == 1 or self._missed > len(_FADES):
            self._next = None  # nothing was lost, it was silent; or much was
        else:
            self._next = min(self._next + FRAME_SAMPLES, first)

    def _covered(self, parts: list[Frame]) -> Frame | None:
        """A frame in the stead of one that is not there."""
        self._left = NOTHING
        if self._last is None or self._quiet or self._missed > len(_FADES):
            self._last = None
            return None
        self._last = (self._last[::-1] * _FADES[self._missed - 1]).astype(np.int16)
        have = np.concatenate(parts)
        if len(have):
            self._last = np.concatenate([have, self._last[: FRAME_SAMPLES - len(have)]])
        return self._last
