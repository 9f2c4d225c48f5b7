"""Step mode as a panel: what is held, what would be answered, and what is answered instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from workbench.details import explained
from workbench.errors import WorkbenchError
from workbench.widgets import text
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher

# Events that ask for a document, those of the lessons first.
CHOICES = (
    *("initiate", "answer", "redirect", "transferAnswer", "transferComplete", "bridgeComplete", "bridgeTargetComplete"),
    *("conferenceCreated", "conferenceMemberJoin", "conferenceMemberExit", "gather", "recordComplete", "referComplete"),
)
# Events that only tell something, those of the lessons first.
TELLING = (
    *("disconnect", "transferDisconnect", "conferenceCompleted", "dtmf", "machineDetectionComplete", "recordingAvailable"),
    *("conferenceRecordingAvailable", "transcriptionAvailable"),
)
# What a reader knows of an event already, or need not.
LEFT_OUT = frozenset({"eventType", "accountId", "applicationId", "callUrl", "sipCallId"})


class StepperLike(Protocol):
    """What holds events; see `workbench.stepping.Stepper`."""

    told: list[Any]
    events: Any
    local: Any
    last: Any

    @property
    def stops(self) -> Sequence[Any]: ...

    def on(self, *event_types: str) -> None: ...

    def off(self) -> None: ...


class StepPanel(Panel):
    """Chooses which events are held, shows them, and answers them; each button has a method. Stops are named by their number."""

    _esm = module("stepper.js")

    def __init__(self, publisher: Publisher, stepper: StepperLike) -> None:
        self._stepper, self._last = stepper, stepper.last
        super().__init__(publisher, "What now? · step mode", view=self._view())
        stepper.told.append(self._see)

    @action
    def hold(self, events: Sequence[str] = ()) -> None:
        """Hold these events; with none, all that ask for a document."""
        self._stepper.on(*events)
        self.say("From now on held: " + (", ".join(events) or "every event that asks for a document") + ".")

    @action
    def off(self) -> None:
        """Hold nothing more; what is held is answered by its handler."""
        self._stepper.off()
        self.say("Step mode is off: handlers answer by themselves.")

    @action
    def check(self, stop: int, document: str) -> Any:
        """The checker's verdict on a document, shown beside the editor, with what each line of it does."""
        held = self._stop(stop)
        verdict = held.check(document)
        parts = list(explained(document)) if verdict.good and held.asks else []
        shown = {"stop": stop, "good": verdict.good, "text": repr(verdict), "line": verdict.line, "document": document, "explained": parts}
        self.hand(verdict=shown)
        return verdict

    @action
    def answer(self, stop: int, document: str | None = None, anyway: bool = False) -> None:
        """Answer with this document, or with the handler's."""
        self._decided(self._stop(stop).send(document, anyway=anyway))

    @action
    def step(self, stop: int, document: str | None = None) -> None:
        """Answer, and hold the next event, whatever it is."""
        self._decided(self._stop(stop).step(document))

    @action
    def fault(self, stop: int, kind: str) -> None:
        """Have the answer go wrong: timeout, 500, "bad XML" or "wrong type"."""
        self._decided(self._stop(stop).fault(kind))

    def html(self) -> str:
        """What is held, as static HTML."""
        rows = [(one["event"], one["leg"], one["flow"], one["document"]) for one in self._view()["held"]]
        return text.table_html(self.title, ("held", "leg", "flow", "would be answered"), rows)

    def close(self) -> None:
        """Take the panel off the page."""
        self._stepper.told.remove(self._see)
        super().close()

    def _stop(self, number: int) -> Any:
        for stop in self._stepper.stops:
            if stop.number == number:
                return stop
        raise WorkbenchError("this event is not held any more")

    def _decided(self, stop: Any) -> None:
        self.say(f"{stop.event.event_type} {stop.event.leg or ''}".strip() + f": {stop.state}.")

    def _see(self) -> None:
        last = self._stepper.last
        if last is not self._last and last.state == "sent by itself":
            self.say(
                f"{last.about}: the handler's own answer was sent by itself, because the platform would not have waited longer.", "info"
            )
        self._last = last
        self._publisher.put(self, self._view())

    def _view(self) -> dict[str, Any]:
        events = self._stepper.events
        on = list(CHOICES) if events is None else sorted(events)
        choices = [*CHOICES, *(name for name in on if name not in (*CHOICES, *TELLING))]
        held = [_held(stop, live=self._stepper.local is None) for stop in self._stepper.stops]
        return {"choices": choices, "telling": list(TELLING), "on": on, "all": events is None, "held": held}


def _held(stop: Any, *, live: bool) -> dict[str, Any]:
    event = stop.event
    fields = {name: value for name, value in event.data.items() if name not in LEFT_OUT and isinstance(value, str | int | float)}
    return {
        "number": stop.number,
        "id": event.id,
        "event": event.event_type,
        "leg": event.leg or "",
        "flow": stop.flow,
        "cause": event.cause or "",
        "time": text.clock(event.time),
        "asks": stop.asks,
        "document": stop.document,
        "fields": [[name, text.party(str(value)) if name in ("from", "to") else text.masked(str(value))] for name, value in fields.items()],
        "until": stop.until * 1000 if live else None,
    }
