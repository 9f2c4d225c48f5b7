"""A flow as messages between lanes: what we asked and were asked, what was answered, and what the platform did. Pure.

A ladder, a figure and a capsule draw the same messages. Events come from the log, happenings from the local platform; live there are none.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from workbench.doings import DEVICES, Doing, failure, given, told
from workbench.records import Event, Happened
from workbench.whose import WEBRTC_LEG, Whose, room_of

VOICE, NOTEBOOK, WEBRTC = "Programmable Voice", "this notebook", "WebRTC"
Kind = Literal["request", "answer", "webhook", "reply", "error", "sip", "media", "device"]
# A time, and the id of the event that was then.
_When = tuple[float, int]
# Operations of the WebRTC and Endpoints APIs; every other request goes to the Voice API.
_WEBRTC_WORDS = ("Participant", "Session", "Subscriptions", "Endpoint")
_PARTICIPANT_EVENTS = frozenset({"onConnect", "onLeave", "onDisconnect", "outboundConnectionRequest"})
# Places between two sequence numbers: a request's answer, a webhook's reply, what has no number.
_ANSWER, _REPLY, _UNNUMBERED = 0.0001, 0.0002, 0.001


@dataclass(frozen=True, slots=True)
class Lane:
    """A party's column, and a word about it: a phone's number, say."""

    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One arrow of a ladder.

    `key` is "e12" for what event 12 of the log asked, "a12" for what it was answered, "h345@bridge-2" for the happening of that
    sequence number: a browser that leaves is seen in every flow that is on, and a platform that starts over counts from 1 again.
    `place` orders all messages of a platform. `at` is epoch seconds on the platform's clock; live on ours; None for requests to a local
    platform, which does not tell when it took them, while its clock may have been moved. `name` is the event type, operation or happening's
    kind, `truth` the label of the platform's behaviour, `note` what a closer look tells.
    """

    key: str
    place: float
    at: float | None
    source: str
    target: str
    label: str
    kind: Kind
    name: str
    event: int | None = None
    leg: str | None = None
    flow: str | None = None
    mode: str | None = None
    cause: str | None = None
    truth: str = ""
    rule: str = ""
    note: str = ""


