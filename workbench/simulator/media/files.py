"""The files of `<PlayAudio>` as sound: decoded in a thread, a little ahead of what is heard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from workbench.simulator.media import tones
from workbench.simulator.media.sound import RATE, Frame
from workbench.simulator.media.workers import Fault, Workers

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

RATES = range(1_000, 400_001)  # samples a second; of fewer a single packet would fill the memory
AHEAD_SECONDS = 3  # what is decoded before it is heard
_WAV = (b"RIFF", b"RIFX", b"RF64")
JUMP_SECONDS = 20  # further ahead a file is sought in instead of decoded through


class Files:
    """What plays files; `fault` is told of those that cannot be decoded."""

    def __init__(self, fault: Fault) -> None:
        self._workers = Workers("files", fault)

    def play(self, data: bytes) -> Playback:
        """A file that is being decoded."""
        return Playback(data, self._workers)

    def close(self) -> None:
        """Decode no more."""
        self._workers.close()


class Playback:
    """One file, decoded as it is heard. Where it is not decoded yet, is broken or is over, there is silence."""

    def __init__(self, data: bytes, workers: Workers) -> None:
        self._data, self._workers = data, workers
        self._pieces: list[tuple[int, Frame]] = []  # each with its first sample, without gaps
        self._decoding: Iterator[tuple[int, Frame]] | None = None
        self._busy = self._over = False
        self._ahead(0)

    def __call__(self, start: int) -> Frame | None:
        """20 ms from the sample `start` on."""
        self._ahead(start)
        found = None
        for begin, piece in self._pieces:
            found = tones.both(found, tones.cut(piece, start - begin))
        return found

    def _ahead(self, start: int) -> None:
        if not (self._busy or self._over) and self._until() < start + AHEAD_SECONDS * RATE:
            self._busy = True
            self._workers.start(partial(self._decode, start), "file")

    def _until(self) -> int:
        return self._pieces[-1][0] + len(self._pieces[-1][1]) if self._pieces else 0

    def _decode(self, start: int) -> None:
        """Decode on; what was heard is let go of. A file that breaks off has been played as far as it goes."""
        try:
            kept = [(begin, piece) for begin, piece in self._pieces if begin + len(piece) > start]
            if self._decoding is None or start - self._until() > JUMP_SECONDS * RATE:
                self._decoding, kept = decoded(self._data, start), []
            for begin, piece in self._decoding:
                if begin + len(piece) > start:
                    kept.append((begin, piece))
                if begin + len(piece) >= start + 2 * AHEAD_SECONDS * RATE:
                    break
            else:
                self._over = True
            self._pieces = kept
        except Exception:
            self._over = True
            raise
        finally:
            self._busy = False


def decoded(data: bytes, start: int = 0) -> Iterator[tuple[int, Frame]]:
    """A file from about the sample `start` on, in pieces of mono at 48 kHz, each with its first sample. Raises av errors, ValueError."""
    import av

    # Never what av finds it to be: among its formats are lists of other files and of addresses.
    with av.open(BytesIO(data), "r", format="wav" if data[:4] in _WAV else "mp3") as container:
        stream = container.streams.audio[0]
        if stream.rate not in RATES:
            raise ValueError(f"{stream.rate} samples a second")
        place = _seek(container, stream, start) if start > JUMP_SECONDS * RATE else 0
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        gathered: list[Frame] = []
        first = place
        for frame in container.decode(stream):
            if start and place == first and not gathered and frame.time is not None:
                first = place = round(frame.time * RATE)
            gathered += [_mono(made) for made in resampler.resample(frame)]
            if sum(map(len, gathered)) >= RATE:
                piece = np.concatenate(gathered)
                yield place, piece
                place, gathered = place + len(piece), []
        gathered += [_mono(made) for made in resampler.resample(None)]
        if gathered:
            yield place, np.concatenate(gathered)


def _mono(frame: AudioFrame) -> Frame:
    return frame.to_ndarray().ravel().astype(np.int16, copy=False)


def _seek(container: InputContainer, stream: AudioStream, start: int) -> int:
    import av

    container.seek(round(start / RATE * av.time_base))
    return start
