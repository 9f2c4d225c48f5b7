"""Step mode: a webhook is held before it is answered, and a reader decides what happens next.

The callback server's threads wait here; a cell or a panel decides. While something is held, the local platform's clock stands; live it
cannot, so the handler's own answer goes out before the platform stops waiting.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench import bxml
from workbench.errors import WaitError, WorkbenchError
from workbench.local import Local
from workbench.modes import Flow, Gate, Written
from workbench.modes.handlers import ASKING, CONFERENCE, EVENT_TYPES, TELLING
from workbench.records import Event, Reply
from workbench.spoiling import spoilt
from workbench.verdict import Verdict, judge, restored

# Each held webhook keeps one of the callback server's 16 threads; the others answer on.
MOST = 8
# The platform waits 15 s for an answer unless a call says otherwise (webhooks/about); two are left for the way.
LIVE_SECONDS = 13.0
TIMEOUT_SECONDS = 15.0
# Values of attributes, and texts of elements.
_VALUE = re.compile(r"(?<=\")[^\"<>]+(?=\")|(?<=>)[^<>]+(?=<)")
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
        self.until = event.time + LIVE_SECONDS
        self._stepper, self._written = stepper, written
        self._secrets, self.document = stepper.shown(written)
        self._answer: Written | Reply = written
        self._decided = threading.Event()

    def __repr__(self) -> str:
        event = self.event
        about = " ".join(filter(None, [event.event_type, event.leg, event.cause and f"({event.cause})", "of", self.flow]))
        if self.state != "held":
            return f"<{about}: {self.state}>"
        return f"Held: {about}. The handler would answer:\n{self.document or '(nothing)'}"

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

    def step(self, document: Any = None) -> Stop:
        """Like `send`, and the next webhook is held, whatever it is."""
        if self.held:
            self._stepper.once = True
        try:
            return self.send(document)
        except WorkbenchError:
            self._stepper.once = False
            raise

    def fault(self, kind: str) -> Stop:
        """Have the answer go wrong: timeout, 500, "bad XML" or "wrong type"."""
        if not self.asks:
            raise WorkbenchError(f"nothing can go wrong with the answer to {self.event.event_type}: the platform ignores it")
        reply = spoilt(kind, Reply(body=self._written.body, verbs=self._written.names))
        if kind == "timeout" and self.held:
            self._stepper.outwait()
        return self._decide("failed on purpose", reply)

    def let_go(self, state: State = "let go") -> None:
        """Answer with the handler's document; decided already: nothing happens."""
        with suppress(WorkbenchError):
            self._decide(state, self._written)

    def wait(self, seconds: float | None) -> Written | Reply:
        """Wait on the callback's thread until it is decided, at most so long; then the handler's own answer goes out."""
        if not self._decided.wait(seconds):
            self.let_go("sent by itself")
        return self._answer

    def _decide(self, state: State, answer: Written | Reply) -> Stop:
        if not self._stepper.decide(self, state):
            raise WorkbenchError(f"this event is not held any more: it was {self.state}")
        self._answer = answer
        self._decided.set()
        return self

    def _text(self, document: Any) -> str:
        if document is None:
            return self.document
        if isinstance(document, str):
            return document
        return self._stepper.shown(self._stepper.written(document))[1]


