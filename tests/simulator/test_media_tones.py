"""Tones: without clicks however they are cut, and told apart by ear, also after Opus and after the telephone's 8 kHz."""

from __future__ import annotations

import av
import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator.media import tones
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE


def joined(make, seconds: float = 1.0) -> np.ndarray:
    """What frame after frame gives."""
    frames = [make(start, FRAME_SAMPLES) for start in range(0, round(seconds * RATE), FRAME_SAMPLES)]
    return np.concatenate([np.zeros(FRAME_SAMPLES, np.int16) if frame is None else frame for frame in frames])


def noise(seconds: float, level: float) -> np.ndarray:
    return (np.random.default_rng(1).normal(0, level, round(seconds * RATE)) * 32767).clip(-32768, 32767).astype(np.int16)


def through_opus(samples: np.ndarray) -> np.ndarray:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "mono", "s16", 32_000
    encoder.options = {"application": "voip", "frame_duration": "20"}
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = RATE, "mono"
    out = []
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + FRAME_SAMPLES], "s16", "mono")
        frame.sample_rate, frame.pts = RATE, start
        out += [decoded.to_ndarray() for packet in encoder.encode(frame) for decoded in decoder.decode(packet)]
    pieces = [piece.ravel() if piece.dtype == np.int16 else (piece.ravel() * 32767).astype(np.int16) for piece in out]
    return np.concatenate(pieces)


def test_frames_of_a_tone_fit_together_for_days() -> None:
    assert (joined(lambda start, count: tones.tone(441.3, start, count)) == tones.tone(441.3, 0, RATE)).all()
    late = 3 * 24 * 3600 * RATE
    step = np.abs(np.diff(joined(lambda start, count: tones.tone(441.3, late + start, count)).astype(int)))
    assert step.max() <= 2 * np.pi * 441.3 / RATE * tones.LEVEL * 32767 + 1


def test_ring_back_tone_is_two_seconds_of_six() -> None:
    sound = joined(tones.ring, 13.0)
    assert tones.ring(3 * RATE) is None and tones.ring(6 * RATE) is not None
    assert hearing.heard(sound[:RATE], [350.0, 440.0, 480.0]) == [440.0, 480.0]
    loud = [bool(np.abs(sound[second * RATE : (second + 1) * RATE]).max() > 1000) for second in range(13)]
    assert loud == [True, True, False, False, False, False] * 2 + [True]
    # It comes and goes softly.
    assert np.abs(np.diff(sound.astype(int))).max() < 500


@pytest.mark.parametrize("rate", [RATE, 8000])
def test_keys_are_heard_in_their_order(rate: int) -> None:
    every = "123A456B789C*0#D5,5"
    sound = tones.keys(every)
    assert len(sound) == 18 * RATE // 10 + RATE // 2
    assert hearing.keys_heard(sound[:: RATE // rate], rate) == every.replace(",", "")
    noisy = np.concatenate([noise(0.5, 0.01), sound + noise(2.3, 0.002)])
    assert hearing.keys_heard(noisy[:: RATE // rate], rate) == every.replace(",", "")
    assert hearing.keys_heard(tones.tone(697.0, 0, RATE)) == "" and hearing.keys_heard(noise(1.0, 0.2)) == ""
    assert len(tones.keys("")) == 0


def test_whole_sounds_are_cut_into_frames() -> None:
    beep = tones.beep()
    assert hearing.heard(beep, [440.0, 1000.0]) == [1000.0] and abs(int(beep[0])) < 10 and abs(int(beep[-1])) < 10
    frames = [tones.cut(beep, start, 700) for start in range(-1400, len(beep) + 1400, 700)]
    assert frames[0] is frames[1] is frames[-1] is None
    whole = np.concatenate([frame for frame in frames if frame is not None])
    assert (whole[: len(beep)] == beep).all() and not whole[len(beep) :].any()
    half = tones.cut(beep, -100, 200)
    assert half is not None and not half[:100].any() and (half[100:] == beep[:100]).all()
    assert len(tones.faded(np.zeros(1, np.int16))) == 1


def test_how_loud_a_tone_is() -> None:
    sound = tones.chord([600.0, 1500.0], 0, RATE, level=0.1)
    assert hearing.levels(sound, [600.0, 1500.0, 2500.0]) == pytest.approx([0.1, 0.1, 0.0], abs=0.001)
    assert hearing.levels(sound[:0], [600.0]) == [0.0] and hearing.levels(sound, []) == [] and hearing.heard(sound, []) == []


@pytest.mark.parametrize("way", [lambda x: x, through_opus, lambda x: x[::6]], ids=["straight", "opus", "telephone"])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 26, 60])
def test_parties_are_told_apart(count: int, way) -> None:
    palette = hearing.palette(count)
    assert len(set(palette)) == count
    level = 0.8 / max(4, count)
    for among in {tuple(palette), tuple(palette[::2]), tuple(palette[1::3])}:
        sound = way(tones.chord(among, 0, RATE, level))
        rate = 8000 if len(sound) < RATE / 2 else RATE
        # Without what the codec needs to begin.
        assert tuple(hearing.heard(sound[rate // 5 :], palette, rate)) == among


def test_what_is_no_tone_is_not_heard() -> None:
    palette = hearing.palette(8)
    assert hearing.heard(noise(1.0, 0.1), palette) == []
    assert hearing.heard(np.zeros(RATE, np.int16), palette) == []
    # A voice beside the tone does not hide it.
    assert hearing.heard(tones.tone(palette[3], 0, RATE, 0.1) + noise(1.0, 0.05), palette) == [palette[3]]
    with pytest.raises(ValueError, match="at most 60"):
        hearing.palette(61)
