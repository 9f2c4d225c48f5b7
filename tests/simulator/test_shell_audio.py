"""Audio files: how long they play, and what cannot be played."""

from __future__ import annotations

import io
import wave

import pytest

from workbench.simulator import audio
from workbench.simulator.audio import AudioError, fetched, kind
from workbench.simulator.effects import FetchAudio
from workbench.simulator.webhooks import Answer, Outgoing

from .shell import BASE, START, Platform, document

# One MPEG 1 layer III frame of 128 kbit/s at 44.1 kHz without content: 1152 samples in 417 bytes.
FRAME = b"\xff\xfb\x90\x00" + bytes(413)


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(int(seconds * 16000)))
    return file.getvalue()


async def measure(url: str, answer: Answer | Exception) -> float:
    async def deliver(request: Outgoing) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return (await fetched(FetchAudio(1, url), deliver))[1]


def typed(content_type: str, body: bytes) -> Answer:
    return Answer(200, (("Content-Type", content_type),), body)


async def test_length_of_wav_and_mp3() -> None:
    assert await measure("http://x/a.wav", Answer(200, (), wav(1.5))) == pytest.approx(1.5)
    assert await measure("http://x/a", typed("application/octet-stream", wav(0.25))) == pytest.approx(0.25)
    assert await measure("http://x/a.bin", typed("audio/x-wav; charset=x", wav(2))) == pytest.approx(2)
    assert await measure("http://x/a.mp3?x=1", Answer(200, (), FRAME * 100)) == pytest.approx(100 * 1152 / 44100, rel=0.05)


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("http://x/a.wav", Answer(404)),
        ("http://x/a.wav", Answer(302)),
        ("http://x/a.wav", Answer(200)),
        ("http://x/a.wav", Answer(200, (), b"OggS" + bytes(100))),
        ("http://x/a.wav", Answer(200, (), b"RIFF")),
        ("http://x/a.wav", Answer(200, (), wav(0))),
        ("http://x/a.mp3", Answer(200, (), b"no audio")),
        ("http://x/a.ogg", Answer(200, (), wav(1))),
        ("http://x/a.wav", typed("audio/ogg", wav(1))),
        ("http://x/a.wav", OSError("refused")),
    ],
)
async def test_what_cannot_be_played(url: str, answer: Answer | Exception) -> None:
    with pytest.raises(AudioError):
        await measure(url, answer)


async def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "FILE_LIMIT", 10)
    with pytest.raises(AudioError, match="larger than 10 bytes"):
        await measure("http://x/a.wav", Answer(200, (), bytes(11)))


def test_type_by_content_type_then_extension_then_wav() -> None:
    assert kind("http://x/a.mp3", typed("audio/wav", b"")) == "wav"
    assert kind("http://x/a.mp3", typed("text/plain", b"")) == "mp3"
    assert kind("http://x/a", Answer(200)) == "wav"


async def test_a_call_hears_the_whole_file(platform: Platform) -> None:
    async def fetch(request: Outgoing) -> Answer:
        if request.url.endswith(".wav"):
            return Answer(200, (("Content-Type", "audio/wav"),), wav(4))
        return await platform.application(request)

    platform.world._deliver = fetch
    platform.application.replies["answer"] = document("<PlayAudio>/hello.wav</PlayAudio>")
    call = platform.world.engine.call(await platform.call(answerUrl=f"{BASE}/deep/answer"))
    await platform.idle()
    assert (call.cause, call.end_time) == ("hangup", START + 5)


async def test_a_call_ends_where_the_file_cannot_be_played(platform: Platform) -> None:
    platform.application.replies["answer"] = document(f"<PlayAudio>{BASE}/hello.ogg</PlayAudio>")
    call = platform.world.engine.call(await platform.call())
    await platform.idle()
    assert call.cause == "application-error"


async def test_a_file_is_kept_while_it_is_heard(platform: Platform) -> None:
    async def fetch(request: Outgoing) -> Answer:
        return typed("audio/wav", wav(4)) if request.url.endswith(".wav") else await platform.application(request)

    platform.world._deliver = fetch
    platform.application.replies["answer"] = document("<PlayAudio>/hello.wav</PlayAudio><PlayAudio>/hello.wav</PlayAudio>")
    call = await platform.call()
    await platform.clock_to(advance=6)
    sound = platform.world.engine.sounds[call]
    assert sound.fetch_id is not None
    assert platform.world.sound.files == {sound.fetch_id: wav(4)}
    await platform.idle()
    assert not platform.world.sound.files


def test_what_is_kept_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.sounding.FILES_LIMIT", 10)
    world = Platform().world
    for number in range(3):
        world.sound.keep(number, b"12345")
    assert list(world.sound.files) == [1, 2]
