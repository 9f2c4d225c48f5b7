"""How long the set-up of a flow takes, phase by phase and leg by leg, on the platform's clock.

The local platform tells every moment; live only what webhooks tell is known, and the rest is called "not told".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.records import Event, Happened

# What each phase is: the words of the legend.
PHASES = {
    "request": "asked for, not yet called",
    "ring": "rings",
    "answer": "webhook and its answer on their way",
    "handler": "our handler works",
    "speech": "hears a sentence: no delay",
    "join": "is joined, or waits for the other leg",
    "not told": "live, no webhook tells what happens here",
}
# In the log these say when a call began, the earliest that is there counts.
_BEGAN = ("enqueuedTime", "startTime")
# Happenings that begin a phase.
_MARKS = {"queued": "request", "arrived": "join", "invite": "ring", "answered": "join"}
_EXCHANGE = ("webhook", "webhookAnswered")
_Mark = tuple[float, float, str]


@dataclass(frozen=True, slots=True)
class Span:
    """A phase of a leg; `start` and `end` in seconds from the moment when the phone's call began."""

    phase: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class LegTimes:
    """The phases of one leg until both ends heard each other, or until it ended; those of no length are left out."""

    leg: str
    spans: tuple[Span, ...]

    def of(self, phase: str) -> float:
        """Seconds of one phase."""
        return round(sum(span.seconds for span in self.spans if span.phase == phase), 3)


@dataclass(frozen=True, slots=True)
class FlowTimes:
    """The set-up of one flow. `set_up` is what `setup_times()` gives; `joined` is None when the two never heard each other."""

    flow: str
    plan: str
    set_up: float | None
    joined: float | None
    legs: tuple[LegTimes, ...]

    @property
    def title(self) -> str:
        """The flow, its plan, and its set-up time."""
        took = "not joined" if self.joined is None else f"set-up {self.set_up:g} s"
        return " · ".join(filter(None, [self.flow, self.plan, took]))

    @classmethod
    def of(cls, flow: str, plan: str, legs: Mapping[str, str], events: Sequence[Event], happened: Iterable[Happened] = ()) -> FlowTimes:
        """Read a flow: `legs` gives each leg's number or address by name; `happened` is what the platform did, nothing live."""
        told = list(happened)
        start = began(events)
        if start is None:
            return cls(flow, plan, None, None, ())
        calls = _calls(events, legs, told) if told else {}
        # Of what a platform has done in days, little is about one flow.
        here = [one for one in told if calls.keys() & set(one.call_ids) or one.kind in _EXCHANGE]
        joined = joined_here(here) if told else _joined_live(events)
        marks = _told_here(events, calls, here) if told else _told_live(events)
        ended = {calls[call]: _time(one.time) for one in reversed(here) if one.kind == "ended" for call in one.call_ids if call in calls}
        last = joined or max([start, *ended.values(), *(time for leg in marks.values() for time, _, _ in leg)])
        order = sorted(marks, key=lambda leg: (legs.get(leg, "").startswith("sip:"), list(legs).index(leg) if leg in legs else 0))
        timed = [LegTimes(leg, tuple(_spans(marks[leg], start, min(last, ended.get(leg, last))))) for leg in order]
        since = None if joined is None else round(joined - start, 3)
        return cls(flow, plan, set_up(events, here), since, tuple(leg for leg in timed if leg.spans))


def set_up(events: Sequence[Event], happened: Iterable[Happened] = ()) -> float | None:
    """Seconds on the platform's clock from the phone's call to the moment when both ends hear each other; None when that cannot be told.

    The local platform tells that moment, and what was spoken until then, which does not count: a greeting is no delay. Live it is read
    from the webhook that was answered with Bridge or at once with Connect, from the second member's join, or, for a Transfer, from the
    answer of an inbound call, which is answered when its other end is (assumed).
    """
    ours = {event.call_id for event in events if event.call_id}
    mine = [one for one in happened if ours.intersection(one.call_ids)]
    start, joined = began(events), joined_here(mine) or _joined_live(events)
    if start is None or joined is None:
        return None
    speeches = [(_time(one.time), float(one.data.get("seconds") or 0)) for one in mine if one.kind == "speak"]
    # A sentence that the join cut off counts as far as it was heard.
    return round(joined - start - sum(min(seconds, joined - at) for at, seconds in speeches if at < joined), 3)


def began(events: Sequence[Event]) -> float | None:
    """When the phone's call began. The WebRTC leg may have been up long before."""
    phones = [event for event in events if event.direction == "webhook" and not _sip(event) and any(name in event.data for name in _BEGAN)]
    return min((_time(next(event.data[name] for name in _BEGAN if name in event.data)) for event in phones), default=None)


def joined_here(mine: Sequence[Happened]) -> float | None:
    """When the platform first joined two of these calls, or took the second into a conference."""
    joined = [_time(one.time) for one in mine if one.kind in ("joined", "connected")]
    members = [_time(one.time) for one in mine if one.kind == "memberJoined"]
    return joined[0] if joined else members[1] if len(members) > 1 else None


# -- what the local platform tells -----------------------------------------------------------------------------------------------------


