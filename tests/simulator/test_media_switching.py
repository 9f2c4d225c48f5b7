"""A browser that is passed through and mixed by turns, from real RTP to real RTP: nothing is heard twice, and nothing long is lost."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np

from workbench.simulator.media.opus import Decoder, Encoder
from workbench.simulator.media.rtp import HEADER, RtpOutlet, RtpVoice
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, RATE, Frame
from workbench.simulator.media.tones import LEVEL, tone
from workbench.simulator.routes import Ear

from .test_plane import Platform, Steady

HER, HIM, CALL = Ear("participant-1", "participant-2"), "participant-2", "call-1"
PACKETS, STEP = 100, 8  # sent; and after how many the platform begins or ends to be heard
SWITCHES = PACKETS // STEP
FIRST_HZ, STEP_HZ = 1000, 100  # each packet has a tone of its own, by turns of TURN
TURN = 100


def packets() -> list[bytes]:
    """A voice that says where it is: RTP with a tone of its own in each packet."""
    encoder = Encoder()
    tones = (tone(FIRST_HZ + STEP_HZ * (number % TURN), 0) for number in range(PACKETS))
    return [HEADER.pack(0x80, 111, number, FRAME_SAMPLES * number, 7) + encoder.encode(frame) for number, frame in enumerate(tones)]


def place(samples: Frame) -> int | None:
    """Which packet is heard; None in silence, and in what the decoder lets fade between two sources."""
    if np.sqrt(np.mean(samples.astype(np.float64) ** 2)) < 0.6 * LEVEL * 32768 / np.sqrt(2):
        return None
    return round((float(np.argmax(np.abs(np.fft.rfft(samples)))) * RATE / len(samples) - FIRST_HZ) / STEP_HZ)


async def test_nothing_is_heard_twice_and_no_gap_is_long() -> None:
    platform, loop = Platform(), asyncio.get_running_loop()
    plane = platform.plane
    came: list[bytes] = []
    outlet = RtpOutlet("stream", lambda packet: came.append(packet[HEADER.size :]))
    outlet.live, outlet.payload_type = True, 111
    voice = RtpVoice(lambda key: None)
    voice.listen(111, {}, frozenset())
    platform.hears = {HER: (HIM, CALL)}
    plane.set_voice(HIM, voice)
    plane.set_outlet(HER, outlet)
    begun = loop.time()
    for number, packet in enumerate(packets()):
        await asyncio.sleep(max(0.0, begun + number * FRAME_SECONDS - loop.time()))
        voice.take(packet, loop.time())
        if number % STEP == STEP - 1:
            platform.scripts = {} if platform.scripts else {CALL: (Steady(1),)}
            plane.changed()
    plane.close()
    decoder = Decoder()
    heard = [found for payload in came if (found := place(decoder.decode(payload))) is not None]
    steps = [(after - before) % TURN for before, after in pairwise(heard)]
    # Where packets begin to pass through, those that still waited to be mixed are left out: two of them, that is 40 ms, and what fades.
    assert len(heard) > PACKETS / 2
    assert min(steps) > 0 and max(steps) < TURN / 2, "something was heard again"
    assert sum(step - 1 for step in steps) <= 3 * SWITCHES