@dataclass
class Stepper:
    """Which webhooks are held, and those that are. Thread-safe. `local` is the platform whose clock can wait.

    `mask` hides secrets in what is shown, `write` makes a document of what a handler may return, `told` is called at each change.
    """

    gate: Gate
    local: Local | None
    mask: Callable[[str], str]
    write: Callable[[Any, Gate], Written]
    told: list[Callable[[], object]] = field(default_factory=list)
    events: frozenset[str] | None = frozenset()
    once: bool = False

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[Stop] = []
        self._given: set[int] = set()
        self._count = 0
        self._since, self._seconds = 0.0, 0.0

    def __repr__(self) -> str:
        if self.events is None:
            return "Step mode: every event that asks for a document is held."
        return f"Step mode: {', '.join(sorted(self.events))} is held." if self.events else "Step mode is off."

    # -- what is held --------------------------------------------------------------------------------------------------------------

    def on(self, *event_types: str) -> None:
        """Hold these events from now on; without a name all that ask for a document. Raises WorkbenchError for one that does not exist."""
        unknown = [name for name in event_types if name not in EVENT_TYPES]
        if unknown:
            raise WorkbenchError(f"there is no event {unknown[0]!r}; there are {', '.join(sorted(EVENT_TYPES))}")
        self.events = frozenset(event_types) or None
        self._tell()

    def off(self) -> None:
        """Hold nothing more; what is held is answered by its handler."""
        self.events, self.once = frozenset(), False
        for stop in self.stops:
            stop.let_go()
        self._tell()

    @property
    def stops(self) -> list[Stop]:
        """What is held, the oldest first."""
        with self._changed:
            return list(self._held)

    @property
    def holding(self) -> bool:
        """Whether something is held."""
        return bool(self._held)

    def held_seconds(self) -> float:
        """For how long, so far, something was held while the platform's clock stood."""
        with self._changed:
            return self._seconds + (time.perf_counter() - self._since if self._since else 0.0)

    def take(self, timeout: float) -> Stop:
        """The oldest stop that nobody has taken yet, or the next one. Raises WaitError after `timeout` seconds."""
        until = time.monotonic() + timeout
        with self._changed:
            while True:
                for stop in self._held:
                    if stop.number not in self._given:
                        self._given.add(stop.number)
                        return stop
                if not self._changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    raise WaitError(f"nothing was held within {timeout:g} s. {self!r}")

    # -- the callbacks' threads ----------------------------------------------------------------------------------------------------

    def review(self, event: Event, flow: Flow, written: Written) -> Written | Reply:
        """What is sent: at a stop whatever the reader decides."""
        stop = self._stop(event, flow, written)
        if stop is None:
            return written
        self._tell()
        return stop.wait(None if self.local is not None else max(0.0, stop.until - time.time()))

    def _stop(self, event: Event, flow: Flow, written: Written) -> Stop | None:
        with self._changed:
            if not self._wants(event.event_type) or len(self._held) >= MOST:
                return None
            self.once = False
            self._count += 1
            stop = Stop(self, self._masked(event), flow, written, self._count)
            local = self.local
            if local is not None and not self._held:
                local.clock.halt()
                self._since = time.perf_counter()
            self._held.append(stop)
            self._changed.notify_all()
            return stop

    def _gone(self, stop: Stop) -> None:
        local = self.local
        with self._changed:
            self._held.remove(stop)
            if local is not None and not self._held:
                self._seconds, self._since = self._seconds + time.perf_counter() - self._since, 0.0
                # The platform may be gone by now.
                with suppress(WorkbenchError):
                    local.clock.go_on()
        self._tell()

    def _wants(self, event_type: str) -> bool:
        asks = event_type in ASKING or event_type in CONFERENCE
        return event_type in self.events if self.events is not None and not self.once else asks

    # -- decisions -----------------------------------------------------------------------------------------------------------------

    def decide(self, stop: Stop, state: State) -> bool:
        """Whether this decision is the first one."""
        with self._changed:
            if stop.state != "held":
                return False
            stop.state = state
        # Here and not where the answer leaves: whoever decides may move the clock next.
        self._gone(stop)
        return True

    def outwait(self) -> None:
        """Let the local platform's clock pass the time that it waits for an answer; live it has to be waited for."""
        local = self.local
        if local is None:
            time.sleep(TIMEOUT_SECONDS)
        else:
            local.clock.go_on()
            local.clock.advance(TIMEOUT_SECONDS)

    # -- documents -----------------------------------------------------------------------------------------------------------------

    def written(self, document: Any) -> Written:
        """What goes out for a document: with our credentials beside our URLs."""
        return self.write(document, self.gate)

    def shown(self, written: Written) -> tuple[dict[str, str], str]:
        """The secrets behind a document's placeholders, and the document for a reader.

        Our own credentials are left out: they come back by themselves.
        """
        if not written.verbs:
            text = "" if written.body in ("", bxml.Response().to_bxml()) else written.body
            return self._hidden(text)
        plain = tuple(self._stripped(verb) for verb in written.verbs)
        return self._hidden(bxml.Response(plain).pretty())

    def _stripped(self, verb: bxml.Verb) -> bxml.Verb:
        ours = {self.gate.username, self.gate.password}
        found: dict[str, Any] = {}
        for name in verb.__dataclass_fields__:
            value = getattr(verb, name)
            if isinstance(value, tuple):
                found[name] = tuple(self._stripped(item) if isinstance(item, bxml.Verb) else item for item in value)
            elif isinstance(value, str) and value in ours and name.endswith(("username", "password")):
                found[name] = None
        return replace(verb, **found)

    def _hidden(self, text: str) -> tuple[dict[str, str], str]:
        secrets: dict[str, str] = {}

        def hide(found: re.Match[str]) -> str:
            masked = self.mask(found[0])
            if masked != found[0]:
                secrets[masked] = found[0]
            return masked

        return secrets, self.mask(_VALUE.sub(hide, text))

    def _masked(self, event: Event) -> Event:
        return replace(event, data={name: self.mask(value) if isinstance(value, str) else value for name, value in event.data.items()})

    def _tell(self) -> None:
        for listener in tuple(self.told):
            with suppress(Exception):
                listener()
