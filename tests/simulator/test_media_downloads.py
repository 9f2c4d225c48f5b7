"""The files of recordings with sound: of exactly the announced length, each channel its own, encoded while they are sent."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator import silence
from workbench.simulator.audio import seconds as length
from workbench.simulator.media import downloads
from workbench.simulator.media.downloads import MP3_RATE, Sounding, sounding
from workbench.simulator.silence import Stored

LABEL = "Sound: r-1"
NEAR, FAR = 600.0, 1000.0


def sine(hz: float, seconds: float) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * 8000)) / 8000)).astype("<i2")


def stored(folder: Path, *channels: np.ndarray | None) -> Stored:
    paths: list[Path | None] = []
    for number, samples in enumerate(channels):
        paths.append(None if samples is None else folder / f"{number}.pcm")
        if samples is not None:
            (folder / f"{number}.pcm").write_bytes(samples.tobytes())
    return Stored(tuple(paths))


async def whole(media: Sounding) -> bytes:
    data = b"".join([chunk async for chunk in media.chunks()])
    assert len(data) == media.length
    return data


def samples_of(data: bytes) -> np.ndarray:
    """Channels by samples, as a player decodes them."""
    with av.open(io.BytesIO(data)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    found = np.concatenate(frames, 1)
    return found if found.dtype == np.int16 else (found * 32767).astype(np.int16)


def begins(samples: np.ndarray, rate: int) -> float:
    return float(np.flatnonzero(np.abs(samples.astype(int)) > 2000)[0] / rate)


async def test_a_wav_file_holds_the_channels_side_by_side(tmp_path: Path) -> None:
    near, far = sine(NEAR, 2.0), np.concatenate([np.zeros(4000, "<i2"), sine(FAR, 1.0)])
    media = sounding(silence.wav(3.5, 2, LABEL), stored(tmp_path, near, far), 3.5, "wav")
    data = await whole(media)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 28_000)
        read = np.frombuffer(file.readframes(28_000), "<i2").reshape(-1, 2)
    assert (read[:16_000, 0] == near).all() and not read[16_000:, 0].any()
    assert (read[:12_000, 1] == far).all() and not read[12_000:, 1].any()
    assert b"Sound: r-1" in data[:200] and media.type == "audio/vnd.wave"


async def test_a_channel_in_which_nothing_sounded_is_silent_and_the_end_is_the_recordings(tmp_path: Path) -> None:
    media = sounding(silence.wav(0.5, 2, LABEL), stored(tmp_path, None, sine(FAR, 2.0)), 0.5, "wav")
    with wave.open(io.BytesIO(await whole(media))) as file:
        read = np.frombuffer(file.readframes(8000), "<i2").reshape(-1, 2)
    assert len(read) == 4000 and not read[:, 0].any() and read[:, 1].any()


@pytest.mark.parametrize("seconds", [0.05, 2.0, 7.33])
@pytest.mark.parametrize("channels", [1, 2])
async def test_an_mp3_file_has_the_announced_length_and_the_sound_in_its_place(tmp_path: Path, seconds: float, channels: int) -> None:
    late = np.concatenate([np.zeros(round(seconds * 4000), "<i2"), sine(NEAR, seconds / 2)])
    parts = (late, None)[:channels] if channels == 1 else (late, sine(FAR, seconds))
    media = sounding(silence.mp3(seconds, channels, LABEL), stored(tmp_path, *parts), seconds, "mp3")
    data = await whole(media)
    assert data[:3] == b"ID3" and media.type == "audio/mpeg"
    assert length(data, "mp3") == pytest.approx(seconds, abs=0.03)
    if seconds < 1:
        return
    read = samples_of(data)
    assert read.shape[0] == channels and read.shape[1] / MP3_RATE == pytest.approx(seconds, abs=0.05)
    assert begins(read[0], MP3_RATE) == pytest.approx(seconds / 2, abs=0.03)
    assert hearing.heard(read[0], [NEAR, FAR], MP3_RATE) == [NEAR]
    assert hearing.levels(read[0][: round(seconds * 0.45 * MP3_RATE)], [NEAR], MP3_RATE)[0] < 0.01
    if channels == 2:
        assert begins(read[1], MP3_RATE) < 0.03
        assert hearing.heard(read[1], [NEAR, FAR], MP3_RATE) == [FAR]


@pytest.mark.parametrize("kind", ["wav", "mp3"])
async def test_a_file_is_read_as_it_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    read: list[int] = []
    known = downloads._channel
    monkeypatch.setattr(downloads, "_channel", lambda file, count: read.append(count) or known(file, count))
    silent = {"wav": silence.wav, "mp3": silence.mp3}[kind](600.0, 1, LABEL)
    media = sounding(silent, stored(tmp_path, sine(NEAR, 2.0)), 600.0, kind)
    assert next(media.blocks) and len(read) <= 2


async def test_a_reader_who_leaves_leaves_nothing_open(tmp_path: Path) -> None:
    media = sounding(silence.mp3(600.0, 1, LABEL), stored(tmp_path, sine(NEAR, 600.0)), 600.0, "mp3")
    chunks = media.chunks()
    assert (await anext(chunks))[:3] == b"ID3" and await anext(chunks)
    await chunks.aclose()
    del media, chunks
    await asyncio.sleep(0)


async def test_what_cannot_be_read_any_more_is_made_up(tmp_path: Path) -> None:
    media = sounding(silence.wav(1.0, 1, LABEL), Stored((tmp_path / "gone.pcm",)), 1.0, "wav")
    data = await whole(media)
    assert not any(data[len(media.head) :])