class Reading:
    """Reads one flow as it happens: give it events and happenings in whatever order they come, get the messages that are new or changed.

    `mask` hides in a text what must not be seen; `people` are the browser participants, name by participant id; `names` what numbers are
    called that no leg of the flow has: the target of a Transfer may be such a one.
    """

    def __init__(
        self,
        flow: str,
        mask: Callable[[str], str] = str,
        people: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.flow = flow
        self.messages: dict[str, Message] = {}
        self._mask = mask
        self._people = dict(people or {})
        self._whose = Whose({} if names is None else names)
        self._mode: str | None = None
        self._events: dict[int, Event] = {}
        self._latest = (0.0, 0)
        self._lowest, self._highest = float("inf"), 0
        self._webhooks: list[_When] = []
        self._requests: list[_When] = []
        self._unnumbered: list[_When] = []
        self._longest = 0.0
        self._of_call: defaultdict[str, list[Happened]] = defaultdict(list)
        self._of_people: list[Happened] = []

    # -- what it is told -----------------------------------------------------------------------------------------------------------

    def learn(self, legs: Mapping[str, str], people: Mapping[str, str] | None = None) -> list[Message]:
        """The legs there are now, number or address by name; what waited for one of them comes out."""
        self._people.update(people or {})
        if all(self._whose.numbers.get(name) == number for name, number in legs.items()):
            return []
        self._whose.learn(legs)
        calls = {event.call_id for event in self._events.values() if event.call_id and event.leg in legs}
        for event in self._events.values():
            self._whose.event(event)
        return self._kept([*self._new(calls), *self._again(self._of_call)])

    def event(self, event: Event) -> list[Message]:
        """A request or webhook, when it is stored and again when its outcome is known."""
        first = event.id not in self._events
        self._events[event.id] = event
        self._latest = max(self._latest, _when(event))
        if event.seq is not None:
            self._lowest, self._highest = min(self._lowest, event.seq), max(self._highest, event.seq)
        self._mode = self._mode or event.mode
        if first:
            insort(self._requests if event.direction == "request" else self._webhooks, _when(event))
            if event.seq is None:
                insort(self._unnumbered, _when(event))
        self._longest = max(self._longest, _until(event) - event.time)
        found = [*self._own(event), *self._moved(event)]
        if self._whose.event(event):
            found += self._new({event.call_id})
        return self._kept([*found, *(self._person() if first else ())])

    def happening(self, one: Happened) -> list[Message]:
        """Something the platform did."""
        if one.kind in DEVICES and not one.call_ids:
            self._of_people.append(one)
            return self._kept(self._person())
        for call in one.call_ids or filter(None, [room_of(one)]):
            self._of_call[call].append(one)
        self._whose.happening(one)
        return self._kept([*self._drawn(one), *self._again(self._whose.partners())])

    # -- what comes of it ----------------------------------------------------------------------------------------------------------

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Phones as they came, the platform, this notebook, WebRTC, browsers."""
        numbers = {**self._whose.numbers, **self._whose.targets()}
        phones = [self._phone(name, number) for name, number in numbers.items() if not self._at_webrtc(name)]
        browsers = [Lane(name) for name in dict.fromkeys(self._people.values())]
        return (*phones, Lane(VOICE), Lane(NOTEBOOK), Lane(WEBRTC), *browsers)

    def ordered(self) -> tuple[Message, ...]:
        """All messages so far, in order."""
        return tuple(sorted(self.messages.values(), key=lambda message: (message.place, message.key)))

    # -- events --------------------------------------------------------------------------------------------------------------------

    def _own(self, event: Event) -> Iterator[Message]:
        place = self._place(event)
        if event.direction == "request":
            yield from self._asked(event, place)
            return
        side = WEBRTC if event.event_type in _PARTICIPANT_EVENTS else VOICE
        cause = f" · {event.cause}" if event.cause else ""
        again = " (again)" if event.duplicate_of is not None else ""
        label = f"{event.event_type} {event.leg or ''}".strip() + cause + again
        at = _moment(event.data.get("eventTime") or event.data.get("timestamp")) or (event.time if event.seq is None else None)
        yield self._message(event, f"e{event.id}", place, at, side, NOTEBOOK, label, "webhook")
        if event.verbs or event.error or event.late or event.reply or (event.status or 0) >= 400:
            yield self._reply(event, place, at, side)

    def _asked(self, event: Event, place: float) -> Iterator[Message]:
        side = WEBRTC if any(word in event.event_type for word in _WEBRTC_WORDS) else VOICE
        label = f"{event.event_type} {event.leg or ''}".strip()
        failed = event.status is None or event.status >= 400
        note = f"{event.data.get('method', '')} {event.data.get('path', '')}".strip()
        at = event.time if event.seq is None else None
        yield self._message(event, f"e{event.id}", place, at, NOTEBOOK, side, label, "request", note)
        kind: Kind = "error" if failed else "answer"
        answer = f"{event.status or 'no answer'}{given(event)}"
        yield self._message(event, f"a{event.id}", place + _ANSWER, at, side, NOTEBOOK, answer, kind, event.error or "")

    def _reply(self, event: Event, place: float, at: float | None, side: str) -> Message:
        made = [self._place(self._events[number]) for _, number in _between(self._requests, event.time, _until(event))]
        bad = bool(event.error) or event.late or (event.status or 0) >= 400
        label = failure(event) if bad else ", ".join(event.verbs) or "no verb"
        note = event.error or event.reply or ""
        place = max([place, *made]) + _REPLY
        return self._message(event, f"a{event.id}", place, at, NOTEBOOK, side, label, "error" if bad else "reply", note)

    def _moved(self, event: Event) -> Iterator[Message]:
        """What this event gives another place: replies of webhooks whose handlers made it, and what has no number of its own."""
        if event.direction == "request":
            for _, number in _between(self._webhooks, event.time - self._longest, event.time):
                if event.time <= _until(self._events[number]):
                    yield from self._own(self._events[number])
        if event.seq is not None:
            for _, number in self._unnumbered[bisect_right(self._unnumbered, _when(event)) :]:
                yield from self._own(self._events[number])

    def _place(self, event: Event) -> float:
        if event.seq is not None:
            return float(event.seq)
        # What has no place of its own stays behind what came before it.
        if _when(event) >= self._latest:
            highest = self._highest
        else:
            before = (one.seq for one in self._events.values() if one.seq is not None and _when(one) < _when(event))
            highest = max(before, default=0)
        return highest + _UNNUMBERED + event.id % 10_000 * 1e-7

    def _message(
        self, event: Event, key: str, place: float, at: float | None, source: str, target: str, label: str, kind: Kind, note: str = ""
    ) -> Message:
        about = (event.event_type, event.id, event.leg, self.flow, event.mode, event.cause, event.label or "", event.rule or "", note)
        return Message(key, place, at, source, target, label, kind, *about)

    # -- happenings ----------------------------------------------------------------------------------------------------------------

    def _new(self, calls: Iterable[str | None]) -> Iterator[Message]:
        """What waited for these calls to be known, and for those they are joined with."""
        known = {call for call in calls if call} | self._whose.partners()
        return self._again(known)

    def _again(self, calls: Iterable[str]) -> Iterator[Message]:
        for call in calls:
            for one in self._of_call[call]:
                yield from self._drawn(one)

    def _drawn(self, one: Happened) -> Iterator[Message]:
        legs = self._whose.legs(one)
        doing = told(one) if legs or self._whose.in_room(one) else None
        if doing is not None:
            lanes = [self._lane(leg) for leg in legs] or [VOICE]
            yield self._done(one, doing, lanes[0], lanes[-1], self._mask(legs[0]) if legs else None)

    def _person(self) -> Iterator[Message]:
        """Browsers that came or went while the flow was on: after its first event, and told once something later has come."""
        for one in self._of_people:
            name = self._people.get(str(one.data.get("participantId") or one.data.get("endpointId")))
            doing = told(one)
            if name and doing and self._lowest < one.seq < self._highest:
                yield self._done(one, doing, name, name, None)

    def _done(self, one: Happened, doing: Doing, lane: str, other: str, leg: str | None) -> Message:
        lanes = {"lane": lane, "other": other, "voice": VOICE, "webrtc": WEBRTC}
        source, target = lanes[doing.source], lanes[doing.target]
        cause = one.data.get("cause")
        said = None if cause is None else str(cause)
        about = (one.kind, None, leg, self.flow, self._mode, said, getattr(one, "label", ""), getattr(one, "rule", ""), doing.note)
        key = f"h{one.seq}@{self.flow}"
        return Message(key, float(one.seq), _moment(one.time), source, target, doing.label, doing.kind, *about)

    def _lane(self, leg: str) -> str:
        return WEBRTC if self._at_webrtc(leg) else self._mask(leg)

    def _at_webrtc(self, leg: str) -> bool:
        return leg == WEBRTC_LEG or self._whose.numbers.get(leg, "").startswith("sip:")

    def _phone(self, name: str, number: str) -> Lane:
        return Lane(self._mask(name), self._mask(number) if number != name else "")

    def _kept(self, found: Iterable[Message]) -> list[Message]:
        news = []
        for message in found:
            shown = replace(message, label=self._mask(message.label), note=self._mask(message.note))
            if self.messages.get(shown.key) != shown:
                self.messages[shown.key] = shown
                news.append(shown)
        return news


def of(
    flow: str,
    legs: Mapping[str, str],
    events: Sequence[Event],
    happened: Iterable[Happened] = (),
    mask: Callable[[str], str] = str,
    people: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> tuple[tuple[Lane, ...], tuple[Message, ...]]:
    """Lanes and messages of a flow. `legs` gives each leg's number or address by name; the rest as in `Reading`."""
    reading = Reading(flow, mask, people, names)
    reading.learn(legs)
    for event in events:
        reading.event(event)
    for one in happened:
        reading.happening(one)
    return reading.lanes, reading.ordered()


def _when(event: Event) -> _When:
    return event.time, event.id


def _between(moments: list[_When], first: float, last: float) -> list[_When]:
    return moments[bisect_left(moments, (first, 0)) : bisect_right(moments, (last, sys.maxsize))]


def _until(event: Event) -> float:
    """When its handler had ended."""
    return event.time + (event.handler_ms or 0) / 1000 + 0.001


def _moment(text: object) -> float | None:
    # An endpoint's events tell milliseconds since 1970 (brtc 4.1).
    return (text / 1000 if isinstance(text, (int, float)) else datetime.fromisoformat(str(text)).timestamp()) if text else None
