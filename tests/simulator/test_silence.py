"""Silent files: valid, labelled, exactly as long as what they stand for, and made piece by piece."""

from __future__ import annotations

import asyncio
import io
import struct
import wave

import pytest
from tinytag import TinyTag

from workbench.simulator import silence
from workbench.simulator.audio import seconds as length
from workbench.simulator.silence import CHUNK, Media

LABEL = "Silence: r-1"


def whole(media: Media) -> bytes:
    """The file as one piece, each of which is small."""

    async def collect() -> list[bytes]:
        return [chunk async for chunk in media.chunks()]

    pieces = asyncio.run(collect())
    assert max(map(len, pieces)) <= CHUNK
    data = b"".join(pieces)
    assert len(data) == media.length
    return data


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.0, 0.001, 5.4, 20.056, 60.0])
def test_a_wav_file_is_exact(seconds: float, channels: int) -> None:
    media = silence.wav(seconds, channels, LABEL)
    data = whole(media)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (channels, 2, 8000)
        assert file.getnframes() == round(seconds * 8000)
        assert set(file.readframes(file.getnframes())) <= {0}
    assert media.type == "audio/vnd.wave"
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert TinyTag.get(filename="x.wav", file_obj=io.BytesIO(data)).comment == LABEL


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.0, 5.4, 20.056, 60.0])
def test_an_mp3_file_is_as_near_as_its_frames(seconds: float, channels: int) -> None:
    media = silence.mp3(seconds, channels, LABEL)
    data = whole(media)
    tag = TinyTag.get(filename="x.mp3", file_obj=io.BytesIO(data))
    assert (tag.samplerate, tag.channels, tag.comment) == (24000, channels, LABEL)
    head = data.index(b"\xff\xf3")
    frames = [data[start : start + 24] for start in range(head, len(data), 24)]
    assert len(set(frames)) == 1 and abs(len(frames) * 0.024 - max(seconds, 0.024)) <= 0.012
    assert media.type == "audio/mpeg"
    # Our own player takes it for as long as it is.
    assert length(data, "mp3") == pytest.approx(len(frames) * 0.024, abs=0.03)


def test_hours_take_no_memory_and_more_than_a_file_can_say_is_still_a_file() -> None:
    hours = silence.wav(3 * 3600, 2, LABEL)
    assert hours.length == len(hours.head) + 3 * 3600 * 8000 * 4 and len(hours.head) < 200
    weeks = silence.wav(7 * 24 * 3600, 2, LABEL)
    assert weeks.length > 2**32 and weeks.head[4:8] == b"\xff" * 4
