"""What opens the callback server besides a user name and password: parts of URLs that nobody can guess."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import urlencode

from workbench import files

# Webhooks of older objects are turned away; a session lasts 9 hours and an endpoint 24.
KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Granted:
    """What a key was made for; `object_id` is the platform's id for it, None until it has answered."""

    about: str
    object_id: str | None = None


class Keys:
    """One key per object of the WebRTC side, whose webhooks carry no credentials (webrtc-api 6, brtc 8). Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        # By their hash: what a search takes longer or shorter for tells nothing about a key.
        self._granted: dict[bytes, Granted] = {}

    def issue(self, about: str) -> str:
        """A new key; `about` says in words what for."""
        key = secrets.token_urlsafe(24)
        with self._lock:
            if len(self._granted) >= KEPT:
                del self._granted[next(iter(self._granted))]
            self._granted[_hash(key)] = Granted(about)
        return key

    def bind(self, key: str, object_id: str) -> None:
        """From now on the key is good for the webhooks of this object alone."""
        with self._lock:
            if (found := self._granted.get(_hash(key))) is not None:
                self._granted[_hash(key)] = Granted(found.about, object_id)

    def granted(self, key: str) -> Granted | None:
        """What the key was made for; None for one that we did not make."""
        with self._lock:
            return self._granted.get(_hash(key))


def seal(secret: str, query: Iterable[tuple[str, str]]) -> str:
    """The key of a URL with this query, for events of verbs that have no attributes for credentials."""
    told = urlencode(sorted(query))
    return hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()[:40]


def kept_password(folder: Path, account: str) -> str:
    """The password that opens the URLs entered in an account's dashboard: made once, readable by its owner only.

    Raises OSError where the folder cannot be written.
    """
    return files.once(kept_in(folder, account), secrets.token_urlsafe(24).encode()).decode().strip()


def kept_in(folder: Path, account: str) -> Path:
    """The file of that password."""
    # An account's number is nobody else's business, not even as a file's name.
    return folder / f"dashboard-{hashlib.sha256(account.encode()).hexdigest()[:12]}"


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
