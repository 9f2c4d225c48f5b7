"""The live event table: every request made and every webhook received, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from workbench import details
from workbench.details import Known
from workbench.errors import WorkbenchError
from workbench.records import Event
from workbench.widgets import text
from workbench.widgets.deltas import Rows
from workbench.widgets.panel import module
from workbench.widgets.publisher import Publisher
from workbench.widgets.sieve import Sieve, as_csv, as_json

if TYPE_CHECKING:
    from pandas import DataFrame

HEADS = ("time", "ms", "event", "leg", "from", "to", "cause", "answered", "handler ms", "label")
NAMES = ("time", "ms", "event", "leg", "from", "to", "cause", "answered", "handler", "label")
COLOURS = {"documented": "#dff3e8", "observed": "#e3effb", "assumed": "#fbeed7"}


class Log(Protocol):
    """What the table needs of an `EventLog`."""

    def subscribe(self, listener: Callable[[Event], None], *, early: bool = False) -> Callable[[], None]: ...

    def events(self, mode: str | None = None, flow: str | None = None) -> list[Event]: ...

    def event(self, number: int) -> Event | None: ...


class EventTable(Rows):
    """All events of the log, or those of one `mode` or `flow`; a row opens to what was sent and what was answered."""

    _esm = module("table.js")

    def __init__(
        self, log: Log, publisher: Publisher, *, mode: str | None = None, flow: str | None = None, known: Known | None = None
    ) -> None:
        self._publisher, self._log, self._known = publisher, log, known
        self._wanted = (mode, flow)
        self._events: dict[int, Event] = {}
        self._sieve, self._sifted = Sieve(), 0
        self._begin()
        with self._lock:
            self._unsubscribe = log.subscribe(self._hear, early=True)
            rows = self._fresh(log.events(mode=mode, flow=flow))
            super().__init__(publisher, f"{(flow or mode or 'all').capitalize()} · events", rows=rows)

    def details(self, event_id: int) -> dict[str, Any]:
        """What a row opens to, masked: see `workbench.details`."""
        return detail(self._events[event_id], self._known)

    def filter(self, **fields: Any) -> EventTable:
        """Show only some rows: by `text`, `leg`, `event`, `cause`, `since`, `until`, `kind` (webhook, request, failed).

        Without any, all are shown. What was sorted stays so.
        """
        self._sift(Sieve(by=self._sieve.by, down=self._sieve.down) if not fields else self._sieve.with_(**fields))
        return self

    def sort(self, by: str | None = None, down: bool = False) -> EventTable:
        """Sort by a column, from the largest with `down`; without a column, back to the platform's order."""
        self._sift(self._sieve.with_(by=by, down=bool(down and by)))
        return self

    def frame(self) -> DataFrame:
        """What is shown, filtered and sorted as in the page, as a DataFrame with the columns of `wb.events`."""
        from workbench.frames import frame

        mode, flow = self._wanted
        events = self._log.events(mode=mode, flow=flow)
        return frame(events).iloc[self._sieve.shown(_timed([row(event) for event in events]))].reset_index(drop=True)

    def csv(self) -> str:
        """What is shown as CSV, as the page's button copies it."""
        return as_csv(self._shown())

    def json(self) -> str:
        """What is shown as JSON, as the page's button copies it."""
        return as_json(self._shown())

    def _shown(self) -> list[dict[str, Any]]:
        mode, flow = self._wanted
        rows = _timed([row(event) for event in self._log.events(mode=mode, flow=flow)])
        return [rows[place] for place in self._sieve.shown(rows)]

    def _sift(self, sieve: Sieve) -> None:
        self._sieve = sieve
        self._sifted += 1
        self._publisher.put(self, {"sieve": {**asdict(sieve), "n": self._sifted}})

    def html(self) -> str:
        """The table as static HTML, read from the log: events that are still on their way to the page are in it."""
        return text.table_html(self.title, HEADS, ([row[name] for name in NAMES] for row in self._shown()), COLOURS)

    def close(self) -> None:
        """Take the table off the page and off the log."""
        self._unsubscribe()
        super().close()

    def _hear(self, event: Event) -> None:
        mode, flow = self._wanted
        if (mode is None or event.mode == mode) and (flow is None or event.flow == flow):
            self._publisher.put(self, event)

    def _fresh(self, events: list[Event]) -> list[dict[str, Any]]:
        """Rows of what is new; an event is told again when its outcome is known, and then its row is replaced."""
        rows = []
        for event in events:
            known = self._events.get(event.id)
            if known is None or (known.status is None and known != event):
                self._events[event.id] = event
                rows.append(row(event))
        return rows

    def _asked(self, item: dict[str, Any]) -> None:
        if item.get("detail") in self._events:
            self.send({"detail": self.details(item["detail"])})
        elif isinstance(item.get("sieve"), dict):
            # A reader has chosen in the page: the page shows it already.
            with suppress(WorkbenchError):
                self._sieve = Sieve().with_(**item["sieve"])


def _timed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with the milliseconds since the first of their flow, where they have one."""
    starts: dict[str | None, float] = {}
    for each in rows:
        starts[each["flow"]] = min(each["at"], starts.get(each["flow"], each["at"]))
    return [{**each, "ms": None if each["flow"] is None else round((each["at"] - starts[each["flow"]]) * 1000)} for each in rows]


def row(event: Event) -> dict[str, Any]:
    """What the page shows of an event. It works out the order and the milliseconds itself: an earlier event may be told later."""
    return {
        "id": event.id,
        "seq": event.seq,
        "at": event.time,
        "flow": event.flow,
        "way": event.direction,
        "time": text.clock(event.time),
        "event": event.event_type,
        "leg": event.leg or "",
        "from": text.party(event.from_),
        "to": text.party(event.to),
        "cause": event.cause or "",
        "answered": answered(event),
        "handler": None if event.handler_ms is None else round(event.handler_ms, 1),
        "label": event.label or "",
        "bad": bool(event.error) or event.late or (event.status or 0) >= 400,
        "again": event.duplicate_of is not None,
    }


def answered(event: Event) -> str:
    """What came back: the verbs of a webhook's answer, the status of a request."""
    if event.direction == "request":
        return "no answer" if event.status is None else str(event.status)
    if event.late:
        return "too late"
    if event.error:
        return f"error {event.status or ''}".strip()
    if event.verbs:
        return " ".join(event.verbs)
    if event.status in (None, 200, 204):
        # A handler that forgot its `return`, or gave a text that is no BXML: the call ends of it.
        return "no verb" if event.reply else ""
    return str(event.status)


def detail(event: Event, known: Known | None = None) -> dict[str, Any]:
    """What an event opens to."""
    return asdict(details.of(event, known))
