"""What each mode costs, counted from the log: legs, calls, requests, webhooks, handlers, and the time until both ends hear each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from workbench.records import Event, Happened
from workbench.timing import set_up

if TYPE_CHECKING:
    from pandas import DataFrame


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
