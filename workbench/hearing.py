"""Who hears whom over a finished flow, read from its messages: pictures of a capsule. Pure.

The local platform tells this exactly while a flow is on (`wb.hears()`); afterwards only joins, partings and members' changes are
known, which is what this goes by. Whoever coaches is not told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from workbench.messages import NOTEBOOK, VOICE, WEBRTC, Lane, Message


class Room:
    """Who is joined with whom at a moment, by lanes."""

    def __init__(self, browsers: Iterable[str]) -> None:
        self.browsers = set(browsers)
        self.links: set[frozenset[str]] = set()
        self.members: set[str] = set()
        self.mute: set[str] = set()
        self.hold: set[str] = set()

    def take(self, message: Message) -> None:
        """What a message changes."""
        ends = [end for end in dict.fromkeys((message.source, message.target)) if end not in (VOICE, NOTEBOOK)]
        match message.name:
            case "joined" if len(ends) == 2:
                self.links.add(frozenset(ends))
            case "parted":
                self.links = {link for link in self.links if not link.issuperset(ends)}
            case "memberJoined":
                self.members.update(ends)
            case "memberLeft":
                self._leave(ends)
            case "memberChanged":
                self._change(ends, message.label)
            case "ended":
                self._leave(ends)
                self.links = {link for link in self.links if not link.intersection(ends)}
            case "onConnect":
                self.browsers.update(ends[:1])
            case "onLeave" | "onDisconnect" | "connectionLost":
                self.browsers.difference_update(ends[:1])

    def hears(self, one: str, other: str) -> bool:
        """Whether one lane's person hears the other's."""
        ear, voice = self._call(one), self._call(other)
        if one == other or None in (ear, voice):
            return False
        if frozenset((ear, voice)) in self.links:
            return True
        together = ear in self.members and voice in self.members and ear != voice
        return together and voice not in self.mute and not {ear, voice} & self.hold

    def _call(self, lane: str) -> str | None:
        """The call that carries a lane's sound: a browser's is the WebRTC leg."""
        return WEBRTC if lane in self.browsers else lane

    def _leave(self, ends: Sequence[str]) -> None:
        for lanes in (self.members, self.mute, self.hold):
            lanes.difference_update(ends)

    def _change(self, ends: Sequence[str], label: str) -> None:
        words = [word.strip() for word in label.split(",")]
        for lanes, on, off in ((self.mute, "muted", "unmuted"), (self.hold, "on hold", "no longer on hold")):
            if on in words:
                lanes.update(ends)
            if off in words:
                lanes.difference_update(ends)


def pictures(lanes: Iterable[Lane], messages: Sequence[Message]) -> list[dict[str, Any]]:
    """One picture for each moment at which it changes: place, time, parties by name, and for each listener whom it hears."""
    names = [lane.name for lane in lanes if lane.name not in (VOICE, NOTEBOOK, WEBRTC)]
    return list(_changes(names, messages))


def _changes(names: Sequence[str], messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    ours = {message.leg for message in messages}
    came = {message.source for message in messages if message.name == "onConnect"}
    room = Room(name for name in names if name not in ours and name not in came)
    last: list[list[bool]] | None = None
    for message in messages:
        room.take(message)
        hears = [[room.hears(one, other) for other in names] for one in names]
        if hears != last and names:
            last = hears
            yield {"place": message.place, "at": message.at, "parties": list(names), "hears": hears}
