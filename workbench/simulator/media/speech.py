"""Sentences as sound: spoken by hibari where it is installed, else two soft tones, and always as long as the engine says they take.

There is one voice, US English, for all voices and locales of BXML. Fifteen characters a second are its natural pace once the silence around
a sentence is cut off: it has to be hurried by some 10 % at most, save for large numbers, which are few figures and many words.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench import bxml
from workbench.simulator.media import tones
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame
from workbench.simulator.media.workers import Fault, Workers
from workbench.simulator.saying import characters

if TYPE_CHECKING:
    from hibari import Hibari

VOICE_RATE = 24_000
LOUDNESS = 2.0  # times what the voice gives, whose peaks are at a third of full scale
QUIET = 0.01  # of a sentence's peak: what is below it at both ends is cut off, save for the moments that follow
LEAD_SECONDS, TRAIL_SECONDS = 0.04, 0.08
SLOWEST, FASTEST = 0.9, 2.5  # how much a sentence is stretched or hurried; the rest is silence, or is cut off
PART_CHARACTERS = 300  # what is spoken at once: the beginning of a long text must not wait for its end
CACHE_BYTES = 16_000_000  # some 170 s; of sentences said before

SOFT_HZ, SOFT_LEVEL, SOFT_SECONDS = (330.0, 392.0), 0.05, 0.3

Make = Callable[[str, int], Frame]  # a text spoken in so many samples


class Speech:
    """The platform's voice. `installed` false: as if hibari were not there."""

    def __init__(self, fault: Fault, *, installed: bool = True) -> None:
        self._workers = Workers("speech", fault)
        self._speaker: Hibari | None = None
        self._installed = installed
        self._cache: OrderedDict[tuple[str, int], Frame] = OrderedDict()
        self._lock = Lock()  # the loop looks into the cache, the worker fills it

    def warm(self) -> None:
        """Have the voice loaded, which takes a second the first time."""
        self._workers.start(self._load, "voice")

    def say(self, text: str, seconds: float) -> Sentence:
        """A sentence that is being rendered; SSML in it is not spoken."""
        return Sentence(bxml.spoken(text), round(seconds * RATE), self._part)

    def close(self) -> None:
        """Speak no more."""
        self._workers.close()

    def _part(self, text: str, samples: int, take: Callable[[Frame], None]) -> None:
        known = self._known((text, samples))
        if known is not None:
            take(known)
        else:
            self._workers.start(partial(self._make, text, samples, take), f"sentence {text[:60]!r}")

    def _make(self, text: str, samples: int, take: Callable[[Frame], None]) -> None:
        speaker = self._load()
        made = placeholder(samples) if speaker is None else spoken(speaker, text, samples)
        take(made)
        self._keep((text, samples), made)

    def _load(self) -> Hibari | None:
        if self._speaker is None and self._installed:
            try:
                from hibari import Hibari

                speaker = Hibari()
                speaker("Hello.")  # what it knows of words is loaded with the first ones
                self._speaker = speaker
            except ModuleNotFoundError:
                self._installed = False
            except Exception as error:  # installed, but broken: tones from now on, and no second try
                self._installed = False
                self._workers.tell("voice", f"it cannot be loaded. {type(error).__name__}: {error}")
        return self._speaker

    def _known(self, key: tuple[str, int]) -> Frame | None:
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
            return self._cache.get(key)

    def _keep(self, key: tuple[str, int], made: Frame) -> None:
        with self._lock:
            self._cache[key] = made
            while sum(sentence.nbytes for sentence in self._cache.values()) > CACHE_BYTES:
                self._cache.popitem(last=False)


