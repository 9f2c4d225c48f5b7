"""A platform with sound, its clock running: what is played is in the recording's file and on the media stream, in its place."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator import sounding
from workbench.simulator.clock import Clock
from workbench.simulator.media import tones
from workbench.simulator.media.scripts import Tone
from workbench.simulator.media.telephone import from_pcmu, to_pcmu
from workbench.simulator.webhooks import Answer, Outgoing

from .shell import PHONE, PHONE_2, VOICE, Platform, document, until
from .test_shell_streams import Server, serving, stream

NEAR, FAR = 600.0, 1000.0
# The voice has time to be loaded before it is over.
LONG = "We are still looking for somebody who can help you. " * 8
PARK = '<Pause duration="3600"/>'


def tone_file(hz: float, seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(48000)
        writer.writeframes(tones.tone(hz, 0, round(48000 * seconds)).tobytes())
    return file.getvalue()


@pytest.fixture
async def live() -> AsyncIterator[Platform]:
    """A platform whose clock runs, with phones that answer at once and a file to play."""
    platform = Platform(clock=Clock())

    async def deliver(request: Outgoing) -> Answer:
        if request.url.endswith(".wav"):
            return Answer(200, (("Content-Type", "audio/wav"),), tone_file(FAR, 1.0))
        return await platform.application(request)

    platform.world._deliver = deliver
    for number in (PHONE, PHONE_2):
        await platform.http.put(f"/_local/phones/{number}", json={"ring_seconds": 0})
    yield platform
    faults = [entry.data for entry in platform.world.stream.after(0) if entry.kind == "mediaFault"]
    await platform.close()
    assert faults == []


def samples_of(data: bytes) -> tuple[np.ndarray, int]:
    """Channels by samples, and their rate, as a player decodes a file."""
    with av.open(io.BytesIO(data)) as container:
        rate = container.streams.audio[0].rate
        frames = list(container.decode(audio=0))
    found = np.concatenate([frame.to_ndarray() for frame in frames], 1)
    if not frames[0].format.is_planar:
        found = found.reshape(-1, len(frames[0].layout.channels)).T
    return (found if found.dtype == np.int16 else (found * 32767).astype(np.int16)), rate


async def recorded(live: Platform, to: str, file_format: str) -> tuple[bytes, float]:
    """The file of a recorded call that waits for a second and plays a tone for another, and when in the recording that began."""
    call = await live.call(to, answerUrl=f"http://app.test/answer-{file_format}")
    listed = f"{VOICE}/calls/{call}/recordings"
    async with asyncio.timeout(20):
        while not (found := (await live.http.get(listed)).json()) or found[0]["status"] != "complete":
            await asyncio.sleep(0.05)
    answer = await live.http.get(f"{listed}/{found[0]['recordingId']}/media")
    assert answer.headers["Content-Length"] == str(len(answer.content)) and answer.headers["X-Workbench-Rule"] == "media.file"
    head = await live.http.head(f"{listed}/{found[0]['recordingId']}/media")
    assert head.headers["Content-Length"] == str(len(answer.content))
    assert b"Sound: recorded by the local platform" in answer.content[:300]
    assert (await live.http.delete(f"{listed}/{found[0]['recordingId']}")).status_code == 204
    times = {entry.kind: entry.time for entry in live.world.stream.after(0) if entry.data.get("callId") == call}
    return answer.content, times["play"] - times["recordingStarted"]


async def test_a_file_that_is_played_is_in_the_recordings_right_channel_at_the_right_second(live: Platform) -> None:
    async def answer(request: Outgoing) -> str:
        kind = "mp3" if PHONE_2 in str(request.body) else "wav"
        start = f'<StartRecording multiChannel="true" fileFormat="{kind}"/>'
        return document(start, '<Pause duration="1"/>', "<PlayAudio>/tone.wav</PlayAudio>", '<Pause duration="1"/>')

    live.application.replies["answer"] = answer
    # What this phone says all the time.
    live.world.plane.set_voice(PHONE_2, Tone(NEAR))
    files = await asyncio.gather(recorded(live, PHONE, "wav"), recorded(live, PHONE_2, "mp3"))
    for (data, began), near in zip(files, (False, True), strict=True):
        assert 1.0 <= began < 3.0
        channels, rate = samples_of(data)
        assert channels.shape[0] == 2 and channels.shape[1] / rate == pytest.approx(began + 2.0, abs=0.5)
        assert hearing.heard(channels[0], [NEAR, FAR], rate) == ([NEAR] if near else [])
        assert hearing.heard(channels[1], [NEAR, FAR], rate) == [FAR]
        loud = np.flatnonzero(np.abs(channels[1].astype(int)) > 1000) / rate
        # On a busy machine the file is fetched and decoded a little late; what is late begins in its midst.
        assert began - 0.1 <= loud[0] <= began + 0.6 and loud[-1] == pytest.approx(began + 1.0, abs=0.12)
    recorder = live.world.sound.takers.recorder if live.world.sound.takers else None
    assert recorder is not None and recorder._folder is not None
    await until(lambda: not list(Path(recorder._folder.name).iterdir()))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def test_streams_carry_what_a_phone_and_an_application_let_be_heard(live: Platform, server: Server) -> None:
    played = to_pcmu(tones.tone(FAR, 0, 48000 * 5)[::6].copy())
    message = {"eventType": "playAudio", "media": {"contentType": "audio/pcmu", "payload": b64encode(played).decode()}}

    async def act(socket) -> None:
        await socket.send_str(json.dumps(message))

    server.act = act
    live.application.replies["answer"] = document(stream(server.url, 'tracks="both" mode="bidirectional"'), PARK)
    live.world.plane.set_voice(PHONE, Tone(NEAR))
    call = await live.call()

    def sound(track: str) -> np.ndarray:
        return from_pcmu(b"".join(b64decode(one["payload"]) for one in server.of("media") if one["track"] == track)[-4800:])

    # Of both tracks the last 0.6 s.
    await until(lambda: len(server.of("media")) >= 100, 20)
    assert hearing.heard(sound("inbound"), [NEAR, FAR], 8000) == [NEAR]
    assert hearing.heard(sound("outbound"), [NEAR, FAR], 8000) == [FAR]
    assert live.world.plane._taps
    await live.http.post(f"{VOICE}/calls/{call}", json={"state": "completed"})
    await until(lambda: not live.world.plane._taps)


async def test_a_reset_takes_all_sound_along(live: Platform, server: Server) -> None:
    sentence = f"<SpeakSentence>{LONG}</SpeakSentence>"
    live.application.replies["answer"] = document("<StartRecording/>", stream(server.url), sentence, PARK)
    await live.call()
    await until(lambda: live.world.sound.takers is not None and len(live.world.plane._taps) == 2)
    assert live.world.sound.takers is not None
    recorder = live.world.sound.takers.recorder
    # The sentence is written once a second of it is there, or it ends.
    await until(lambda: any(channel.path for taping in recorder._running.values() for channel in taping.channels), 20)
    assert (await live.http.post("/_local/reset")).status_code == 204
    await asyncio.sleep(0)
    assert live.world.plane._taps == [] and recorder._running == {} and recorder._bytes == 0
    assert recorder._folder is not None and not list(Path(recorder._folder.name).iterdir())
    await live.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0})
    await live.call()
    await until(lambda: len(live.world.plane._taps) == 2)


async def test_a_platform_without_sound_loads_none(platform: Platform) -> None:
    platform.application.replies["answer"] = document(
        "<StartRecording/>", "<SpeakSentence>Hello there.</SpeakSentence>", "<PlayAudio>/x</PlayAudio>"
    )
    await platform.call()
    await platform.idle()
    assert platform.world.sound.takers is None and platform.world.sound.made is None


async def test_files_are_kept_while_they_may_be_heard(live: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    live.application.replies["answer"] = document("<PlayAudio>/tone.wav</PlayAudio>")
    await live.call()
    await until(lambda: bool(live.world.sound.files))
    await until(lambda: not live.world.sound.files)
    monkeypatch.setattr(sounding, "FILES_LIMIT", 20)
    for number in range(5):
        live.world.sound.keep(number, bytes(9))
    assert list(live.world.sound.files) == [3, 4]
    live.world.sound.files.clear()
