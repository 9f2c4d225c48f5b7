"""What happened on the platform, in order: happenings, webhooks sent and their outcomes. Kept in memory, replayable, bounded."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator

from workbench.simulator.bodies import iso
from workbench.simulator.effects import Happening
from workbench.simulator.pictures import KIND
from workbench.simulator.rules import RULES

KEPT = 100_000
PORTION = 500

# Participants' tokens, and credentials in URLs: webhooks carry them, their readers here need none.
_SECRETS = re.compile(r"(?:eyJ[\w-]{4,1000}\.[\w-]{1,4000}\.[\w-]*)|(?:(?<=://)[^/\s@\"]+(?=@))")


def line(entry: Happening) -> str:
    """An entry as one line of NDJSON, tokens and credentials of URLs masked."""
    record = {"seq": entry.seq, "time": iso(entry.time), "kind": entry.kind, "rule": entry.rule}
    record |= {"label": label(entry.rule), "data": entry.data}
    text = json.dumps(record, separators=(",", ":"), default=str) + "\n"
    return _SECRETS.sub("•••", text) if "eyJ" in text or "@" in text else text


def label(rule: str) -> str:
    """How sure a rule is: documented, observed or assumed."""
    return RULES[rule].label if rule in RULES else "assumed"


class EventStream:
    """The last `kept` entries, and everybody who follows them."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Happening] = deque(maxlen=kept)
        self._forgotten = 0
        self._followers: list[asyncio.Future[None]] = []
        self._life = 0

    def add(self, entry: Happening) -> None:
        """Append an entry and wake the followers."""
        if len(self._entries) == self._entries.maxlen:
            self._forgotten = self._entries[0].seq
        self._entries.append(entry)
        if self._followers:
            self._wake()

    @property
    def forgotten(self) -> int:
        """The sequence number of the last entry that is no longer kept; 0 while all are."""
        return self._forgotten

    def after(self, seq: int) -> list[Happening]:
        """Every kept entry later than `seq`; the first one says so when earlier ones were forgotten."""
        found: list[Happening] = []
        for entry in reversed(self._entries):
            if entry.seq <= seq:
                break
            found.append(entry)
        if seq < self._forgotten:
            found.append(Happening(self._forgotten, self._entries[0].time, "forgotten", "stream.bounded", {"kept": self._entries.maxlen}))
        found.reverse()
        return found

    async def replay(self, seq: int, *, hears: bool = False) -> AsyncIterator[str]:
        """Entries later than `seq` that there are, as NDJSON, pictures of who hears whom only if wanted.

        Gives way between portions, since calls must not wait for it.
        """
        entries = [entry for entry in self.after(seq) if hears or entry.kind != KIND]
        for start in range(0, len(entries), PORTION):
            yield "".join(line(entry) for entry in entries[start : start + PORTION])
            await asyncio.sleep(0)

    async def follow(self, seq: int, *, hears: bool = False) -> AsyncIterator[str]:
        """Entries later than `seq` as NDJSON, for ever; ends when the stream starts over."""
        life = self._life
        while life == self._life:
            if self._entries and self._entries[-1].seq > seq:
                last = self._entries[-1].seq
                async for lines in self.replay(seq, hears=hears):
                    yield lines
                seq = last
            else:
                news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._followers.append(news)
                await news

    def clear(self) -> None:
        """Forget everything and let the followers go."""
        self._entries.clear()
        self._forgotten = 0
        self._life += 1
        self._wake()

    def _wake(self) -> None:
        followers, self._followers = self._followers, []
        for news in followers:
            if not news.done():
                news.set_result(None)