def _calls(events: Sequence[Event], legs: Mapping[str, str], happened: Sequence[Happened]) -> dict[str, str]:
    """The leg of each call. Of a Transfer's B leg the INVITE tells whose token it carried, or the join whose partner it is."""
    calls = {event.call_id: event.leg for event in events if event.call_id and event.leg}
    people = {_participant(event): event.leg for event in events if event.event_type == "createParticipant" and event.leg}
    names = {number: leg for leg, number in legs.items()}
    partners = {call for one in happened if one.kind == "joined" and calls.keys() & set(one.call_ids) for call in one.call_ids}
    for one in happened:
        call = next(iter(one.call_ids), "")
        if one.kind == "invite" and call not in calls:
            leg = people.get(one.data.get("participantId")) or (names.get(str(one.data.get("to"))) if call in partners else None)
            if leg is not None:
                calls[call] = leg
    return calls


def _participant(event: Event) -> Any:
    response = event.data.get("response")
    return (response.get("participant") or {}).get("id") if isinstance(response, Mapping) else None


def _told_here(events: Sequence[Event], calls: Mapping[str, str], happened: Sequence[Happened]) -> dict[str, list[_Mark]]:
    """When which phase of each leg began. A leg counts with its first call: what replaced it came after the set-up."""
    first: dict[str, str] = {}
    for one in happened:
        for call in one.call_ids:
            if call in calls:
                first.setdefault(calls[call], call)
    marks: dict[str, list[_Mark]] = {}
    for leg, call in first.items():
        own = [mark for one in happened if call in one.call_ids for mark in _moments(one)]
        marks[leg] = sorted([*own, *_webhooks([event for event in events if event.call_id == call], happened)])
    return marks


def _moments(one: Happened) -> Iterator[_Mark]:
    time = _time(one.time)
    if one.kind in _MARKS:
        yield time, one.seq, _MARKS[one.kind]
    elif one.kind == "speak":
        yield time, one.seq, "speech"
        yield time + float(one.data.get("seconds") or 0), one.seq, "join"


def _webhooks(events: Iterable[Event], happened: Iterable[Happened]) -> Iterator[_Mark]:
    """A webhook whose answer the call waits for: on its way, at the handler, and then the document runs."""
    sent = {one.seq: _time(one.time) for one in happened if one.kind == "webhook"}
    answered = {one.data.get("of"): (_time(one.time), one.seq) for one in happened if one.kind == "webhookAnswered"}
    for event in events:
        if event.direction == "webhook" and event.seq in sent and event.seq is not None and (event.verbs or event.error):
            yield sent[event.seq], event.seq, "answer"
            if event.seq in answered:
                until, seq = answered[event.seq]
                # The handler's time is real time, of which a clock that stands still shows nothing.
                worked = min((event.handler_ms or 0) / 1000, until - sent[event.seq])
                yield until - worked, seq, "handler"
                yield until, seq, "join"


# -- what webhooks tell ----------------------------------------------------------------------------------------------------------------


def _told_live(events: Sequence[Event]) -> dict[str, list[_Mark]]:
    """The same from the times in each leg's first webhook that has any."""
    marks: dict[str, list[_Mark]] = {}
    for event in _first_told(events):
        told = {name: _time(event.data[name]) for name in (*_BEGAN, "answerTime", "eventTime") if event.data.get(name)}
        at = told.get("answerTime") or told.get("eventTime") or min(told.values())
        worked = (event.handler_ms or 0) / 1000
        phases = [(told.get("enqueuedTime"), "request"), (told.get("startTime") if event.event_type == "answer" else None, "ring")]
        known = [(time, place, phase) for place, (time, phase) in enumerate(phases) if time is not None]
        marks[str(event.leg)] = [*known, (at, 2, "handler"), (at + worked, 3, "not told")]
    return marks


def _first_told(events: Sequence[Event]) -> Iterator[Event]:
    legs: set[str] = set()
    for event in events:
        told = event.direction == "webhook" and event.duplicate_of is None and event.event_type in ("initiate", "answer")
        if told and event.leg and event.leg not in legs and any(name in event.data for name in _BEGAN):
            legs.add(event.leg)
            yield event


def _joined_live(events: Sequence[Event]) -> float | None:
    webhooks = [event for event in events if event.direction == "webhook" and event.duplicate_of is None]
    told = [(event, _time(event.data["eventTime"])) for event in webhooks if "eventTime" in event.data]
    bridges = [time for event, time in told if "Bridge" in event.verbs or event.verbs[:1] == ("Connect",)]
    members = [time for event, time in told if event.event_type == "conferenceMemberJoin"]
    transfers = [
        _time(event.data["answerTime"])
        for event in webhooks
        if event.event_type == "disconnect" and event.data.get("direction") == "inbound" and "answerTime" in event.data
    ]
    return next(iter([*bridges[:1], *members[1:2], *transfers[:1]]), None)


# -- from marks to spans ---------------------------------------------------------------------------------------------------------------


def _spans(marks: Sequence[_Mark], start: float, until: float) -> Iterator[Span]:
    """Each phase lasts until the next begins."""
    ends = [*(time for time, _, _ in marks[1:]), until]
    for (time, _, phase), end in zip(marks, ends, strict=True):
        one, two = round(time - start, 3), round(min(end, until) - start, 3)
        if two > one:
            yield Span(phase, one, two)


def _sip(event: Event) -> bool:
    return any(str(value).startswith("sip:") for value in (event.to, event.from_))


def _time(text: Any) -> float:
    return datetime.fromisoformat(str(text)).timestamp()
