"""Which words are spoken in a sound, found out offline."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tests.media.tones import RATE, Samples, as_int16

RECOGNISER_RATE = 16_000


def recognised(sound: Samples) -> str:
    """The words in a sound at 48 kHz, as pocketsphinx hears them."""
    from pocketsphinx import Decoder

    step = RATE // RECOGNISER_RATE
    taps = np.sinc(np.arange(-24, 25) / step) * np.hamming(49)  # nothing above 8 kHz may fold down
    low = np.convolve(sound, taps / taps.sum(), "same")[::step]
    loud = low * (0.5 / max(np.abs(low).max(initial=0.0), 1e-6))
    decoder = Decoder(samprate=RECOGNISER_RATE, logfn="/dev/null", loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(as_int16(loud).tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found is not None else ""


def share(said: str, heard: str) -> float:
    """How many of the words said were heard."""
    words = Counter(said.lower().split())
    return (words & Counter(heard.lower().split())).total() / words.total()
