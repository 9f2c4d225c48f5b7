"""Events as a table for the reader.

Columns: time (local, HH:MM:SS.mmm), ms (since the first event of the flow), event, leg, from, to, cause, verbs (what was answered),
handler ms, label (documented, observed or assumed: what backs the platform's behaviour), and at the end, for a closer look, kind, flow,
call, status, error.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workbench.records import Event

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = (
    "time",
    "ms",
    "event",
    "leg",
    "from",
    "to",
    "cause",
    "verbs",
    "handler ms",
    "label",
    "kind",
    "flow",
    "call",
    "status",
    "error",
)
# What "the same table twice" compares.
SAME = ("event", "leg", "from", "to", "cause", "verbs")


def frame(events: Iterable[Event]) -> DataFrame:
    """A DataFrame of the events in the order given."""
    # pandas takes a second to import: only who asks for a table pays
    from pandas import DataFrame

    events = list(events)
    began: dict[str | None, float] = {}
    for event in events:
        began[event.flow] = min(event.time, began.get(event.flow, event.time))
    table = DataFrame([_row(event, began[event.flow]) for event in events], columns=list(COLUMNS))
    return table.astype({"ms": "int64", "handler ms": "float64", "status": "Int64"})


def _row(event: Event, began: float) -> tuple[Any, ...]:
    return (
        datetime.fromtimestamp(event.time).strftime("%H:%M:%S.%f")[:-3],
        round((event.time - began) * 1000),
        event.event_type + (" (again)" if event.duplicate_of is not None else ""),
        event.leg or "",
        event.from_ or "",
        event.to or "",
        event.cause or "",
        ", ".join(event.verbs),
        event.handler_ms,
        event.label or "",
        event.direction,
        event.flow or "",
        event.call_id or "",
        event.status,
        event.error or "",
    )
