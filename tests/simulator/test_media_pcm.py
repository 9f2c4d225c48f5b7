"""Sound on a device's own socket: 16 kHz there, 48 kHz here."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulator.far import loudest, tone
from workbench.simulator.media.pcm import FIRST, FRAME_BYTES, MOST, SAMPLE_RATE, SAMPLES, TAIL, WINDOW, PcmOutlet, PcmVoice
from workbench.simulator.media.sound import FRAME_SAMPLES


class Socket:
    """What a session is to an outlet, and what was sent."""

    def __init__(self) -> None:
        self.socket: Socket | None = self
        self.sent: list[bytes] = []

    def send_frame(self, data: bytes) -> None:
        self.sent.append(data)

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(b"".join(self.sent), "<i2")


def narrow(hertz: float, number: int, volume: int = 8000) -> bytes:
    """A frame of a tone as a device sends it."""
    times = (np.arange(SAMPLES) + number * SAMPLES) / SAMPLE_RATE
    return (volume * np.sin(2 * np.pi * hertz * times)).astype("<i2").tobytes()


def noise(samples: np.ndarray, hertz: float, rate: int) -> float:
    """What is not the tone, as a part of the whole."""
    times = np.arange(len(samples)) / rate
    basis = np.stack([np.sin(2 * np.pi * hertz * times), np.cos(2 * np.pi * hertz * times)], 1)
    found, *_ = np.linalg.lstsq(basis, samples.astype(float), rcond=None)
    return float(np.std(samples - basis @ found) / np.std(samples))


@pytest.mark.parametrize("hertz", [300, 1000, 3400, 6000])
def test_a_device_is_heard_without_a_seam_between_frames(hertz):
    voice, heard = PcmVoice(), []
    for number in range(60):
        voice.take(narrow(hertz, number))
        heard.append(voice.frame())
    frames = [frame for frame in heard if frame is not None]
    assert len(frames) == 60 - FIRST + 1 and {len(frame) for frame in frames} == {FRAME_SAMPLES}
    assert noise(np.concatenate(frames[5:]), hertz, 48_000) < 0.01


@pytest.mark.parametrize("hertz", [300, 1000, 3400, 6000])
def test_a_device_hears_without_a_seam_between_frames(hertz):
    session = Socket()
    outlet = PcmOutlet(session)
    for number in range(60):
        outlet.put(tone(hertz, number))
    assert {len(data) for data in session.sent} == {FRAME_BYTES}
    assert noise(session.samples[5 * SAMPLES :], hertz, SAMPLE_RATE) < 0.01


@pytest.mark.parametrize("hertz", [9000, 12000, 15000])
def test_what_16_khz_cannot_carry_is_not_heard_as_something_else(hertz):
    session = Socket()
    outlet = PcmOutlet(session)
    for number in range(20):
        outlet.put(tone(hertz, number))
    assert np.abs(session.samples[SAMPLES:]).max() < 80  # 40 dB below


def test_loud_sound_is_cut_and_does_not_wrap():
    voice, session = PcmVoice(), Socket()
    outlet = PcmOutlet(session)
    square = np.where(np.arange(FRAME_SAMPLES) // 96 % 2, 32767, -32768).astype(np.int16)
    for _ in range(5):
        voice.take(square[::3].astype("<i2").tobytes())
        outlet.put(square)
    frame = voice.frame()
    assert frame is not None
    for samples in (frame, session.samples):
        assert samples.max() == 32767 and samples.min() == -32768 and np.mean(np.sign(samples) == 0) < 0.05


def test_what_waits_is_bounded_and_the_oldest_goes():
    voice = PcmVoice()
    for number in range(100):
        voice.take(narrow(440, number, volume=100 * number))
    heard = 0
    while voice.frame() is not None:
        heard += 1
    assert heard == MOST


def test_silence_when_nothing_came_and_a_fresh_start_when_it_comes_again():
    voice = PcmVoice()
    assert voice.frame() is None
    voice.take(narrow(440, 0))
    assert voice.frame() is None  # one frame alone would run dry at once
    voice.take(narrow(440, 1))
    assert voice.frame() is not None and voice.frame() is not None and voice.frame() is None


def test_waiting_that_a_burst_left_behind_is_given_back_without_a_step():
    voice, heard = PcmVoice(), []
    for number in range(MOST):
        voice.take(narrow(440, number))
    for number in range(5 * WINDOW):
        heard.append(voice.frame())
        voice.take(narrow(440, MOST + number))
    assert len(voice._waiting) <= FIRST + 1
    assert all(frame is not None for frame in heard)
    steps = np.abs(np.diff(np.concatenate(heard).astype(int)))
    assert steps.max() < 1000  # of a sine of 8000 at 440 Hz: 461
    assert loudest(heard[-20:]) == pytest.approx(440, abs=3)


def test_silence_is_sent_for_a_while_and_then_not_at_all():
    session = Socket()
    outlet = PcmOutlet(session)
    outlet.put(None)
    assert session.sent == []
    outlet.put(tone(440, 0))
    for _ in range(100):
        outlet.put(None)
    assert len(session.sent) == 1 + TAIL and not any(session.sent[-1])
    outlet.put(tone(440, 1))
    assert len(session.sent) == 2 + TAIL
    session.socket = None
    outlet.put(tone(440, 2))
    assert len(session.sent) == 2 + TAIL
