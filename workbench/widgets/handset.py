"""A simulated phone in the hand: it rings in the page, and who holds it speaks and hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from workbench.widgets import text
from workbench.widgets.dialer import keys, number
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher


class Lines(Protocol):
    """What a page connects with; see `workbench.addresses.Addresses`."""

    def handset(self, ticket: str) -> Mapping[str, str]: ...

    def handset_page(self, number: str, ticket: str) -> str: ...


class Handset(Panel):
    """The handset of a phone. While it is taken, the phone waits for the hand.

    The page gets a ticket when its button asks for one, and does not keep it; `first` is the number it would call. Once connected, its
    buttons need no kernel; each has a method all the same.
    """

    _esm = module("handset.js")

    def __init__(self, phone: Any, publisher: Publisher, *, lines: Lines, first: str) -> None:
        self._phone, self._lines = phone, lines
        super().__init__(publisher, f"Handset · {text.party(phone.number)}", view={"alone": "", "first": text.party(first)})

    @action
    def connect(self, page: str = "") -> None:
        """Take the handset, in the page that shows it: its browser asks for the microphone."""
        self.hand(connect=dict(self._lines.handset(self._phone.ticket())), page=page)

    @action
    def leave(self) -> None:
        """Put the handset away; the page forgets its ticket."""
        self.hand(leave=True)

    @action
    def answer(self) -> None:
        """Pick up."""
        self._phone.answer()

    @action
    def reject(self) -> None:
        """Decline the call."""
        self._phone.reject()

    @action
    def hang_up(self) -> None:
        """Hang up."""
        self._phone.hangup()

    @action
    def press(self, digits: str) -> None:
        """Press keys: 0 to 9, * and #."""
        self._phone.press(keys(digits))

    @action
    def dial(self, to: str) -> str:
        """Call a number; gives the call's id."""
        made = str(self._phone.dial(number(to)))
        self.say(f"Calling {text.party(number(to))}.")
        return made

    @action
    def speak(self, sentence: str) -> None:
        """Have the phone speak a sentence."""
        self._phone.say(sentence)

    @action
    def open_page(self, page: str = "") -> None:
        """Show the handset as a page of its own, in another tab."""
        self.hand(open=self._lines.handset_page(self._phone.number, self._phone.ticket()), page=page)
