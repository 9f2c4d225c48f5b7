"""How a sound of the platform sounds: each kind from where it is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workbench.simulator.media import tones
from workbench.simulator.media.files import Files
from workbench.simulator.media.sound import Frame
from workbench.simulator.media.speech import Speech
from workbench.simulator.media.workers import Fault
from workbench.simulator.sounds import Sound

KEY_SHARE = 0.7  # of a key's time is tone, the rest the gap after it

# What sounds from a sample on, for 20 ms; None: nothing, or nothing yet.
Render = Callable[[int], Frame | None]


class Rendering:
    """Makes sounds. `file` gives what was fetched with a number, if it is kept; `fault` is told what cannot be heard, and why."""

    def __init__(self, file: Callable[[int], bytes | None], fault: Fault) -> None:
        self._file, self._fault = file, fault
        self._speech, self._files = Speech(fault), Files(fault)
        self._warm = False

    def warm(self) -> None:
        """Somebody listens: have ready what takes long the first time."""
        if not self._warm:
            self._warm = True
            self._speech.warm()

    def __call__(self, sound: Sound) -> Render:
        """What a sound is from any of its samples on."""
        match sound.kind:
            case "speech":
                return self._speech.say(sound.text or "", _seconds(sound))
            case "file":
                return self._played(sound)
            case "ring":
                return tones.ring
            case "keys":
                return partial(tones.cut, _keys(sound))
            case "beep":
                return partial(tones.cut, tones.beep())

    def close(self) -> None:
        """Make nothing any more."""
        self._speech.close()
        self._files.close()

    def _played(self, sound: Sound) -> Render:
        data = self._file(sound.fetch_id or 0)
        if data is None:
            self._fault("file", "too many files are played at once: this one is silent")
            return silent
        return self._files.play(data)


def silent(_start: int) -> None:
    """What is not kept."""


def _keys(sound: Sound) -> Frame:
    """Keys in the time they have, else at a usual pace."""
    digits = sound.digits or ""
    if not digits or sound.until is None:
        return tones.keys(digits)
    if len(digits) == 1:
        return tones.keys(digits, _seconds(sound), 0.0)
    each = _seconds(sound) / len(digits)
    return tones.keys(digits, KEY_SHARE * each, (1 - KEY_SHARE) * each)


def _seconds(sound: Sound) -> float:
    return 0.0 if sound.until is None else sound.until - sound.began
