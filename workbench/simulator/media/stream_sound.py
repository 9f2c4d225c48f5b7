"""The sound of media streams: frames of PCMU of a call's tracks for the application, and what the application plays as a voice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from workbench.simulator.engine import Engine
from workbench.simulator.media.plan import Tapping
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, RATE, Frame, Voice
from workbench.simulator.media.telephone import Narrower, Pcm, Wider, from_pcmu, to_pcmu
from workbench.simulator.media_streams import SILENCE
from workbench.simulator.stream_messages import Audio, audio
from workbench.simulator.tracks import Stream

READY = 2  # frames that wait before the first is sent: the beats of sending and of mixing are not in step
MOST = 6  # frames that wait; older ones are given up
OFF_SECONDS = 0.1  # what is played by so much later than the engine counts it is left out
WAITING_LIMIT = 8_000_000  # bytes that wait to be played on a stream: 16 minutes of PCMU


class Ring:
    """The frames of one track that wait for their stream."""

    def __init__(self) -> None:
        self._frames: deque[Frame | None] = deque(maxlen=MOST)
        self._flows = False
        self._narrower = Narrower()

    def put(self, frame: Frame | None) -> None:
        """Take the next 20 ms."""
        self._frames.append(frame)

    def take(self) -> bytes:
        """The next 20 ms as PCMU."""
        self._flows = len(self._frames) >= (1 if self._flows else READY)
        frame = self._frames.popleft() if self._flows else None
        return SILENCE if frame is None else to_pcmu(self._narrower(frame))


class StreamVoice:
    """What an application plays on a stream, while the engine counts it as playing."""

    def __init__(self, stream: Stream, now: Callable[[], float], stands: Callable[[], bool]) -> None:
        self._stream, self._now, self._stands = stream, now, stands
        self._waiting: deque[tuple[Pcm, int]] = deque()
        self._rate, self._wider = 0, Wider()
        self._rest = np.zeros(0, np.int16)
        self._lasts = 0  # how much waits beside `_rest`, in samples at 48 kHz: there may be very many messages
        self.bytes = 0

    def add(self, sound: Audio) -> bool:
        """Play something after what is there; False when too much waits already."""
        if self.bytes + len(sound.data) > WAITING_LIMIT:
            self._skip(self.seconds + sound.seconds - self._left)  # nobody has listened for long
        if self.bytes + len(sound.data) > WAITING_LIMIT:
            return False
        samples = from_pcmu(sound.data) if sound.pcmu else np.frombuffer(sound.data[: len(sound.data) // 2 * 2], "<i2").astype(np.int16)
        self._waiting.append((samples, sound.rate))
        self._count(len(samples), sound.rate)
        return True

    def frame(self) -> Frame | None:
        """The next 20 ms."""
        if self._stands():
            return None
        self._skip(self.seconds - self._left)
        if not self._waiting and not len(self._rest):
            return None
        pieces, count = [self._rest], len(self._rest)
        while count < FRAME_SAMPLES and self._waiting:
            pieces.append(self._next())
            count += len(pieces[-1])
        whole = np.concatenate(pieces)
        frame, self._rest = whole[:FRAME_SAMPLES], whole[FRAME_SAMPLES:]
        return np.concatenate([frame, np.zeros(FRAME_SAMPLES - len(frame), np.int16)]) if len(frame) < FRAME_SAMPLES else frame

    @property
    def seconds(self) -> float:
        """How much waits."""
        return (len(self._rest) + self._lasts) / RATE

    @property
    def _left(self) -> float:
        """How long the engine counts it as playing yet, in seconds."""
        return self._stream.plays_until - self._now() if self._stream.playback is not None else 0.0

    def _count(self, samples: int, rate: int) -> None:
        self._lasts += samples * (RATE // rate)
        self.bytes += 2 * samples

    def _next(self) -> Pcm:
        """Some 20 ms of what waits, at 48 kHz."""
        samples, rate = self._waiting.popleft()
        count = round(rate * FRAME_SECONDS)
        if len(samples) > count:
            self._waiting.appendleft((samples[count:], rate))
        if rate != self._rate:
            self._rate, self._wider = rate, Wider(RATE // rate)
        self._count(-len(samples[:count]), rate)
        return self._wider(samples[:count])

    def _skip(self, late: float) -> None:
        """What should have been played by now, because the clock was moved or the stream cleared, is not played any more."""
        if late <= OFF_SECONDS and self._stream.playback is not None:
            return
        self._rest = self._rest[:0]
        while late > 0 and self._waiting:
            samples, rate = self._waiting.popleft()
            count = min(len(samples), round(late * rate))
            if count < len(samples):
                self._waiting.appendleft((samples[count:], rate))
            late -= max(count, 1) / rate
            self._count(-count, rate)


class StreamSound:
    """The sound of all media streams of a platform. `tap` has a track taken, `set_voice` gives a source its voice."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        now: Callable[[], float],
        stands: Callable[[], bool],
        tap: Tapping,
        set_voice: Callable[[str, Voice | None], None],
        fault: Callable[[str, str], None],
    ) -> None:
        self._engine, self._now, self._stands, self._tap, self._set_voice, self._fault = engine, now, stands, tap, set_voice, fault
        self._rings: dict[tuple[int, str], tuple[Ring, Callable[[], None]]] = {}
        self._voices: dict[int, tuple[Stream, StreamVoice]] = {}
        self._full: set[int] = set()

    def changed(self) -> None:
        """Begin with streams that began, and end with those that ended."""
        streams = self._engine().connections
        if not (streams or self._rings or self._voices):
            return
        wanted = {(number, track): stream for number, stream in streams.items() if _sends(stream) for track in stream.tracks}
        for key in self._rings.keys() - wanted.keys():
            self._rings.pop(key)[1]()
        for key in wanted.keys() - self._rings.keys():
            ring = Ring()
            self._rings[key] = ring, self._tap((wanted[key].call_id, key[1]), ring.put)
        for number, (stream, _) in list(self._voices.items()):
            if streams.get(number) is not stream:
                del self._voices[number]
                self._full.discard(number)
                self._set_voice(stream.stream_id, None)

    def reset(self) -> None:
        """Let go of all streams."""
        for _, end in self._rings.values():
            end()
        for stream, _ in self._voices.values():
            self._set_voice(stream.stream_id, None)
        self._rings.clear()
        self._voices.clear()
        self._full.clear()

    def frame(self, number: int, track: str) -> bytes:
        """The next 20 ms of a stream's track, as PCMU."""
        found = self._rings.get((number, track))
        return SILENCE if found is None else found[0].take()

    def message(self, number: int, text: str) -> None:
        """An application's message, which the engine knows already."""
        stream = self._engine().connections.get(number)
        if stream is None or stream.playback is None:
            return
        with suppress(ValueError):
            sound = audio(text)
            if sound is not None and sound.data and not self._voice(number, stream).add(sound) and number not in self._full:
                self._full.add(number)
                self._fault(f"stream {stream.stream_id}", f"more than {WAITING_LIMIT} bytes wait to be played; the rest is silent")

    def _voice(self, number: int, stream: Stream) -> StreamVoice:
        if number not in self._voices:
            voice = StreamVoice(stream, self._now, self._stands)
            self._voices[number] = stream, voice
            self._set_voice(stream.stream_id, voice)
        return self._voices[number][1]


def _sends(stream: Stream) -> bool:
    return stream.running and not stream.transcribes
