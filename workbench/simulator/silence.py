"""A recording's file: of its length, with what sounded, or silent, and it says which. It is made while it is downloaded."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.simulator.calls import Recording

CHUNK = 65_536  # bytes
RATE = 8_000  # samples a second of a WAV file, 16 bits each
RIFF_LIMIT = 0xFFFFFFFF  # what a size in a WAV file can say; longer ones say this, as files written without knowing their end do
# MPEG-2 Layer III, 24 kHz, 8 kbit/s: every frame has 24 bytes and lasts 24 ms. A frame without Huffman data is silence.
FRAME_BYTES, FRAME_SECONDS = 24, 0.024
_FRAME_HEAD = {1: b"\xff\xf3\x14\xc0", 2: b"\xff\xf3\x14\x00"}

TYPES = {"wav": "audio/vnd.wave", "mp3": "audio/mpeg"}


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the sound of a recording is: for each channel a file of bare samples, 16 bits, little endian; None where nothing sounded."""

    paths: tuple[Path | None, ...]


class Download(Protocol):
    """A file to be downloaded."""

    @property
    def type(self) -> str:
        """Its media type."""

    @property
    def length(self) -> int:
        """Its bytes."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The file, piece by piece."""


@dataclass(frozen=True, slots=True)
class Media:
    """A silent file to be downloaded: `head`, then `unit` over and over until there are `length` bytes."""

    type: str
    head: bytes
    unit: bytes
    length: int

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file, piece by piece; others come to their turn in between."""
        yield self.head
        left = self.length - len(self.head)
        piece = self.unit * (CHUNK // len(self.unit))
        while left > 0:
            yield piece if left >= len(piece) else piece[:left]
            left -= len(piece)
            await asyncio.sleep(0)


def media(recording: Recording, stored: Stored | None = None) -> Download:
    """The file of a recording that has ended."""
    assert recording.end_time is not None
    seconds, channels = recording.seconds(recording.end_time), recording.channels
    make = mp3 if recording.file_format == "mp3" else wav
    if stored is None:
        return make(
            seconds, channels, f"Silence: nothing sounded while the local platform recorded. {recording.recording_id}, {seconds:g} s"
        )
    from workbench.simulator.media.downloads import sounding

    silent = make(seconds, channels, f"Sound: recorded by the local platform. {recording.recording_id}, {seconds:g} s")
    return sounding(silent, stored, seconds, recording.file_format)


def wav(seconds: float, channels: int, label: str) -> Media:
    """Silence as 16-bit PCM of 8 kHz, the label in a LIST/INFO chunk."""
    step = 2 * channels
    size = round(seconds * RATE) * step
    text = label.encode("ascii") + b"\0"
    text += b"\0" * (len(text) % 2)
    info = b"INFOICMT" + struct.pack("<I", len(text)) + text
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, RATE, RATE * step, step, 16)
    parts = shape + struct.pack("<4sI", b"LIST", len(info)) + info + struct.pack("<4sI", b"data", min(size, RIFF_LIMIT))
    head = struct.pack("<4sI4s", b"RIFF", min(4 + len(parts) + size, RIFF_LIMIT), b"WAVE") + parts
    return Media(TYPES["wav"], head, bytes(step), len(head) + size)


def mp3(seconds: float, channels: int, label: str) -> Media:
    """Silence in frames of 24 ms, as near to the length as they come, the label in an ID3 comment."""
    text = b"\0eng\0" + label.encode("latin-1")
    comment = struct.pack(">4sIH", b"COMM", len(text), 0) + text
    size = bytes(len(comment) >> shift & 0x7F for shift in (21, 14, 7, 0))
    head = b"ID3\x03\x00\x00" + size + comment
    frame = _FRAME_HEAD[channels].ljust(FRAME_BYTES, b"\0")
    return Media(TYPES["mp3"], head, frame, len(head) + FRAME_BYTES * max(1, round(seconds / FRAME_SECONDS)))
