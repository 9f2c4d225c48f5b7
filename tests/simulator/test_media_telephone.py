"""The telephone's sound: PCMU as ffmpeg's, narrower and wider without seams."""

from __future__ import annotations

import av
import numpy as np
import pytest

from tests.simulator import hearing
from workbench.simulator.media import tones
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE
from workbench.simulator.media.telephone import NARROW_RATE, Narrower, Wider, from_pcmu, to_pcmu
from workbench.simulator.media_streams import SILENCE


def test_pcmu_is_what_others_take_it_for() -> None:
    codes = bytes(range(256))
    decoder = av.CodecContext.create("pcm_mulaw", "r")
    decoder.sample_rate, decoder.layout = NARROW_RATE, "mono"
    theirs = np.concatenate([frame.to_ndarray().ravel() for frame in decoder.decode(av.Packet(codes))])
    assert (from_pcmu(codes) == theirs).all()
    # Of the two zeros the positive one is sent.
    assert to_pcmu(from_pcmu(codes)) == codes.replace(b"\x7f", b"\xff")
    every = np.arange(-32768, 32768).astype(np.int16)
    off = np.abs(from_pcmu(to_pcmu(every)).astype(int) - every)
    assert (off <= np.maximum(8, np.abs(every.astype(int)) / 16)).all()
    assert to_pcmu(np.zeros(160, np.int16)) == SILENCE


@pytest.mark.parametrize("hz", [300.0, 1000.0, 2500.0])
def test_a_tone_goes_there_and_back(hz: float) -> None:
    narrower, wider = Narrower(), Wider()
    frames = [narrower(tones.tone(hz, start)) for start in range(0, RATE, FRAME_SAMPLES)]
    assert {len(frame) for frame in frames} == {160}
    assert hearing.levels(np.concatenate(frames), [hz], NARROW_RATE)[0] == pytest.approx(tones.LEVEL, rel=0.1)
    back = np.concatenate([wider(frame) for frame in frames])
    assert hearing.levels(back, [hz])[0] == pytest.approx(tones.LEVEL, rel=0.15)
    # Nothing else is in it, at the seams of frames either.
    rest = back[RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(rest * np.hanning(len(rest))))
    near = round(hz * len(rest) / RATE)
    spectrum[near - 3 : near + 4] = 0
    assert spectrum.max() < 0.002 * np.abs(np.fft.rfft(rest * np.hanning(len(rest)))).max()


def test_what_does_not_fit_is_left_out() -> None:
    narrower = Narrower()
    sound = np.concatenate([narrower(tones.tone(5500.0, start)) for start in range(0, RATE, FRAME_SAMPLES)])
    assert hearing.levels(sound, [2500.0], NARROW_RATE)[0] < 0.001
