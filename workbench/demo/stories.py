"""The stories: who calls, who speaks, who leaves. Each step has a caption for the audience and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Step = tuple[str, Callable[[], object]]


class Teller(Protocol):
    """What a story is played with; see `workbench.demo.show.Show`."""

    @property
    def mode(self) -> Any: ...
    @property
    def flow(self) -> Any: ...
    def phone(self, which: int) -> Any: ...
    def call_us(self, which: int) -> object: ...
    def together(self, *which: int) -> object: ...
    def say(self, which: int, text: str) -> object: ...
    def over(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Story:
    """A demonstration of one mode: its title, what to look at, and its steps."""

    title: str
    lead: str
    steps: Callable[[Teller], Iterator[Step]]


def transfer(show: Teller) -> Iterator[Step]:
    """A phone calls, is greeted, talks with the browser, hangs up."""
    yield "Somebody calls our number.", lambda: show.call_us(1)
    yield "A voice greets the caller while the browser is called.", lambda: show.together(1)
    yield (
        "Phone and browser talk with each other.",
        lambda: show.say(1, "Hello, I am calling from my phone. Nice to meet you in your browser."),
    )
    yield "They are one call with two ends.", lambda: show.say(1, "That is all it takes: one instruction, and we are connected. Goodbye.")
    yield "The caller hangs up, and both ends are taken down.", lambda: (show.phone(1).hangup(), show.over())


def bridge(show: Teller) -> Iterator[Step]:
    """Two calls are joined; the phone is swapped while the browser stays."""
    yield "We call a phone and the browser at the same time.", lambda: show.mode.dial(show.phone(1))
    yield "Both have answered: two calls are joined.", lambda: show.together(1)
    yield "They talk.", lambda: show.say(1, "Hello, I am the first caller. I have to leave in a moment.")
    yield "The first caller leaves, another phone is called. The browser stays connected.", lambda: show.mode.swap(show.phone(2))
    yield "The browser waits, and is joined with the second phone.", lambda: show.together(2)
    yield "The same browser, another caller.", lambda: show.say(2, "And I am the second caller. You never had to hang up.")
    yield "Everybody leaves.", lambda: (show.flow.close(), show.over())


def conference(show: Teller) -> Iterator[Step]:
    """Three phones and the browser in one room: one is muted, one coaches, one leaves."""
    room = show.mode
    yield "A room is opened, and the browser enters it.", lambda: (room.start(), room.dial(show.phone(1)))
    yield "The first phone is called and greeted.", lambda: show.together(1)
    yield "Two more phones come.", lambda: (room.dial(show.phone(2)), room.dial(show.phone(3)), show.together(1, 2, 3))
    yield "Everybody hears everybody.", lambda: show.say(1, "Hello everybody, welcome to our meeting.")
    yield "The second phone is muted: it hears, and is not heard.", lambda: (room.mute("phone 2"), show.say(2, "Can anybody hear me?"))
    yield "It may speak again.", lambda: (room.mute("phone 2", False), show.say(2, "Now you hear me again."))
    yield (
        "The third phone coaches the first: nobody else hears it.",
        lambda: (
            room.coach("phone 3", ["phone"]),
            show.say(3, "Offer them a discount."),
        ),
    )
    yield "The second phone leaves; the others go on.", lambda: (show.phone(2).hangup(), show.say(1, "Goodbye, and thank you."))
    yield "The meeting is over.", lambda: (show.flow.close(), show.over())


STORIES = {
    "transfer": Story("Transfer: one call, two ends", "A caller reaches somebody in a browser, by a single instruction.", transfer),
    "bridge": Story("Bridge: two calls, joined", "The person in the browser stays connected while callers change.", bridge),
    "conference": Story("Conference: many calls, one room", "Phones and a browser meet; each can be muted, coached, removed.", conference),
}