class Sentence:
    """A text over so many samples, rendered part by part; a part that is not ready yet is silent, and begins in its midst when it is."""

    def __init__(self, text: str, samples: int, part: Callable[[str, int, Callable[[Frame], None]], None]) -> None:
        self._render = part
        self._parts = list(_places(text, samples))
        self._asked: set[int] = set()
        self._ready: dict[int, Frame] = {}
        self._ask(0)

    def __call__(self, start: int) -> Frame | None:
        """20 ms from the sample `start` on."""
        found = None
        for number, (_, begin, end) in enumerate(self._parts):
            if end <= start:
                self._ready.pop(number, None)
            elif begin < start + FRAME_SAMPLES:
                self._ask(number)
                self._ask(number + 1)
                found = tones.both(found, tones.cut(self._ready[number], start - begin) if number in self._ready else None)
        return found

    def _ask(self, number: int) -> None:
        if number < len(self._parts) and number not in self._asked:
            self._asked.add(number)
            text, begin, end = self._parts[number]
            self._render(text, end - begin, partial(self._ready.__setitem__, number))


def _places(text: str, samples: int) -> Iterator[tuple[str, int, int]]:
    """The parts of a text, each with its samples' first and end, in proportion to its characters."""
    parts, place, said = list(_split(text)), 0, 0
    total = sum(map(characters, parts))
    for part in parts:
        said += characters(part)
        begin, place = place, samples * said // total
        yield part, begin, place


def _split(text: str) -> Iterator[str]:
    """A text in parts that end where a sentence does, else where a word does."""
    left = text
    while len(left) > PART_CHARACTERS:
        head = left[:PART_CHARACTERS]
        ends = [match.end() for pattern in (r"[.!?]\s", r"[,;:]\s", r"\s") for match in list(re.finditer(pattern, head))[-1:]]
        place = ends[0] if ends else PART_CHARACTERS
        yield left[:place]
        left = left[place:]
    yield left or " "


# In the worker's thread


def spoken(speaker: Hibari, text: str, samples: int) -> Frame:
    """A text spoken in exactly so many samples at 48 kHz."""
    raw = np.asarray(speaker(text, seed=1), np.float64) * LOUDNESS * 32767
    natural = _trimmed(raw.clip(-32768, 32767).astype(np.int16))
    if not len(natural) or not samples:
        return placeholder(samples)  # of letters or signs that it cannot say
    tempo = min(FASTEST, max(SLOWEST, len(natural) / VOICE_RATE / (samples / RATE)))
    return _exactly(stretched(natural, VOICE_RATE, tempo), samples)


def placeholder(samples: int) -> Frame:
    """Two soft tones by turns."""
    whole = np.zeros(samples, np.int16)
    step = round(SOFT_SECONDS * RATE)
    for number, start in enumerate(range(0, samples, step)):
        note = tones.faded(tones.tone(SOFT_HZ[number % 2], 0, min(step, samples - start), SOFT_LEVEL))
        whole[start : start + len(note)] = note
    return whole


def stretched(samples: Frame, rate: int, tempo: float) -> Frame:
    """The same at another tempo, the pitch as it was, at 48 kHz."""
    import av

    graph = av.filter.Graph()
    last = source = graph.add_abuffer(sample_rate=rate, format="s16", layout="mono", time_base=Fraction(1, rate))
    for name, options in (
        ("atempo", f"{tempo:.6f}"),
        ("aresample", str(RATE)),
        ("aformat", "s16:channel_layouts=mono"),
        ("abuffersink", None),
    ):
        following = graph.add(name, options)
        last.link_to(following)
        last = following
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], "s16", "mono")
    frame.sample_rate, frame.pts = rate, 0
    source.push(frame)
    source.push(None)
    pieces: list[npt.NDArray[np.int16]] = []
    while True:
        try:
            made = last.pull()
            assert isinstance(made, av.AudioFrame)
            pieces.append(made.to_ndarray().ravel().astype(np.int16, copy=False))
        except (av.EOFError, av.BlockingIOError):
            return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def _trimmed(samples: Frame) -> Frame:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET * max(1, int(np.abs(samples.astype(np.int32)).max(initial=0))))
    if not len(loud):
        return samples[:0]
    return samples[max(0, loud[0] - round(LEAD_SECONDS * VOICE_RATE)) : loud[-1] + round(TRAIL_SECONDS * VOICE_RATE)]


def _exactly(samples: Frame, count: int) -> Frame:
    if len(samples) >= count:
        return tones.faded(samples[:count])
    return np.concatenate([samples, np.zeros(count - len(samples), np.int16)])
