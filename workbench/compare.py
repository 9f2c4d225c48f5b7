"""What each mode costs, counted from the log: legs, calls, requests, webhooks, handlers, and the time until both ends hear each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workbench.records import Event, Happened

if TYPE_CHECKING:
    from pandas import DataFrame

# In the log these say when a call began, the earliest that is there counts.
_BEGAN = ("enqueuedTime", "startTime")


@dataclass(frozen=True)
class Count:
    """One flow in numbers: `calls` the application handled by id, `legs` with those the platform dialed for it, `set_up` in seconds."""

    mode: str
    legs: int
    calls: int
    requests: int
    webhooks: int
    handlers: int
    set_up: float | None


def count(mode: str, events: Sequence[Event], happened: Iterable[Happened] = ()) -> Count:
    """Count the events of one flow."""
    webhooks = [event for event in events if event.direction == "webhook" and event.duplicate_of is None]
    return Count(
        mode=mode,
        legs=len({event.leg for event in events if event.leg}),
        calls=len({event.call_id for event in events if event.call_id}),
        requests=sum(event.direction == "request" for event in events),
        webhooks=len(webhooks),
        handlers=len({event.event_type for event in webhooks if event.verbs}),
        set_up=set_up(events, happened),
    )


def set_up(events: Sequence[Event], happened: Iterable[Happened] = ()) -> float | None:
    """Seconds on the platform's clock from the phone's call to the moment when both ends hear each other; None when that cannot be told.

    The local platform tells that moment, and what was spoken until then, which does not count: a greeting is no delay. Live it is read
    from the webhook that was answered with Bridge, from the second member's join, or, for a Transfer, from the answer of an inbound call,
    which is answered when its other end is (assumed).
    """
    mine = _ours(events, happened)
    began, joined = _began(events), _joined_here(mine) or _joined_live(events)
    if began is None or joined is None:
        return None
    return round((joined - began).total_seconds() - _spoken(mine, joined), 3)


def play(begin: Callable[[Any], Any], phone: Any, run_on: Callable[[], object], settle: Callable[[], object]) -> Any:
    """The story that every mode is compared by: a phone is called, connected with the browser, and hangs up. Gives its flow, closed."""
    flow = begin(phone)
    run_on()
    phone.hangup()
    run_on()
    flow.close()
    settle()
    return flow


def table(counts: Iterable[Count]) -> DataFrame:
    """One row per mode."""
    from pandas import DataFrame

    rows = [asdict(one) for one in counts]
    return DataFrame(rows).set_index("mode").rename(columns={"set_up": "set-up s"})


def _began(events: Sequence[Event]) -> datetime | None:
    """When the phone's call began. The WebRTC leg may have been up long before."""
    phones = [event for event in events if event.direction == "webhook" and not _sip(event) and any(name in event.data for name in _BEGAN)]
    return min((_time(next(event.data[name] for name in _BEGAN if name in event.data)) for event in phones), default=None)


def _ours(events: Sequence[Event], happened: Iterable[Happened]) -> list[Happened]:
    ours = {event.call_id for event in events if event.call_id}
    return [one for one in happened if ours.intersection(one.call_ids)]


def _spoken(mine: Iterable[Happened], joined: datetime) -> float:
    """Seconds spoken before the join; a sentence that the join cut off counts as far as it was heard."""
    speeches = [(_time(one.time), float(one.data.get("seconds") or 0)) for one in mine if one.kind == "speak"]
    return sum(min(seconds, (joined - at).total_seconds()) for at, seconds in speeches if at < joined)


def _joined_here(mine: Iterable[Happened]) -> datetime | None:
    mine = list(mine)
    joined = [_time(one.time) for one in mine if one.kind == "joined"]
    members = [_time(one.time) for one in mine if one.kind == "memberJoined"]
    return joined[0] if joined else members[1] if len(members) > 1 else None


def _joined_live(events: Sequence[Event]) -> datetime | None:
    webhooks = [event for event in events if event.direction == "webhook" and event.duplicate_of is None]
    told = [(event, _time(event.data["eventTime"])) for event in webhooks if "eventTime" in event.data]
    bridges = [time for event, time in told if "Bridge" in event.verbs]
    members = [time for event, time in told if event.event_type == "conferenceMemberJoin"]
    transfers = [
        _time(event.data["answerTime"])
        for event in webhooks
        if event.event_type == "disconnect" and event.data.get("direction") == "inbound" and "answerTime" in event.data
    ]
    return next(iter([*bridges[:1], *members[1:2], *transfers[:1]]), None)


def _sip(event: Event) -> bool:
    return any(str(value).startswith("sip:") for value in (event.to, event.from_))


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
