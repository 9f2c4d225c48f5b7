"""Who may knock at the callback server, and how often: pure decisions, `now` passed in.

Its URL is on the public internet. Whoever brings the right credentials or key always passes; what is turned away uses up its sender's
share, and then gets a 429. Nothing of this is Bandwidth's: the rules are ours.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

# A browser that was led here by another name (DNS rebinding) sends that name; nobody can register these.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Seconds of its rate that a sender may use at once.
BURST = 2.0
# Senders that are remembered; who has not been seen for longest is forgotten first.
SENDERS = 10_000
# The deepest documented webhook has three levels.
DEPTH = 32


class Guard:
    """Names under which callbacks may come, and how many requests of one sender are turned away in a second. Thread-safe.

    `hosts` are further host names, with a port or without; "*" is any. `rate` 0 is no limit.
    """

    def __init__(self, *, hosts: Iterable[str] = (), rate: float = 0.0) -> None:
        self._hosts = frozenset(filter(None, (name.strip().lower() for name in hosts)))
        self._rate = rate
        self._most = max(1.0, rate * BURST)
        self._lock = Lock()
        self._urls: frozenset[str] = frozenset()
        # What is left to a sender, and when that was so.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def expect(self, url: str) -> None:
        """From now on callbacks may also come under this URL's host name."""
        name = urlsplit(url).hostname
        if name:
            with self._lock:
                self._urls |= {name.lower()}

    def knows(self, host: str) -> bool:
        """Whether a request with this `Host` header is meant for us."""
        given = host.strip().lower()
        try:
            name = urlsplit(f"//{given}").hostname or ""
        except ValueError:
            return False
        return bool(name) and ("*" in self._hosts or bool({name, given} & self._hosts) or name in LOOPBACK_NAMES | self._urls)

    def strike(self, sender: str, now: float) -> int | None:
        """Note that a request was turned away. None while the sender has some left, else after how many seconds it may come again."""
        if not self._rate:
            return None
        with self._lock:
            left, then = self._left.pop(sender, (self._most, now))
            left = min(self._most, left + max(0.0, now - then) * self._rate)
            spent = left < 1.0
            self._left[sender] = (left if spent else left - 1.0, now)
            while len(self._left) > SENDERS:
                self._left.popitem(last=False)
        return math.ceil((1.0 - left) / self._rate) if spent else None


def sender_of(environ: Mapping[str, Any]) -> str:
    """Who sent a WSGI request, as far as one can tell: an address, of IPv6 its network.

    A tunnel or proxy on this machine appends whom it has heard; what stood there before, anybody may have written.
    """
    address = str(environ.get("REMOTE_ADDR") or "")
    if address in LOOPBACK_NAMES and (told := str(environ.get("HTTP_X_FORWARDED_FOR") or "").rpartition(",")[2].strip()):
        address = told
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    # whoever has one address of a /64 has all of them
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else str(found)


def too_deep(value: Any) -> bool:
    """Whether a JSON value has more levels than any webhook."""
    level = [value]
    for _ in range(DEPTH):
        level = [inner for one in level if isinstance(one, (dict, list)) for inner in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return False
    return True
