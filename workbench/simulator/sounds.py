"""What is heard that nobody says into a microphone: sentences, files, ring back tone, keys and beeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SoundKind = Literal["speech", "file", "ring", "keys", "beep"]


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound of a source, in epoch seconds. `number` is unlike that of any other; `until` None: until something ends it.

    A sentence has its `text`, and the `locale` and `voice` (a name, or `female`, `male`) where one is asked for. A file has the `fetch_id`
    it was fetched with, keys their `digits`. A sound may be known for a moment longer than it lasts: from `until` on it is silent.
    """

    number: int
    kind: SoundKind
    began: float
    until: float | None = None
    text: str | None = None
    voice: str | None = None
    locale: str | None = None
    fetch_id: int | None = None
    digits: str | None = None
