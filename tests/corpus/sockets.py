"""The WebSocket servers of a scenario's application: no socket, but what the platform would send is noted, and they can answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from workbench.simulator.effects import CloseStream, OpenStream, SendMessage
from workbench.simulator.engine import Engine

Input = Callable[[Callable[[Engine, float], None]], None]


class Sockets:
    """Stands where the platform's WebSockets are. A server is known by the path of its URL; unless told otherwise it accepts."""

    def __init__(self, outcomes: Mapping[str, str], give: Input) -> None:
        self._outcomes, self._give = outcomes, give
        self._open: dict[int, str] = {}
        self.messages: list[tuple[str, Mapping[str, Any]]] = []

    # What the platform does

    async def connect(self, effect: OpenStream) -> str | None:
        """Accept, refuse, or never answer."""
        server = "/" + effect.url.partition("://")[2].partition("/")[2]
        outcome = self._outcomes.get(server, "accepts")
        if outcome == "never":
            await asyncio.Event().wait()
        if outcome == "refuses":
            return "connection refused"
        assert outcome == "accepts", f"a socket accepts, refuses or never answers, but not {outcome!r}"
        self._open[effect.connection_id] = server
        about = {"username": effect.username, "password": effect.password, "audio": list(effect.tracks)}
        self._note(server, {**effect.start, **{name: value for name, value in about.items() if value}})
        return None

    def send(self, effect: SendMessage) -> None:
        """A message of the platform."""
        self._note(self._open[effect.connection_id], effect.message)

    def close(self, effect: CloseStream) -> None:
        """The platform's goodbye."""
        server = self._open.pop(effect.connection_id, None)
        if server is not None:
            self._note(server, effect.stop)

    def reset(self) -> None:
        """Forget all."""
        self._open.clear()

    async def shut(self) -> None:
        """Forget all."""
        self.reset()

    @property
    def waiting(self) -> bool:
        """Whether a connection will never be answered."""
        return "never" in self._outcomes.values()

    def _note(self, server: str, message: Mapping[str, Any]) -> None:
        self.messages.append((f"{message['eventType']} {server}", message))

    # What the application does

    def say(self, server: str, text: str) -> None:
        """The server sends a message on the connection it got last."""
        number = self._last(server)
        self._give(lambda engine, now: engine.stream_message(now, number, text))

    def end(self, server: str, error: str | None) -> None:
        """The server closes that connection in order, or breaks it."""
        number = self._last(server)
        del self._open[number]
        self._give(lambda engine, now: engine.stream_closed(now, number, error))

    def _last(self, server: str) -> int:
        return max(number for number, at in self._open.items() if at == server)
