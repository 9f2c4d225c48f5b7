"""A webhook that is held before it is answered: what it asks, what would be sent, and the reader's decision."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import WorkbenchError
from workbench.modes import Flow, Written
from workbench.modes.handlers import TELLING
from workbench.records import Event, Reply
from workbench.spoiling import spoilt
from workbench.verdict import Verdict, judge, restored

if TYPE_CHECKING:
    from workbench.stepping import Stepper

# The platform waits 15 s for an answer unless a call says otherwise (webhooks/about); live two are left for the way.
TIMEOUT_SECONDS = 15.0
WAY_SECONDS = 2.0
State = Literal["held", "sent", "sent by itself", "let go", "failed on purpose"]


class Stop:
    """A webhook that is held.

    `event` is masked, `document` is what the handler returned, its secrets as placeholders that are put back when it is sent.
    """

    def __init__(self, stepper: Stepper, event: Event, flow: Flow, written: Written, number: int) -> None:
        self.number = number
        self.event = event
        self.flow = flow.id
        self.asks = event.event_type not in TELLING
        self.state: State = "held"
        leg = flow.legs.get(event.leg or "")
        self.patience = (leg and leg.callback_timeout) or TIMEOUT_SECONDS
        self.until = event.time + max(self.patience - WAY_SECONDS, self.patience / 2)
        self._stepper, self._written = stepper, written
        self._secrets, self.document = stepper.shown(written)
        self._answer: Written | Reply = written
        self._decided = threading.Event()

    def __repr__(self) -> str:
        if self.state != "held":
            return f"<{self.about}: {self.state}>"
        return f"Held: {self.about}. The handler would answer:\n{self.document or '(nothing)'}"

    @property
    def about(self) -> str:
        """What is held, in a few words."""
        event = self.event
        return " ".join(filter(None, [event.event_type, event.leg, event.cause and f"({event.cause})", "of", self.flow]))

    @property
    def held(self) -> bool:
        """Whether it waits for a decision."""
        return not self._decided.is_set()

    def check(self, document: Any = None) -> Verdict:
        """What the checker says of a document (a text, verbs), or of the handler's own."""
        return judge(self._text(document), self.event.event_type, self._secrets)

    def send(self, document: Any = None, *, anyway: bool = False) -> Stop:
        """Answer with the handler's document, or with this one instead.

        Raises WorkbenchError for a document that the platform would refuse, with the verdict; `anyway` sends it, to see what comes of it.
        """
        text = self._text(document)
        verdict = judge(text, self.event.event_type, self._secrets)
        if not (verdict.good or anyway or document is None):
            raise WorkbenchError(
                f"not sent, the event is still held. {verdict!r}\nTo send it nevertheless: stop.send(document, anyway=True)"
            )
        return self._decide("sent", self._written if document is None else self._stepper.written(restored(text, self._secrets)))

    def step(self, document: Any = None, *, anyway: bool = False) -> Stop:
        """Like `send`, and the next webhook is held, whatever it is."""
        if self.held:
            self._stepper.once = True
        try:
            return self.send(document, anyway=anyway)
        except WorkbenchError:
            self._stepper.once = False
            raise

    def fault(self, kind: str) -> Stop:
        """Have the answer go wrong: timeout, 500, "bad XML" or "wrong type"."""
        if not self.asks:
            raise WorkbenchError(f"nothing can go wrong with the answer to {self.event.event_type}: the platform ignores it")
        reply = spoilt(kind, Reply(body=self._written.body, verbs=self._written.names))
        if kind == "timeout" and self.held:
            self._stepper.outwait(self)
        return self._decide("failed on purpose", reply)

    def let_go(self, state: State = "let go") -> None:
        """Answer with the handler's document; decided already: nothing happens."""
        with suppress(WorkbenchError):
            self._decide(state, self._written)

    def wait(self, seconds: float | None) -> Written | Reply:
        """Wait on the callback's thread until it is decided, at most so long; then the handler's own answer goes out."""
        if not self._decided.wait(seconds):
            self.let_go("sent by itself")
        if isinstance(self._answer, Reply) and self._answer.late and self._stepper.local is None:
            # Nobody moves a live platform's clock: what is to be too late is so in real time.
            self._stepper.ended.wait(max(0.0, self.event.time + self.patience + 1 - time.time()))
        return self._answer

    def _decide(self, state: State, answer: Written | Reply) -> Stop:
        if not self._stepper.decide(self, state):
            raise WorkbenchError(f"this event is not held any more: it was {self.state}")
        self._answer = answer
        self._decided.set()
        self._stepper.tell()
        return self

    def _text(self, document: Any) -> str:
        if document is None:
            return self.document
        if isinstance(document, str):
            return document
        return self._stepper.shown(self._stepper.written(document))[1]
