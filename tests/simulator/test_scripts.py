"""Voices that nobody sends, with the platform's clock in the test's hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator.media import tones
from workbench.simulator.media.rendering import Rendering
from workbench.simulator.media.scripts import ECHO_SECONDS, Playing, Scripts
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, RATE, Frame, Voice
from workbench.simulator.phones import Phone
from workbench.simulator.sounds import Sound

from .shell import until

PHONE, CALL = "+19195550111", "call-1"
DELAY = round(ECHO_SECONDS / FRAME_SECONDS)


class Stage:
    """A platform's clock, phones and sounds, and the scripts on them."""

    def __init__(self) -> None:
        self.now, self.stands = 1000.0, False
        self.phones: dict[str, Phone] = {}
        self.sounds: dict[str, Sound] = {}
        self.files: dict[int, bytes] = {}
        self.faults: list[tuple[str, str]] = []
        rendering = Rendering(self.files.get, lambda who, why: self.faults.append((who, why)))
        self.scripts = Scripts(lambda: self.phones, lambda: self.sounds, rendering, lambda: self.now, lambda: self.stands)

    def play(self, number: int = 1, **what: object) -> Voice:
        """Begin a sound of the call; its voice."""
        self.sounds[CALL] = Sound(number, began=self.now, **what)  # type: ignore[arg-type]
        (voice,) = self.scripts.voices(CALL)
        return voice

    def hear(self, voice: Voice, count: int) -> list[Frame | None]:
        """So many frames, the clock beside them."""
        frames = []
        for _ in range(count):
            frames.append(voice.frame())
            self.now += FRAME_SECONDS
        return frames


@pytest.fixture
def stage() -> Stage:
    return Stage()


def whole(frames: list[Frame | None]) -> Frame:
    return np.concatenate([np.zeros(FRAME_SAMPLES, np.int16) if frame is None else frame for frame in frames])


def test_a_phone_with_a_tone_sounds_all_the_time(stage: Stage) -> None:
    assert stage.scripts.voices(PHONE) == ()
    stage.phones[PHONE] = Phone(PHONE, tone=443.5)
    (voice,) = stage.scripts.voices(PHONE)
    stage.stands = True
    assert np.array_equal(whole(stage.hear(voice, 100)), tones.tone(443.5, 0, 100 * FRAME_SAMPLES))
    assert stage.scripts.voices(PHONE) == (voice,)
    stage.phones[PHONE] = Phone(PHONE, tone=600)
    (other,) = stage.scripts.voices(PHONE)
    assert np.array_equal(whole(stage.hear(other, 1)), tones.tone(600))
    stage.phones[PHONE] = Phone(PHONE)
    assert stage.scripts.voices(PHONE) == ()


def test_an_echo_comes_half_a_second_later(stage: Stage) -> None:
    assert stage.scripts.echoes(PHONE) is None
    stage.phones[PHONE] = Phone(PHONE, echoes=True)
    echo = stage.scripts.echoes(PHONE)
    assert echo is not None and stage.scripts.voices(PHONE) == (echo,)
    assert stage.scripts.echoing() == [PHONE]
    sent, got = [], []
    for number in range(60):
        got.append(echo.frame())
        frame = None if number % 3 == 0 else np.full(FRAME_SAMPLES, number, np.int16)
        echo.put(frame)
        sent.append(frame)
    assert got[:DELAY] == [None] * DELAY
    assert all(one is other for one, other in zip(got[DELAY:], sent[: 60 - DELAY], strict=True))
    stage.phones[PHONE] = Phone(PHONE)
    assert stage.scripts.echoes(PHONE) is None


def test_an_echo_that_nobody_asks_keeps_one_frame_only(stage: Stage) -> None:
    stage.phones[PHONE] = Phone(PHONE, echoes=True)
    echo = stage.scripts.echoes(PHONE)
    assert echo is not None
    for _ in range(1000):
        echo.put(np.zeros(FRAME_SAMPLES, np.int16))
    assert len(echo._later) == 1


def test_ring_back_goes_on_without_a_seam_though_the_loop_is_uneven(stage: Stage) -> None:
    voice = stage.play(kind="ring")
    frames = []
    for number in range(100):
        stage.now = 1000.0 + number * FRAME_SECONDS + (0.015 if number % 3 else 0.0)
        frames.append(voice.frame())
    assert np.array_equal(whole(frames), tones.ring(0, 100 * FRAME_SAMPLES))


