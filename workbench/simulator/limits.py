"""What an account may do at most: the limits themselves, the queue that calls wait in, and what began within the last second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from workbench.simulator.calls import Call
from workbench.simulator.effects import Refusal

QUEUE_SECONDS = 300  # the queue holds the calls of five minutes (documented, voice/callQueueing)
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """An account's limits; None is no limit. `calls_per_second` counts calls in and out together, `calls_at_once` all under way.

    Endpoints are documented to be limited, their number is not.
    """

    calls_per_second: int | None = None
    queue: int | None = None
    calls_at_once: int | None = None
    requests_per_second: int | None = None
    endpoints: int | None = 10_000

    @property
    def capacity(self) -> int | None:
        """How many calls may wait: as many as are dequeued in five minutes, unless told."""
        if self.queue is None and self.calls_per_second is not None:
            return QUEUE_SECONDS * self.calls_per_second
        return self.queue


# A rate of requests is documented without its number: it is turned on alone.
DOCUMENTED = Limits(calls_per_second=5, calls_at_once=100)
NAMES = tuple(item.name for item in fields(Limits))


def changed(limits: Limits, values: Mapping[str, Any]) -> Limits:
    """Other limits: `on` turns the documented ones on or all of them off, a name sets one, null lifts it. Raises Refusal."""
    for name, value in values.items():
        if name == "on":
            fits, wanted = isinstance(value, bool), "true or false"
        elif name in NAMES:
            whole = isinstance(value, int) and not isinstance(value, bool)
            fits, wanted = value is None or (whole and 1 <= value <= MOST), f"a whole number from 1 to {MOST}, or null"
        else:
            raise Refusal(400, f"unknown field {name}: one of on, {', '.join(NAMES)}", "limits.field")
        if not fits:
            raise Refusal(400, f"{name} must be {wanted}, but was {value!r}", "limits.field")
    if "on" in values:
        limits = DOCUMENTED if values["on"] else Limits()
    return replace(limits, **{name: value for name, value in values.items() if name != "on"})


@dataclass(slots=True)
class Window:
    """The moments of the last second, in epoch seconds."""

    moments: deque[float] = field(default_factory=deque)

    def opens(self, now: float, most: int) -> float | None:
        """When there is room for one more, at `most` a second; None when there is now."""
        while self.moments and self.moments[0] + 1.0 <= now:
            self.moments.popleft()
        return None if len(self.moments) < most else self.moments[-most] + 1.0

    def room(self, now: float, most: int) -> int:
        """How many more fit now."""
        return 0 if self.opens(now, most) is not None else most - len(self.moments)


@dataclass(slots=True)
class Queue:
    """Calls that wait to begin: by priority, 1 first, else in the order they came."""

    rows: dict[int, dict[str, tuple[int, Call]]] = field(default_factory=lambda: {priority: {} for priority in range(1, 6)})
    count: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def add(self, call: Call) -> None:
        """Let a call wait."""
        self.count += 1
        self.rows[call.priority][call.call_id] = self.count, call

    def remove(self, call: Call) -> None:
        """A call waits no more."""
        del self.rows[call.priority][call.call_id]

    def first(self) -> Call | None:
        """The call whose turn it is."""
        return next((call for row in self.rows.values() for _, call in row.values()), None)

    def overtaken(self, call: Call) -> bool:
        """Whether a less urgent call that came earlier is passed over for this one."""
        place, _ = self.rows[call.priority][call.call_id]
        return any(next(iter(row.values()))[0] < place for row in self.rows.values() if row)
