"""Tickets: what a browser takes a phone's handset with. Each is good for one number and for a while; only their hashes are kept."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256

from workbench.simulator.effects import Refusal

TICKET_SECONDS = 12 * 3600.0  # real seconds: as long as a notebook's page may stay open
MOST = 1000  # the oldest ones end then


class Tickets:
    """The tickets of one platform."""

    def __init__(self) -> None:
        self._issued: dict[bytes, tuple[str, float]] = {}

    def issue(self, number: str) -> str:
        """A ticket for the phone at a number."""
        ticket = secrets.token_urlsafe(24)
        while len(self._issued) >= MOST:
            del self._issued[next(iter(self._issued))]
        self._issued[_hash(ticket)] = number, time.monotonic() + TICKET_SECONDS
        return ticket

    def number_of(self, ticket: str) -> str:
        """The number a ticket is good for. Raises Refusal 403."""
        number, until = self._issued.get(_hash(ticket), ("", 0.0))
        if time.monotonic() >= until:
            self._issued.pop(_hash(ticket), None)
            raise Refusal(403, "the ticket is not known, or has expired: ask for another one", "handset.ticket")
        return number


def _hash(ticket: str) -> bytes:
    return sha256(ticket.encode(errors="replace")).digest()
