"""The files of `<PlayAudio>` as sound: any rate, any channels, any length; broken ones are silent and told."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator.media.files import Files, Playback
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame

from .shell import until


def sine(hz: float, seconds: float, rate: int) -> Frame:
    return (6000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def wav(samples: Frame, rate: int, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(samples.tobytes() if width == 2 else ((samples >> 8) + 128).astype(np.uint8).tobytes())
    return file.getvalue()


def mp3(samples: Frame, rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = rate
        for made in (frame, None):
            container.mux(stream.encode(made))
    return file.getvalue()


@pytest.fixture
async def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def player(told: list[tuple[str, str]]) -> AsyncIterator[Files]:
    made = Files(lambda about, why: told.append((about, why)))
    yield made
    made.close()


async def heard(playback: Playback, seconds: float, begin: float = 0.0) -> Frame:
    """What is heard of a file that has always been decoded in time."""
    frames = []
    for start in range(round(begin * RATE), round((begin + seconds) * RATE), FRAME_SAMPLES):
        playback(start)
        await until(lambda: not playback._busy)
        frame = playback(start)
        frames.append(np.zeros(FRAME_SAMPLES, np.int16) if frame is None else frame)
    return np.concatenate(frames)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
async def test_wav_files(player: Files, rate: int) -> None:
    for width in (1, 2):
        sound = await heard(player.play(wav(sine(700.0, 1.5, rate), rate, width=width)), 2.0)
        assert hearing.levels(sound[: round(1.4 * RATE)], [700.0])[0] == pytest.approx(6000 / 32768, rel=0.05)
        assert not sound[round(1.52 * RATE) :].any()


async def test_both_channels_are_heard(player: Files) -> None:
    both = np.stack([sine(700.0, 1.0, 44100), sine(1100.0, 1.0, 44100)], 1).ravel()
    sound = await heard(player.play(wav(both, 44100, channels=2)), 1.0)
    assert hearing.heard(sound, [700.0, 900.0, 1100.0]) == [700.0, 1100.0]


@pytest.mark.parametrize("rate", [16000, 44100])
async def test_mp3_files(player: Files, rate: int) -> None:
    sound = await heard(player.play(mp3(sine(700.0, 1.5, rate), rate)), 2.0)
    assert hearing.heard(sound[: round(1.4 * RATE)], [500.0, 700.0, 1000.0]) == [700.0]
    assert hearing.levels(sound[round(1.7 * RATE) :], [700.0])[0] < 0.001


async def test_an_hour_is_decoded_as_it_is_heard(player: Files) -> None:
    rate = 8000
    hour = np.concatenate([sine(600.0, 1800.0, rate), sine(900.0, 1800.0, rate)])
    for data in (wav(hour, rate), mp3(hour[1200 * rate : 2400 * rate], rate)):
        playback = player.play(data)
        assert hearing.heard(await heard(playback, 0.4), [600.0, 900.0]) == [600.0]
        assert sum(piece.nbytes for _, piece in playback._pieces) < 2_000_000
        # The clock was moved; then it goes on.
        assert hearing.heard(await heard(playback, 0.4, 1100.0), [600.0, 900.0]) == ([900.0] if len(data) < 10e6 else [600.0])
        assert hearing.heard(await heard(playback, 8.0, 1190.0), [600.0, 900.0]) == ([900.0] if len(data) < 10e6 else [600.0])
        assert sum(piece.nbytes for _, piece in playback._pieces) < 2_000_000


async def test_what_is_not_decoded_yet_is_silent(player: Files) -> None:
    busy = Event()
    player._workers.start(lambda: busy.wait(10) and None, "another file")
    playback = player.play(wav(sine(700.0, 1.0, 8000), 8000))
    assert playback(0) is None
    busy.set()
    await until(lambda: playback(FRAME_SAMPLES) is not None)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no audio at all" * 100, wav(sine(700.0, 0.1, 8000), 8000)[:30]])
async def test_a_broken_file_is_silent_and_told(player: Files, told: list[tuple[str, str]], data: bytes) -> None:
    playback = player.play(data)
    await until(lambda: bool(told))
    assert playback(0) is None and playback._over and told[0][0] == "file"
    await asyncio.sleep(0)
    assert len(told) == 1


async def test_a_file_that_breaks_off_is_played_as_far_as_it_goes(player: Files) -> None:
    data = wav(sine(700.0, 2.0, 8000), 8000)
    sound = await heard(player.play(data[: len(data) // 2]), 1.5)
    assert hearing.heard(sound[: round(0.9 * RATE)], [700.0]) == [700.0] and not sound[round(1.1 * RATE) :].any()


@pytest.mark.parametrize("rate", [1, 999, 4_000_000])
async def test_strange_rates_are_not_played(player: Files, told: list[tuple[str, str]], rate: int) -> None:
    player.play(wav(sine(700.0, 0.1, 8000), rate))
    await until(lambda: bool(told))
    assert told == [("file", f"ValueError: {rate} samples a second")]


async def test_a_file_names_no_other_files(player: Files, told: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(sine(700.0, 1.0, 8000), 8000))
    for listing in (f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n", f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.wav\n"):
        told.clear()
        playback = player.play(listing.encode())
        await until(lambda: bool(told))
        assert playback(0) is None and playback._pieces == []
