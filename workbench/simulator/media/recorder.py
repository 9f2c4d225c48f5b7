"""Recordings with their sound: what sounds while a recording runs is written where it belongs on the platform's clock.

Each channel is a file of its own, begun when something sounds; what is not written is silence: pauses, what was jumped over while the clock
was moved, and what was silent anyway. Files are deleted with their recording, and all of them when the platform ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from workbench.simulator import routes
from workbench.simulator.calls import Recording
from workbench.simulator.engine import Engine
from workbench.simulator.media.plan import Sources, Take, Tapping
from workbench.simulator.media.sound import FRAME_SECONDS, Frame
from workbench.simulator.media.telephone import NARROW_RATE, Narrower, Pcm
from workbench.simulator.silence import Stored

OFF_SECONDS = 0.1  # a place that is off by more follows the clock; less is the loop's unevenness
PIECE_SECONDS = 1.0  # written at once
STORED_LIMIT = 2_000_000_000  # bytes of all recordings; 36 hours of sound
LOOKED_AT = 50  # recordings that are looked for at each change, whether they are still there

_FRAME = round(FRAME_SECONDS * NARROW_RATE)


class Recorder:
    """What records; `tap` has sound taken, `now` is the platform's clock, which may stand, `fault` is told what is not recorded."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        now: Callable[[], float],
        stands: Callable[[], bool],
        tap: Tapping,
        fault: Callable[[str, str], None],
    ) -> None:
        self._engine, self._now, self._stands, self._tap, self._fault = engine, now, stands, tap, fault
        self._running: dict[str, Taping] = {}
        self._done: deque[tuple[Recording, list[Channel]]] = deque()
        self._folder: TemporaryDirectory[str] | None = None
        self._files, self._bytes = 0, 0

    def changed(self) -> None:
        """Begin with recordings that began, end with those that ended, and delete what is nobody's any more."""
        engine = self._engine()
        if engine.started_recordings or engine.record_verbs or self._running:
            active = {id(one): one for one in (*engine.started_recordings.values(), *engine.record_verbs.values())}
            for recording_id, taping in list(self._running.items()):
                if id(taping.recording) not in active:
                    self._end(recording_id)
            for recording in active.values():
                if recording.recording_id not in self._running:
                    self._begin(recording)
        self._tidy(engine)

    def stored(self, recording: Recording) -> Stored | None:
        """Where the sound of a recording is; None while nothing of it sounded."""
        self.changed()
        found = next((channels for known, channels in self._done if known is recording), [])
        paths = [channel.path for channel in found]
        return Stored(tuple(paths)) if any(paths) else None

    def reset(self) -> None:
        """Delete everything."""
        for recording_id in list(self._running):
            self._end(recording_id)
        for _, channels in self._done:
            self._delete(channels)
        self._done.clear()

    def close(self) -> None:
        """Delete everything, and where it was."""
        self.reset()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _begin(self, recording: Recording) -> None:
        channels = [Channel(self, recording) for _ in range(recording.channels)]
        ends = [self._tap(self._sources(recording, number), self._take(channel)) for number, channel in enumerate(channels)]
        self._running[recording.recording_id] = Taping(recording, channels, ends)

    def _sources(self, recording: Recording, number: int) -> Sources:
        return lambda: routes.recorded(self._engine(), recording)[number]

    def _take(self, channel: Channel) -> Take:
        return lambda frame: None if self._stands() else channel.take(frame, self._now())

    def _end(self, recording_id: str) -> None:
        taping = self._running.pop(recording_id)
        for end in taping.ends:
            end()
        for channel in taping.channels:
            channel.flush()
        if any(channel.path for channel in taping.channels):
            self._done.append((taping.recording, taping.channels))

    def _tidy(self, engine: Engine) -> None:
        for _ in range(min(LOOKED_AT, len(self._done))):
            recording, channels = self._done.popleft()
            if engine.recordings.get(recording.recording_id) is recording and recording.status != "deleted":
                self._done.append((recording, channels))
            else:
                self._delete(channels)

    def _delete(self, channels: list[Channel]) -> None:
        for channel in channels:
            self._bytes -= channel.written
            if channel.path is not None:
                channel.path.unlink(missing_ok=True)
                channel.path = None

    def write(self, channel: Channel, place: int, samples: Pcm) -> None:
        """Write a piece of a channel at its place; what cannot be written is told once and left out."""
        try:
            if self._bytes > STORED_LIMIT:
                raise OSError(f"{STORED_LIMIT} bytes of sound are stored already")
            if channel.path is None:
                channel.path = self._new()
            with channel.path.open("r+b") as file:
                file.seek(2 * place)
                file.write(samples.astype("<i2").tobytes())
        except OSError as error:
            if not channel.faulty:
                channel.faulty = True
                self._fault(f"recording {channel.recording.recording_id}", str(error))
            return
        channel.written += 2 * len(samples)
        self._bytes += 2 * len(samples)

    def _new(self) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="workbench-recordings-", ignore_cleanup_errors=True)
        self._files += 1
        path = Path(self._folder.name) / f"{self._files}.pcm"
        path.touch()
        return path


class Channel:
    """One channel of a recording; what was taken and is not written yet is `_pieces`, which end at `_place`."""

    def __init__(self, recorder: Recorder, recording: Recording) -> None:
        self.recording, self.written, self.faulty = recording, 0, False
        self.path: Path | None = None
        self._recorder = recorder
        self._narrower = Narrower()
        self._place = 0
        self._pieces: list[Pcm] = []

    def take(self, frame: Frame | None, now: float) -> None:
        """Take the next 20 ms, which sound at `now`."""
        if self.recording.paused_since is not None or self.recording.end_time is not None:
            return self.flush()
        due = round(self.recording.seconds(now) * NARROW_RATE)
        if abs(due - self._place) > OFF_SECONDS * NARROW_RATE:
            self.flush()
            self._place = due
        if frame is None or not frame.any():
            self.flush()
        else:
            self._pieces.append(self._narrower(frame))
        self._place += _FRAME
        if len(self._pieces) * FRAME_SECONDS >= PIECE_SECONDS:
            self._write()
        return None

    def flush(self) -> None:
        """Write what there is; silence follows."""
        if self._pieces:
            self._write()
            self._narrower = Narrower()

    def _write(self) -> None:
        samples, self._pieces = np.concatenate(self._pieces), []
        self._recorder.write(self, self._place - len(samples), samples)


class Taping:
    """A recording that runs: its channels, and what ends their taps."""

    def __init__(self, recording: Recording, channels: list[Channel], ends: list[Callable[[], None]]) -> None:
        self.recording, self.channels, self.ends = recording, channels, ends
