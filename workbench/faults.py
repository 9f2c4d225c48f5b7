"""What can go wrong, on demand: each fault says what the platform does about it, how sure that is, and which lesson step explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from workbench.errors import WorkbenchError

Where = Literal["answer", "delivery", "token", "phone", "room", "sound"]


@dataclass(frozen=True)
class Fault:
    """`what` goes wrong, what the platform does `then`, the `label` of that and the `rule`; `step` is the lesson's that explains it."""

    name: str
    where: Where
    what: str
    then: str
    label: str
    rule: str
    step: str
    detail: str = ""


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            "callback timeout",
            "answer",
            "our answer to an event comes after the platform has stopped waiting (15 s)",
            "asks the fallback URL if the call has one; without, the call ends with cause callback-error. The late answer is ignored",
            "documented",
            "webhook.timeout",
            "01 · 13",
            "timeout",
        ),
        Fault(
            "500",
            "answer",
            "our handler fails: the platform gets a 500 instead of a document",
            "asks the fallback URL if the call has one; without, the call ends with cause callback-error",
            "documented",
            "webhook.failed",
            "01 · 13",
            "500",
        ),
        Fault(
            "bad XML",
            "answer",
            "our document is cut off in its midst",
            "refuses the whole document, and the call ends with cause invalid-bxml",
            "documented",
            "bxml.invalid",
            "01 · 13",
            "bad XML",
        ),
        Fault(
            "wrong type",
            "answer",
            "our document is sent as text/html",
            "runs it all the same: the Content-Type is not looked at",
            "observed",
            "webhook.content-type",
            "01 · 13",
            "wrong type",
        ),
        Fault(
            "duplicate",
            "delivery",
            "the platform sends an event twice",
            "takes the first answer; the workbench marks the second event as a repetition and gives it the same answer",
            "assumed",
            "local.fault",
            "01 · 5",
            "duplicate",
        ),
        Fault(
            "out of order",
            "delivery",
            "an event arrives after the next one",
            "sends each event when it happens, and which arrives first is up to the network: handlers must not rely on it",
            "assumed",
            "local.fault",
            "02 · 4",
            "late",
        ),
        Fault(
            "tunnel gone",
            "delivery",
            "no event reaches us any more",
            "tries once more, then gives up: a call that needs a document ends with cause callback-error, other events are lost",
            "documented",
            "webhook.retry",
            "01 · 1",
            "lost",
        ),
        Fault(
            "expired token",
            "token",
            "the next participant's token has run out before it is used",
            "refuses the WebRTC leg with cause rejected; the phone's call goes on as when the other side is not there",
            "assumed",
            "interconnect.expired",
            "01 · 3",
        ),
        Fault(
            "no answer",
            "phone",
            "the phone rings and nobody answers",
            "ends the leg after callTimeout (30 s) with cause timeout",
            "documented",
            "call.timeout",
            "01 · 9",
            "answer",
        ),
        Fault(
            "busy",
            "phone",
            "the phone is busy",
            "ends the leg at once with cause busy",
            "documented",
            "call.busy",
            "01 · 10",
            "busy",
        ),
        Fault(
            "21st member",
            "room",
            "the newest conference is full: 20 calls are in it",
            "ends the 21st call with cause error; the others stay together",
            "assumed",
            "conference.refused",
            "03 · 7",
        ),
        Fault(
            "one-way audio",
            "sound",
            "the browser sends no sound, and hears",
            "joins the calls all the same: no event tells it, only who hears whom shows it",
            "documented",
            "device.publish",
            "03 · 5",
        ),
    )
}


@dataclass
class Failing:
    """A fault that is on. `over()` ends it; so does leaving a `with` block."""

    fault: Fault
    _end: Callable[[], object]
    on: bool = True

    def over(self) -> None:
        """End it; over already: nothing happens."""
        if self.on:
            self.on = False
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over()

    def __repr__(self) -> str:
        fault = self.fault
        state = "On" if self.on else "Over"
        return f"{state}: {fault.what}.\nThe platform {fault.then} ({fault.label}, rule {fault.rule}).\nLesson {fault.step} explains it."


def named(name: str) -> Fault:
    """A fault by its name. Raises WorkbenchError that lists the names."""
    if name not in FAULTS:
        raise WorkbenchError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    return FAULTS[name]


def checked(times: int | None, chance: float) -> None:
    """Raise WorkbenchError for a number of times or a chance that makes no sense."""
    if times is not None and (type(times) is not int or times < 1):
        raise WorkbenchError(f"times: a whole number from 1, or None for ever, but was {times!r}")
    if not isinstance(chance, int | float) or not 0 <= chance <= 1:
        raise WorkbenchError(f"chance: a number from 0 to 1, but was {chance!r}")
