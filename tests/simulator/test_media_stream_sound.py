"""The sound of media streams, the clock in the test's hand: what a call's tracks carry, and what an application plays."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from typing import Never

import numpy as np
import pytest

from tests.simulator import hearing
from workbench import bxml
from workbench.simulator.media import stream_sound, tones
from workbench.simulator.media.plan import Take
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, RATE, Voice
from workbench.simulator.media.stream_sound import StreamSound
from workbench.simulator.media.telephone import from_pcmu, to_pcmu
from workbench.simulator.media_streams import SILENCE

from .rig import PHONE, Rig

SERVER = "wss://app.test/media"


class Desk:
    """An engine with a stream, and its sound."""

    def __init__(self, tracks: str = "both", mode: str = "bidirectional") -> None:
        verbs = [bxml.StartStream(SERVER, "s", tracks=tracks, mode=mode), bxml.Pause(3600)]
        self.rig = Rig(answer=verbs)
        self.stands = False
        self.taps: dict[tuple[str, str], list[Take]] = {}
        self.voices: dict[str, Voice] = {}
        self.faults: list[tuple[str, str]] = []
        self.sound = StreamSound(
            lambda: self.rig.engine,
            lambda: self.rig.now,
            lambda: self.stands,
            self.tap,
            self.set_voice,
            lambda *fault: self.faults.append(fault),
        )
        self.call = self.rig.call(PHONE, "A")
        self.rig.advance(1.0)
        self.sound.changed()
        ((self.number, self.stream),) = self.rig.engine.connections.items()

    def tap(self, what: tuple[str, str], take: Take) -> Callable[[], None]:
        self.taps.setdefault(what, []).append(take)
        return lambda: self.taps[what].remove(take)

    def set_voice(self, source: str, voice: Voice | None) -> None:
        self.voices.pop(source, None) if voice is None else self.voices.update({source: voice})

    def says(self, message: object) -> None:
        """The application sends something."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.rig.engine.stream_message(self.rig.now, self.number, text)
        self.sound.message(self.number, text)

    def heard(self, seconds: float) -> np.ndarray:
        """What is heard of the application."""
        frames = []
        for _ in range(round(seconds / FRAME_SECONDS)):
            voice = self.voices.get(self.stream.stream_id)
            frame = None if voice is None else voice.frame()
            frames.append(np.zeros(FRAME_SAMPLES, np.int16) if frame is None else frame)
            self.rig.advance(FRAME_SECONDS)
        return np.concatenate(frames)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    assert made.faults == []


def play(kind: str, payload: bytes) -> dict[str, object]:
    return {"eventType": "playAudio", "media": {"contentType": kind, "payload": b64encode(payload).decode()}}


def sine(hz: float, seconds: float, rate: int) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("<i2")


def test_a_track_arrives_as_pcmu(desk: Desk) -> None:
    (take,) = desk.taps[desk.call, "inbound"]
    sent = []
    for number in range(50):
        take(tones.tone(600.0, number * FRAME_SAMPLES))
        sent.append(desk.sound.frame(desk.number, "inbound"))
        assert desk.sound.frame(desk.number, "outbound") is SILENCE
    assert {len(frame) for frame in sent} == {160} and sent[0] is SILENCE and SILENCE not in sent[1:]
    assert hearing.heard(from_pcmu(b"".join(sent)), [600.0, 900.0], 8000) == [600.0]


def test_frames_wait_a_little_and_no_longer(desk: Desk) -> None:
    (take,) = desk.taps[desk.call, "inbound"]
    for number in range(100):
        take(tones.tone(600.0, number * FRAME_SAMPLES))
    taken = [desk.sound.frame(desk.number, "inbound") for _ in range(10)]
    assert [frame is SILENCE for frame in taken] == [False] * stream_sound.MOST + [True] * (10 - stream_sound.MOST)
    take(None)
    take(None)
    assert desk.sound.frame(desk.number, "inbound") is SILENCE


def test_taps_end_with_the_stream(desk: Desk) -> None:
    assert {track: len(takes) for (_, track), takes in desk.taps.items()} == {"inbound": 1, "outbound": 1}
    desk.sound.changed()
    assert [len(takes) for takes in desk.taps.values()] == [1, 1]
    desk.says(play("audio/pcmu", bytes(800)))
    assert desk.voices
    desk.rig.engine.update_call(desk.rig.now, desk.call, {"state": "completed"})
    desk.sound.changed()
    assert [takes for takes in desk.taps.values() if takes] == [] and desk.voices == {}
    assert desk.sound.frame(desk.number, "inbound") is SILENCE
    desk.sound.message(desk.number, json.dumps(play("audio/pcmu", bytes(800))))
    assert desk.voices == {}


