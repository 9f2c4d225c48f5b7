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

# What sounds from a sample on, for 20 ms; None: nothing, or nothing yet.
Render = Callable[[int], Frame | None]


class Rendering:
    """Makes sounds. `file` gives what was fetched with a number, if it is kept; `fault` is told what cannot be heard, and why."""

    def __init__(self, file: Callable[[int], bytes | None], fault: Fault) -> None:
        self._file = file
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
                return self._speech.say(sound.text or "", (sound.until or sound.began) - sound.began)
            case "file":
                data = self._file(sound.fetch_id or 0)
                return silent if data is None else self._files.play(data)
            case "ring":
                return tones.ring
            case "keys":
                return partial(tones.cut, tones.keys(sound.digits or ""))
            case "beep":
                return partial(tones.cut, tones.beep())

    def close(self) -> None:
        """Make nothing any more."""
        self._speech.close()
        self._files.close()


def silent(_start: int) -> None:
    """What is not kept."""
