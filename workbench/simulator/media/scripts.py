"""Voices that nobody sends: of phones' scripts, a tone or an echo, and what the platform lets be heard or a phone says (`core.sounds`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.simulator.media import tones
from workbench.simulator.media.rendering import Render, Rendering
from workbench.simulator.media.sound import FRAME_SAMPLES, FRAME_SECONDS, RATE, Frame, Voice
from workbench.simulator.phones import Phone
from workbench.simulator.sounds import Sound

OFF_SECONDS = 0.1  # a place that is off by more follows the clock; less is the loop's unevenness, which nobody shall hear
PATIENCE_SECONDS = 0.3  # so much later a sound may begin that is heard from its beginning, when it is not ready by then
ECHO_SECONDS = 0.5  # how much later an echo comes


class Tone:
    """A phone that sounds all the time."""

    def __init__(self, hz: float) -> None:
        self.hz = hz
        self._place = 0

    def frame(self) -> Frame:
        """The next piece of it."""
        start, self._place = self._place, self._place + FRAME_SAMPLES
        return tones.tone(self.hz, start)


class Echo:
    """A phone that says what it heard half a second ago: its ear and its voice in one."""

    def __init__(self) -> None:
        self._tick, self._later = 0, dict[int, Frame]()

    def put(self, frame: Frame | None) -> None:
        """Hear."""
        if frame is not None:
            self._later[self._tick + round(ECHO_SECONDS / FRAME_SECONDS)] = frame

    def frame(self) -> Frame | None:
        """Say."""
        self._tick += 1
        return self._later.pop(self._tick, None)


class Playing:
    """A sound of the platform, where the platform's clock is: while that stands there is silence, and when it is moved the sound skips."""

    def __init__(self, sound: Sound, render: Render, now: Callable[[], float], stands: Callable[[], bool]) -> None:
        self.sound = sound
        self._render, self._now, self._stands = render, now, stands
        self._place, self._late, self._heard = 0, 0, False

    def frame(self) -> Frame | None:
        """The piece that is due."""
        now = self._now()
        if self._stands() or (self.sound.until is not None and now >= self.sound.until):
            return None
        due = round((now - self.sound.began) * RATE) - self._late
        if abs(due - self._place) > OFF_SECONDS * RATE:
            self._place, self._heard = due, True
        piece = self._render(self._place)
        if piece is None and not self._heard and self._late < PATIENCE_SECONDS * RATE:
            self._late += FRAME_SAMPLES  # its beginning is not ready yet
            return None
        self._heard = True
        self._place += FRAME_SAMPLES
        return piece


class Scripts:
    """The scripted voices of a platform, made when they are first asked for."""

    def __init__(
        self,
        phones: Callable[[], Mapping[str, Phone]],
        sounds: Callable[[], Mapping[str, Sound]],
        rendering: Rendering,
        now: Callable[[], float],
        stands: Callable[[], bool],
    ) -> None:
        self._phones, self._sounds, self._rendering, self._now, self._stands = phones, sounds, rendering, now, stands
        self._playing: dict[str, Playing] = {}
        self._tones: dict[str, Tone] = {}
        self._echoes: dict[str, Echo] = {}
        self._dropped: set[int] = set()

    def voices(self, source: str) -> tuple[Voice, ...]:
        """What sounds at a source now, beside a device."""
        found = (self._tone(source), self.echoes(source), self._played(source))
        return tuple(voice for voice in found if voice is not None)

    def echoing(self) -> list[str]:
        """The phones whose scripts echo."""
        return [number for number, script in self._phones().items() if script.echoes]

    def echoes(self, party: str) -> Echo | None:
        """The echo of a phone whose script has one."""
        script = self._phones().get(party)
        if script is None or not script.echoes:
            self._echoes.pop(party, None)
            return None
        return self._echoes.setdefault(party, Echo())

    def warm(self) -> None:
        """Somebody listens now; while the clock stands he hears nothing of the platform."""
        if not self._stands():
            self._rendering.warm()

    def drop(self, voice: Voice) -> None:
        """A sound that fails is not tried again."""
        if isinstance(voice, Playing):
            self._dropped.add(voice.sound.number)

    def tidy(self) -> None:
        """Forget what no longer sounds."""
        if not self._playing and not self._dropped:
            return
        sounding = {sound.number for sound in self._sounds().values()}
        self._dropped &= sounding
        self._playing = {source: voice for source, voice in self._playing.items() if voice.sound.number in sounding}

    def reset(self) -> None:
        """Forget everything: the platform starts over, and counts its sounds anew."""
        self._playing.clear()
        self._tones.clear()
        self._echoes.clear()
        self._dropped.clear()

    def close(self) -> None:
        """Make no sound any more."""
        self.reset()
        self._rendering.close()

    def _tone(self, source: str) -> Tone | None:
        script = self._phones().get(source)
        if script is None or script.tone is None:
            self._tones.pop(source, None)
            return None
        known = self._tones.get(source)
        if known is None or known.hz != script.tone:
            known = self._tones[source] = Tone(script.tone)
        return known

    def _played(self, source: str) -> Playing | None:
        sound, known = self._sounds().get(source), self._playing.get(source)
        if sound is None or sound.number in self._dropped:
            return None
        if known is None or known.sound.number != sound.number:
            known = self._playing[source] = Playing(sound, self._rendering(sound), self._now, self._stands)
        return known