@pytest.mark.parametrize(
    ("kind", "rate"),
    [("audio/pcmu", 8000), ("audio/pcm", 8000), ("audio/pcm;rate=16000", 16000), ("audio/pcm;rate=24000;endian=little", 24000)],
)
def test_what_an_application_plays_is_heard(desk: Desk, kind: str, rate: int) -> None:
    for hz in (600.0, 900.0):
        # In messages of 37 ms, which no frame divides.
        sound, step = sine(hz, 0.5, rate), round(0.037 * rate)
        for start in range(0, len(sound), step):
            piece = sound[start : start + step]
            desk.says(play(kind, to_pcmu(piece.astype(np.int16)) if kind == "audio/pcmu" else piece.tobytes()))
    heard = desk.heard(1.5)
    assert hearing.heard(heard[: RATE // 2 - 1000], [600.0, 900.0]) == [600.0]
    assert hearing.heard(heard[RATE // 2 + 1000 : RATE - 1000], [600.0, 900.0]) == [900.0]
    assert hearing.levels(heard[: RATE // 2], [600.0])[0] == pytest.approx(8000 / 32768, rel=0.1)
    assert not heard[RATE + 2000 :].any()


def test_clear_is_silence_at_once_and_what_follows_is_heard(desk: Desk) -> None:
    desk.says(play("audio/pcm", sine(600.0, 5.0, 8000).tobytes()))
    assert desk.heard(0.5).any()
    desk.says({"eventType": "clear"})
    assert not desk.heard(0.5).any()
    desk.says(play("audio/pcm", sine(900.0, 1.0, 8000).tobytes()))
    assert hearing.heard(desk.heard(0.5), [600.0, 900.0]) == [900.0]


def test_cleared_and_played_anew_in_one_breath(desk: Desk) -> None:
    desk.says(play("audio/pcm", sine(600.0, 5.0, 8000).tobytes()))
    assert desk.heard(0.2).any()
    desk.says({"eventType": "clear"})
    desk.says(play("audio/pcm", sine(900.0, 1.0, 8000).tobytes()))
    assert hearing.heard(desk.heard(0.6), [600.0, 900.0]) == [900.0]


def test_where_the_clock_stands_nothing_is_played_and_where_it_is_moved_it_skips(desk: Desk) -> None:
    desk.says(play("audio/pcm", np.concatenate([sine(600.0, 2.0, 8000), sine(900.0, 2.0, 8000)]).tobytes()))
    voice = desk.voices[desk.stream.stream_id]
    desk.stands = True
    assert voice.frame() is None
    desk.stands = False
    assert hearing.heard(desk.heard(0.5), [600.0, 900.0]) == [600.0]
    desk.rig.advance(2.0)
    assert hearing.heard(desk.heard(0.5)[2000:], [600.0, 900.0]) == [900.0]


def test_what_waits_is_bounded_and_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_sound, "WAITING_LIMIT", 20_000)
    for _ in range(5):
        desk.says(play("audio/pcm", sine(600.0, 0.5, 8000).tobytes()))
    ((who, why),) = desk.faults
    assert who == f"stream {desk.stream.stream_id}" and why.startswith("more than 20000 bytes wait")
    assert hearing.heard(desk.heard(0.5), [600.0]) == [600.0]
    desk.faults.clear()


def test_what_nobody_heard_in_its_time_takes_no_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_sound, "WAITING_LIMIT", 20_000)
    for _ in range(5):
        desk.says(play("audio/pcm", sine(600.0, 0.5, 8000).tobytes()))
        desk.rig.advance(0.5)
    desk.says(play("audio/pcm", sine(900.0, 0.5, 8000).tobytes()))
    assert hearing.heard(desk.heard(0.5), [600.0, 900.0]) == [900.0]


def test_how_much_waits_is_counted_and_not_summed_at_each_frame(desk: Desk) -> None:
    class Looked(deque[object]):
        def __iter__(self) -> Never:
            raise AssertionError("every message is looked at")

    desk.says(play("audio/pcm", sine(600.0, 0.25, 8000).tobytes()))
    desk.says(play("audio/pcm;rate=24000", sine(600.0, 0.25, 24000).tobytes()))
    (voice,) = desk.voices.values()
    assert isinstance(voice, stream_sound.StreamVoice)
    voice._waiting = Looked(voice._waiting)  # type: ignore[assignment]
    assert (voice.seconds, voice.bytes) == (0.5, 16_000)
    desk.heard(0.1)
    assert voice.seconds == pytest.approx(0.4)
    desk.rig.advance(0.3)
    desk.heard(0.3)
    assert (voice.seconds, voice.bytes) == (0.0, 0)


@pytest.mark.parametrize("message", ["{", "[]", {"eventType": "stop"}, play("audio/pcm", b""), play("audio/pcm", b"x")])
def test_what_is_no_audio_is_silent(desk: Desk, message: object) -> None:
    desk.says(message)
    assert not desk.heard(0.1).any()


def test_transcriptions_have_no_sound() -> None:
    rig = Rig(answer=[bxml.StartTranscription("t", destination=SERVER), bxml.Pause(3600)])
    taps: list[object] = []
    sound = StreamSound(lambda: rig.engine, lambda: rig.now, lambda: False, lambda *tap: taps.append(tap), lambda *_: None, lambda *_: None)
    rig.call(PHONE, "A")
    rig.advance(1.0)
    assert rig.engine.connections
    sound.changed()
    assert taps == []
