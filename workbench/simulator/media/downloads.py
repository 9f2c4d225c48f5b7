"""A recording's sound as the file that is downloaded: read, put together and encoded piece by piece in a thread while it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.simulator import silence
from workbench.simulator.media.telephone import NARROW_RATE, Pcm

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

BLOCK_SECONDS = 2
# MPEG-2 Layer III at 24 kHz: a frame lasts 24 ms and has the same number of bytes as every other.
MP3_RATE, MP3_SAMPLES, MP3_BITS = 24_000, 576, 32_000
MP3_LATE = 2  # frames that the encoder gives before the sound begins: its delay and the decoder's are 46 ms


@dataclass(frozen=True, slots=True)
class Sounding:
    """A file with sound to be downloaded: `head`, then what `blocks` gives, `length` bytes in all."""

    type: str
    head: bytes
    length: int
    blocks: Iterator[bytes]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file, piece by piece. Where a file breaks off the rest is made up, as the length was announced."""
        yield self.head
        left = self.length - len(self.head)
        while left > 0:
            block = await asyncio.to_thread(next, self.blocks, b"")
            block = block[:left] or bytes(min(left, silence.CHUNK))
            yield block
            left -= len(block)


def sounding(silent: silence.Media, stored: silence.Stored, seconds: float, file_format: str) -> Sounding:
    """The file of a recording's sound, after the head of a silent one of the same length."""
    samples, channels = round(seconds * NARROW_RATE), len(stored.paths)
    if file_format != "mp3":
        blocks = (block.astype("<i2").tobytes() for block in _read(stored, samples))
        return Sounding(silent.type, silent.head, silent.length, blocks)
    frames = (silent.length - len(silent.head)) // len(silent.unit)
    size = MP3_BITS * channels // 8 * MP3_SAMPLES // MP3_RATE
    return Sounding(silent.type, silent.head, len(silent.head) + frames * size, _mp3(stored, samples, frames))


def _read(stored: silence.Stored, samples: int) -> Iterator[Pcm]:
    """The channels side by side, block by block; what was not written is silence."""
    with ExitStack() as stack:
        files = [_open(path, stack) for path in stored.paths]
        step = BLOCK_SECONDS * NARROW_RATE
        for start in range(0, samples, step):
            count = min(step, samples - start)
            yield np.stack([_channel(file, count) for file in files], 1)


def _open(path: Path | None, stack: ExitStack) -> BufferedReader | None:
    with suppress(OSError):  # deleted meanwhile: it is silent
        return stack.enter_context(path.open("rb")) if path is not None else None
    return None


def _channel(file: BufferedReader | None, count: int) -> Pcm:
    found = np.frombuffer(file.read(2 * count) if file is not None else b"", "<i2")
    return np.concatenate([found, np.zeros(count - len(found), np.int16)]).astype(np.int16, copy=False)


def _mp3(stored: silence.Stored, samples: int, frames: int) -> Iterator[bytes]:
    """So many frames that stand each for itself, so that every one has the same size."""
    import av

    layout = "stereo" if len(stored.paths) == 2 else "mono"
    encoder: AudioCodecContext = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.layout, encoder.format = MP3_RATE, layout, "s16p"
    encoder.bit_rate, encoder.time_base = MP3_BITS * len(stored.paths), Fraction(1, MP3_RATE)
    encoder.options = {"reservoir": "0", "joint_stereo": "0"}
    resampler = av.AudioResampler(format="s16p", layout=layout, rate=MP3_RATE, frame_size=MP3_SAMPLES)
    given = 0

    def packets() -> Iterator[bytes]:
        # A second more than there is: the encoder gives the last frames late.
        for block in chain(_read(stored, samples), [np.zeros((NARROW_RATE, len(stored.paths)), np.int16)]):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.reshape(1, -1)), "s16", layout)
            frame.sample_rate = NARROW_RATE
            made = b""
            for piece in resampler.resample(frame):
                made += b"".join(bytes(packet) for packet in encoder.encode(piece))
            yield made

    size = MP3_BITS * len(stored.paths) // 8 * MP3_SAMPLES // MP3_RATE
    skip = MP3_LATE * size
    for block in packets():
        block, skip = block[skip:], max(0, skip - len(block))
        given += len(block)
        if block:
            yield block
        if given >= frames * size:
            return
