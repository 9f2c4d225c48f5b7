"""Whose a call is: which leg of a flow, a target that one of its verbs dialled, a conference its calls are in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.records import Event, Happened

WEBRTC_LEG = "webrtc"


class Whose:
    """The calls of one flow, learned from events and happenings in whatever order these come.

    `names` are those of numbers that no leg of the flow has: the target of a Transfer may be such a one.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.numbers: dict[str, str] = {}
        self.leg_of: dict[str, str] = {}
        self._names = names
        self._went: dict[str, str] = {}
        self._dialled: dict[str, Happened] = {}
        self._targets: dict[str, str] = {}
        self._links: list[tuple[str, ...]] = []
        self._members: list[tuple[str, str]] = []
        self._rooms: set[str] = set()
        self._news = False

    def learn(self, numbers: Mapping[str, str]) -> None:
        """Number or address of legs by name; what was taken for a mere target may be one of them."""
        self.numbers.update(numbers)
        for call in self._targets:
            del self.leg_of[call]
        self._targets.clear()
        self._news = True

    def event(self, event: Event) -> bool:
        """Learn whose a call is; whether that is news."""
        if not event.call_id or event.leg not in self.numbers or (event.call_id in self.leg_of and event.call_id not in self._targets):
            return False
        self._targets.pop(event.call_id, None)
        self.leg_of[event.call_id] = str(event.leg)
        self._news = True
        return True

    def happening(self, one: Happened) -> None:
        """Learn where a call went, for whom it was dialled, what it is joined with."""
        for call in one.call_ids:
            if one.data.get("to"):
                self._went.setdefault(call, str(one.data["to"]))
        if one.kind == "joined":
            self._links.append(one.call_ids)
        elif one.kind == "memberJoined":
            self._members.append((one.call_ids[0], room_of(one)))
        elif "parentCallId" in one.data:
            self._dialled[one.call_ids[0]] = one
        self._news = self._news or one.kind in ("joined", "memberJoined") or "to" in one.data

    def partners(self) -> set[str]:
        """What turns out to be of this flow by now: targets dialled for a call of it or joined with one, and conferences."""
        if not self._news:
            return set()
        self._news = False
        legs = {number: name for name, number in self.numbers.items()}
        found: set[str] = set()
        for link in self._links:
            if any(call in self.leg_of for call in link):
                new = [call for call in link if call not in self.leg_of and self._went.get(call) in legs]
                self.leg_of.update({call: legs[self._went[call]] for call in new})
                found.update(new)
        for call, one in self._dialled.items():
            if call not in self.leg_of and one.data["parentCallId"] in self.leg_of:
                number = self._went.get(call, "")
                self.leg_of[call] = legs.get(number) or self._target(call, number)
                found.add(call)
        rooms = {room for call, room in self._members if call in self.leg_of} - self._rooms
        self._rooms |= rooms
        self._members = [(call, room) for call, room in self._members if call not in self.leg_of]
        # Who was found may have dialled others.
        self._news = bool(found)
        return found | rooms | self.partners()

    def legs(self, one: Happened) -> list[str]:
        """The legs a happening is about."""
        return [self.leg_of[call] for call in one.call_ids if call in self.leg_of]

    def in_room(self, one: Happened) -> bool:
        """Whether it is about a conference of this flow, and no call of its own."""
        return not one.call_ids and room_of(one) in self._rooms

    def targets(self) -> dict[str, str]:
        """Number by name of those whom no leg stands for, in the order in which they were dialled."""
        dialled = sorted(self._targets, key=lambda call: self._dialled[call].seq)
        return {self._targets[call]: self._went.get(call, "") for call in dialled if self._targets[call] != WEBRTC_LEG}

    def _target(self, call: str, number: str) -> str:
        data: Mapping[str, Any] = self._dialled[call].data
        # The interconnect takes a call by a participant's token; what it refuses comes without an INVITE.
        webrtc = "participantId" in data or self._dialled[call].kind == "inviteRefused"
        self._targets[call] = WEBRTC_LEG if webrtc else self._names.get(number) or number
        return self._targets[call]


def numbers_told(events: Iterable[Event]) -> dict[str, str]:
    """Number or address of each leg as far as events tell, for a flow of which there is nothing else any more."""
    found: dict[str, str] = {}
    for event in events:
        direction = "outbound" if event.direction == "request" else event.data.get("direction")
        number = {"inbound": event.from_, "outbound": event.to}.get(str(direction))
        if event.leg and number:
            found.setdefault(event.leg, number)
    return found


def room_of(one: Happened) -> str:
    """The conference a happening is about; "" for none."""
    return str(one.data.get("conferenceId") or "")
