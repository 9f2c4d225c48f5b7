"""How long to wait when an API says "too many requests", and how often that happened."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from threading import Lock

# Bandwidth documents `Retry-After` with every 429 (Voice API, errors), in seconds; HTTP also allows a date, and an answer may lack it.
UNTOLD = 1.0
# A handler may be waiting, and a webhook's own answer is due after 15 s: what takes longer is told instead.
LONGEST = 10.0
TRIES = 3
SHORTEST = 0.1


def seconds(told: str | None, now: float) -> float:
    """What a `Retry-After` of seconds or of a date asks for at `now` (seconds since 1970); what cannot be read counts as missing."""
    text = (told or "").strip()
    if text.isascii() and text.isdecimal():
        # more digits than any wait has are an endless one
        return max(SHORTEST, float(text[:9]))
    try:
        return max(SHORTEST, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return UNTOLD


class Patience:
    """Waits for one API, bounded, and counts. Thread-safe."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._lock = Lock()
        self.refused = 0
        self.waited = 0.0

    def waits(self, told: str | None, now: float, before: list[float]) -> bool:
        """Count a refusal; wait and return True, unless that were too often or too long. `before` holds the waits for this request."""
        pause = seconds(told, now)
        again = len(before) < TRIES and sum(before) + pause <= LONGEST
        with self._lock:
            self.refused += 1
            self.waited += pause if again else 0.0
        if again:
            before.append(pause)
            self._sleep(pause)
        return again
