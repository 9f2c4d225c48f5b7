"""Who speaks: while a `<Record>` waits for silence, the sound of the devices at its far end is listened to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import numpy as np

from workbench.simulator import routes
from workbench.simulator.calls import Recording
from workbench.simulator.engine import Engine
from workbench.simulator.media.plan import Tapping
from workbench.simulator.media.sound import Frame

# Ours: how loud sound is that is taken for a voice (-40 dB of full scale), and how loud it stays until it is over (-46 dB).
OPENS, CLOSES = 328.0, 164.0
OPEN_FRAMES = 5  # so many in a row: a click or a key is no voice
CLOSE_SECONDS = 0.3  # a shorter pause is one between two words


class Gates:
    """A gate for every `<Record>` that waits for silence; `sends` tells whether a device makes a source's sound, `speaks` takes the news.

    `speaks(call_id, whether, ago)`: what a call's far end sends is a voice from now on, or is none since `ago` seconds.
    """

    def __init__(
        self,
        engine: Callable[[], Engine],
        stands: Callable[[], bool],
        tap: Tapping,
        sends: Callable[[str], bool],
        speaks: Callable[[str, bool, float], None],
    ) -> None:
        self._engine, self._stands, self._tap, self._sends, self._speaks = engine, stands, tap, sends, speaks
        self._open: dict[str, tuple[Recording, Gate, Callable[[], None]]] = {}

    def changed(self) -> None:
        """Listen where a `<Record>` began to wait for silence, and no more where one is over."""
        verbs = self._engine().record_verbs
        if not verbs and not self._open:
            return
        for call_id, (recording, *_) in list(self._open.items()):
            if verbs.get(call_id) is not recording:
                self._end(call_id)
        for call_id, recording in verbs.items():
            if recording.silence is not None and call_id not in self._open:
                gate = Gate(self._stands, partial(self._speaks, call_id))
                self._open[call_id] = recording, gate, self._tap(partial(self._sources, call_id), gate.take)

    def _sources(self, call_id: str) -> tuple[str, ...]:
        engine = self._engine()
        call = engine.calls.get(call_id)
        return () if call is None else tuple(filter(self._sends, routes.track(engine, call, "inbound")))

    def _end(self, call_id: str) -> None:
        _, gate, untap = self._open.pop(call_id)
        untap()
        gate.close()

    def reset(self) -> None:
        """Listen to nothing."""
        for call_id in list(self._open):
            self._end(call_id)


class Gate:
    """Whether there is a voice: it opens once it has been loud for 0.1 s, and closes when it has been quiet for 0.3 s."""

    def __init__(self, stands: Callable[[], bool], tell: Callable[[bool, float], None]) -> None:
        self._stands, self._tell = stands, tell
        self._loud, self._last = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, frame: Frame | None) -> None:
        """The next 20 ms, or None for silence. While the clock stands nobody is heard."""
        if frame is None or self._stands() or _level(frame) < (OPENS if self._timer is None else CLOSES):
            self._loud = 0
            return
        self._loud, self._last = self._loud + 1, asyncio.get_running_loop().time()
        if self._timer is None and self._loud >= OPEN_FRAMES:
            self._wait(CLOSE_SECONDS)
            self._tell(True, 0.0)

    def close(self) -> None:
        """Listen no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        # By the time and not by frames: of a voice that has gone there are none.
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        quiet = asyncio.get_running_loop().time() - self._last
        if quiet < CLOSE_SECONDS:
            return self._wait(CLOSE_SECONDS - quiet)
        self._timer, self._loud = None, 0
        return self._tell(False, quiet)


def _level(frame: Frame) -> float:
    return float(np.sqrt(np.square(frame, dtype=np.float32).mean()))
