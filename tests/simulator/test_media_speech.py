"""The platform's voice: its words are understood at the pace the engine gives a sentence, and nothing waits for it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from difflib import SequenceMatcher
from itertools import pairwise
from types import SimpleNamespace

import av
import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator.media import speech
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame
from workbench.simulator.media.speech import Sentence, Speech
from workbench.simulator.saying import seconds_to_say

from .shell import until

SENTENCES = (
    "Hello and welcome. Please hold the line while we connect you.",
    "Thank you for calling. Goodbye.",
    "Press one for sales, press two for support, or stay on the line.",
    "Your call may be recorded for training purposes.",
    "Sorry, nobody is available to take your call right now. Please leave a message after the tone.",
    "Welcome to the conference. Two other people are already here.",
)


@pytest.fixture
async def voice() -> AsyncIterator[Speech]:
    faults: list[tuple[str, str]] = []
    made = Speech(lambda about, why: faults.append((about, why)))
    yield made
    made.close()
    await asyncio.sleep(0)
    assert faults == []


async def whole(sentence: Sentence) -> Frame:
    """A sentence, frame by frame, each as soon as it is there."""
    frames, (_, _, samples) = [], sentence._parts[-1]
    for start in range(0, samples, FRAME_SAMPLES):
        await until(lambda start=start: sentence(start) is not None, 30)
        frames.append(sentence(start))
    assert sentence(samples) is None
    return np.concatenate(frames)[:samples]


def words(sound: Frame) -> list[str]:
    """What an offline recogniser understands."""
    from pocketsphinx import Decoder

    frame = av.AudioFrame.from_ndarray(sound[None], "s16", "mono")
    frame.sample_rate = RATE
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    pieces = [piece.to_ndarray().tobytes() for piece in (*resampler.resample(frame), *resampler.resample(None))]
    decoder = Decoder(samprate=16000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(b"".join(pieces), full_utt=True)
    decoder.end_utt()
    return decoder.hyp().hypstr.split() if decoder.hyp() else []


async def test_the_words_of_a_sentence_are_understood_at_the_engines_pace(voice: Speech) -> None:
    pytest.importorskip("hibari")
    said = found = 0
    for text in SENTENCES:
        sound = await whole(voice.say(text, seconds_to_say(text)))
        assert len(sound) == round(seconds_to_say(text) * RATE)
        asked, heard = re.findall("[a-z]+", text.lower()), words(sound)
        said += len(asked)
        found += sum(block.size for block in SequenceMatcher(None, asked, heard, autojunk=False).get_matching_blocks())
    print(f"{found} of {said} words were understood")
    assert found / said >= 0.85


async def test_tags_are_not_spoken_and_a_sentence_said_before_is_there_at_once(voice: Speech) -> None:
    plain = await whole(voice.say("Hello there you.", 1.2))
    again = voice.say('Hello <emphasis level="strong">there</emphasis> you.', 1.2)
    assert (again(0) == plain[:FRAME_SAMPLES]).all()


async def test_a_long_text_is_spoken_part_by_part(voice: Speech) -> None:
    text = "We are still looking for somebody who can help you. " * 20
    sentence = voice.say(text, 69.0)
    places = [(begin, end) for _, begin, end in sentence._parts]
    assert "".join(part for part, _, _ in sentence._parts) == text.strip()
    assert places[0][0] == 0 and places[-1][1] == 69 * RATE
    assert all(one[1] == other[0] for one, other in pairwise(places))
    await until(lambda: sentence(0) is not None, 30)
    # Only what comes next is rendered, and what was heard is let go of.
    await until(lambda: set(sentence._ready) == {0, 1}, 30)
    sentence(places[1][0])
    assert set(sentence._asked) == {0, 1, 2} and 0 not in sentence._ready
    middle = places[1][1] - 100
    await until(lambda: 2 in sentence._ready, 30)
    frame = sentence(middle)
    assert frame is not None and len(frame) == FRAME_SAMPLES
    unbroken = voice.say("x" * 1000, 60.0)
    assert [len(part) for part, _, _ in unbroken._parts] == [300, 300, 300, 100]


async def test_what_comes_late_begins_at_the_right_place() -> None:
    asked = []
    sentence = Sentence("Hello.", RATE, lambda *wish: asked.append(wish))
    assert sentence(0) is None and sentence(FRAME_SAMPLES) is None
    ((text, samples, take),) = asked
    assert (text, samples) == ("Hello.", RATE)
    take(np.arange(RATE).astype(np.int16))
    frame = sentence(2 * FRAME_SAMPLES)
    assert frame is not None and frame[0] == 2 * FRAME_SAMPLES


@pytest.mark.parametrize("text", ["…", "   ", "你好"])
async def test_what_cannot_be_said_has_its_length_nevertheless(voice: Speech, text: str) -> None:
    assert len(await whole(voice.say(text, 0.4))) == 0.4 * RATE


async def test_too_many_figures_are_hurried_and_cut_off(voice: Speech) -> None:
    sound = await whole(voice.say("1234567890123", 0.9))
    assert len(sound) == 0.9 * RATE and abs(int(sound[-1])) < 50


async def test_without_the_extra_two_soft_tones_take_the_sentences_place() -> None:
    told: list[tuple[str, str]] = []
    voice = Speech(lambda about, why: told.append((about, why)), installed=False)
    voice.warm()
    sound = await whole(voice.say("Hello and welcome.", 1.2))
    step = round(speech.SOFT_SECONDS * RATE)
    heard = [hearing.heard(sound[start : start + step], speech.SOFT_HZ) for start in range(0, len(sound), step)]
    assert heard == [[330.0], [392.0], [330.0], [392.0]]
    assert hearing.levels(sound, [330.0])[0] < 0.1 and told == []
    voice.close()


async def test_sentences_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "CACHE_BYTES", 5 * 96_000)
    voice = Speech(lambda *_: None, installed=False)
    for number in range(8):
        await whole(voice.say(f"Sentence {number}.", 1.0))
    await until(lambda: ("Sentence 7.", RATE) in voice._cache)
    assert [text for text, _ in voice._cache] == [f"Sentence {number}." for number in range(3, 8)]
    assert voice.say("Sentence 3.", 1.0)(0) is not None
    await whole(voice.say("Sentence 9.", 1.0))
    await until(lambda: ("Sentence 9.", RATE) in voice._cache)
    assert ("Sentence 3.", RATE) in voice._cache and ("Sentence 4.", RATE) not in voice._cache
    voice.close()


async def test_a_voice_that_fails_is_told_and_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Frame:
        raise RuntimeError("no model")

    monkeypatch.setattr(speech, "placeholder", fails)
    told: list[tuple[str, str]] = []
    voice = Speech(lambda about, why: told.append((about, why)), installed=False)
    sentence = voice.say("Hello.", 1.0)
    await until(lambda: bool(told))
    assert told == [("sentence 'Hello.'", "RuntimeError: no model")] and sentence(0) is None
    voice.close()


async def test_a_voice_that_cannot_be_loaded_is_told_once_and_tones_take_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self) -> None:
            raise OSError("no such library")

    monkeypatch.setitem(sys.modules, "hibari", SimpleNamespace(Hibari=Broken))
    told: list[tuple[str, str]] = []
    voice = Speech(lambda about, why: told.append((about, why)))
    for _ in range(2):
        assert hearing.heard((await whole(voice.say("Hello.", 0.4)))[:14_000], speech.SOFT_HZ) == [330.0]
    await until(lambda: bool(told))
    assert told == [("voice", "it cannot be loaded. OSError: no such library")]
    voice.close()


def test_figures_are_words() -> None:
    assert seconds_to_say("Your code is 4711.") == seconds_to_say("x" * (14 + 4 * 4))