def test_a_clock_that_stands_is_silent_and_one_that_is_moved_skips(stage: Stage) -> None:
    voice = stage.play(kind="ring")
    stage.hear(voice, 2)
    stage.stands = True
    assert voice.frame() is None
    stage.stands = False
    stage.now = 1006.5  # in the second ring
    assert np.array_equal(voice.frame(), tones.ring(round(6.5 * RATE)))
    stage.now = 1003.0
    assert voice.frame() is None


def test_a_sound_ends_when_it_does(stage: Stage) -> None:
    voice = stage.play(kind="beep", until=1000.095)
    frames = stage.hear(voice, 8)
    assert [frame is None for frame in frames] == [False] * 5 + [True] * 3
    assert np.array_equal(whole(frames[:5]), tones.beep()[: 5 * FRAME_SAMPLES])


def test_keys_sound(stage: Stage) -> None:
    assert hearing.keys_heard(whole(stage.hear(stage.play(kind="keys", digits="42#"), 20))) == "42#"


async def test_a_sentence_sounds_where_its_words_are(stage: Stage) -> None:
    voice = stage.play(kind="speech", text="Good morning to you all.", until=1001.6)
    assert isinstance(voice, Playing)
    await until(lambda: voice._render(0) is not None, 30)
    assert np.abs(whole(stage.hear(voice, 80))).max() > 1000
    stage.scripts.close()
    assert stage.faults == []


def test_what_is_not_ready_begins_a_moment_later_from_its_beginning() -> None:
    stage, ready = Stage(), [False]

    def render(start: int) -> Frame | None:
        return np.full(FRAME_SAMPLES, start // FRAME_SAMPLES, np.int16) if ready[0] else None

    def heard(count: int) -> list[int | None]:
        return [None if frame is None else int(frame[0]) for frame in stage.hear(voice, count)]

    sound = Sound(1, "speech", 1000.0, 1010.0)
    voice = Playing(sound, render, lambda: stage.now, lambda: False)
    assert heard(10) == [None] * 10
    ready[0] = True
    assert heard(4) == [0, 1, 2, 3]
    # One that takes longer has been going on when it is heard.
    ready[0], stage.now = False, 1000.0
    voice = Playing(sound, render, lambda: stage.now, lambda: False)
    heard(50)
    ready[0] = True
    assert heard(2) == [35, 36]
    # And who comes in the middle hears the middle.
    stage.now = 1002.0
    voice = Playing(sound, render, lambda: stage.now, lambda: False)
    assert heard(2) == [100, 101]


async def test_a_file_is_played_if_it_is_kept(stage: Stage) -> None:
    import io
    import wave

    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tones.tone(700, 0, RATE).tobytes())
    stage.files[5] = data.getvalue()
    voice = stage.play(kind="file", fetch_id=5)
    assert isinstance(voice, Playing)
    await until(lambda: voice._render(0) is not None, 30)
    assert hearing.heard(whole(stage.hear(voice, 20)), [500, 700]) == [700]
    assert stage.hear(stage.play(2, kind="file", fetch_id=6), 3) == [None] * 3
    stage.scripts.close()


def test_each_sound_has_one_voice_and_none_is_left_when_it_is_over(stage: Stage) -> None:
    first = stage.play(1, kind="ring")
    assert stage.scripts.voices(CALL) == (first,)
    second = stage.play(2, kind="ring")
    assert second is not first
    stage.scripts.drop(second)
    assert stage.scripts.voices(CALL) == ()
    third = stage.play(3, kind="ring")
    stage.scripts.tidy()
    assert stage.scripts.voices(CALL) == (third,)
    assert stage.scripts._dropped == set()
    stage.sounds.clear()
    stage.scripts.tidy()
    assert (stage.scripts.voices(CALL), stage.scripts._playing) == ((), {})
    stage.phones[PHONE] = Phone(PHONE, tone=400, echoes=True)
    assert len(stage.scripts.voices(PHONE)) == 2
    stage.scripts.reset()
    assert (stage.scripts._tones, stage.scripts._echoes) == ({}, {})
