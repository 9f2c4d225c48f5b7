"""What `wb.local` hands out: its phones, devices and clock; and what stands in its place where there is no local platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import quote

from workbench.errors import WorkbenchError

# A moved clock waits for webhooks in real time; a day with a thousand calls takes a while.
CLOCK_SECONDS = 300.0


class Controls(Protocol):
    """The local platform, as these need it."""

    before_dial: Callable[[str, str], object]

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float = 15.0) -> Any:
        """One request to its controls; the answer's JSON."""


class Phone:
    """A telephone: a number with a name. Its buttons work on the local platform; a real phone is in your own hand."""

    def __init__(self, number: str, name: str, local: Controls | NoLocal) -> None:
        self.number = number
        self.name = name
        self._local = local

    def __repr__(self) -> str:
        # Live it is somebody's own number, and a notebook keeps what it shows.
        return f"<{self.name}: {self.number if self._local else f'{self.number[:2]}•••{self.number[-2:]}'}>"

    def dial(self, to: str, **invite: Any) -> str:
        """Call a number of the account; gives the call's id.

        What comes with its INVITE: uui, diversion, stirShaken, identity, and headers when this phone is at a SIP address.
        """
        self._local.before_dial(self.number, to)
        return str(self._press("dial", {"to": to, **invite})["callId"])

    def answer(self) -> None:
        """Pick up."""
        self._press("answer")

    def hangup(self) -> None:
        """Hang up."""
        self._press("hangup")

    def reject(self) -> None:
        """Decline the call."""
        self._press("reject")

    def press(self, digits: str) -> None:
        """Press keys: digits, * and #."""
        self._press("keys", {"digits": digits})

    def say(self, text: str) -> None:
        """Have it say a sentence in its call, after those it is saying."""
        self._press("say", {"text": text})

    def ticket(self) -> str:
        """What a browser takes this phone's handset with: good for a while, for this phone only."""
        return str(self._press("ticket")["ticket"])

    def set(self, **script: Any) -> Phone:
        """Script it. Gives the phone.

        Fields: answer, ring_seconds, busy, reject, hangup_after, by_hand, answered_by, rings, says, plays (a URL), tone (in hertz), echoes,
        refuses_with, refer_answer, refer_outcome.
        """
        self._local.send("PUT", f"/phones/{quote(self.number)}", script)
        return self

    def _press(self, button: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._local.send("POST", f"/phones/{quote(self.number)}/{button}", body)


class Device:
    """A simulated browser or app: what stands for a participant or an endpoint. The last four are an endpoint's alone."""

    def __init__(self, id: str, local: Controls) -> None:
        self.id = id
        self._local = local

    def __repr__(self) -> str:
        return f"<device {self.id}>"

    def leave(self) -> None:
        """End the connection, as one should."""
        self._local.send("DELETE", f"/devices/{quote(self.id)}")

    def lose(self) -> None:
        """Have the connection break."""
        self._do("lose")

    def publish(self, audio: bool = True) -> None:
        """Send audio, or no more."""
        self._do("publish", {"audio": audio})

    def press(self, digits: str) -> None:
        """Press keys: digits, * and #. Who hears the device hears them."""
        self._do("keys", {"digits": digits})

    def request(self, to: str, type: str = "PHONE_NUMBER") -> bool:
        """Ask the application for a connection with somebody; whether the request was accepted."""
        return bool(self._do("outbound", {"to": to, "type": type})["accepted"])

    def accept(self) -> None:
        """Take the call that is offered."""
        self._do("accept")

    def decline(self) -> None:
        """Decline it."""
        self._do("decline")

    def hangup(self) -> None:
        """End the connection with a call."""
        self._do("hangup")

    def _do(self, what: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._local.send("POST", f"/devices/{quote(self.id)}/{what}", body)


class Clock:
    """The platform's clock. Moving it fires what is due one by one and lets webhooks settle in between."""

    def __init__(self, local: Controls) -> None:
        self._local = local

    @property
    def now(self) -> str:
        """The platform's time, ISO 8601."""
        return str(self._set()["now"])

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return bool(self._set()["paused"])

    def pause(self) -> None:
        """Stop it."""
        self._set(pause=True)

    def resume(self) -> None:
        """Let it run on."""
        self._set(resume=True)

    def halt(self) -> None:
        """Hold it where it is, also while somebody moves it, until `go_on`."""
        self._set(halt=True)

    def go_on(self) -> None:
        """Undo `halt`: it runs on if it ran."""
        self._set(halt=False)

    @contextmanager
    def still(self) -> Iterator[None]:
        """`with wb.local.clock.still():` time moves only when it is told to, so that what is measured is exact."""
        before = self.paused
        self.pause()
        try:
            yield
        finally:
            if not before:
                self.resume()

    def advance(self, seconds: float) -> None:
        """Move it on, all that is due on the way included."""
        self._set(advance=seconds)

    def run_to_idle(self) -> None:
        """Move it on until nothing rings, speaks or waits for an answer any more. Parked calls stay parked."""
        self._set(run_to="idle")

    def _set(self, **change: Any) -> dict[str, Any]:
        return dict(self._local.send("POST", "/clock", change, timeout=CLOCK_SECONDS))


class NoLocal:
    """Stands where the local platform would be: false, and whatever is asked of it says so."""

    why = "only the local platform can do this, and these settings are live; use platform='local', or do it by hand with a real phone"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "<no local platform: the settings are live>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise WorkbenchError(f"wb.local.{name}: {self.why}")
