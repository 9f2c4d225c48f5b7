"""Devices that come by sockets. A line is one device over however many sockets: who opens another in time with the same token and
`uniqueId` finds it again, with its media untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from starlette.websockets import WebSocket

from workbench.simulator.effects import Refusal
from workbench.simulator.media import jsonrpc
from workbench.simulator.media.jsonrpc import RpcError
from workbench.simulator.media.socket import NORMAL, Allowance, Socket

if TYPE_CHECKING:
    from workbench.simulator.media.lines import Lines

GRACE_SECONDS = 10.0  # real seconds in which a device whose socket broke may come back (assumed)
LEAVE_SECONDS = 1.0  # real seconds in which a device that has left closes its socket; SDKs send their last diagnostics then
MOST_REQUESTS = 32  # of one device that are worked on at once

Method = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Media(Protocol):
    """How a device's sound travels: by WebRTC, or as PCM on its socket."""

    protocol: str

    def changed(self) -> None:
        """The platform's state may have changed: see whether the device hears other streams."""

    def reopened(self) -> None:
        """The device has a new socket."""

    def take(self, frame: bytes) -> None:
        """A binary message came. Raises RpcError."""

    def close(self) -> None:
        """End it: the device is silent and deaf from now on."""


class Line:
    """One device. What differs between participants, endpoints and handsets is in its subclasses."""

    handed = False  # whether the platform is to be told when another device takes its place

    def __init__(self, host: Lines, key: bytes, party: str) -> None:
        self.host, self.key, self.party = host, key, party
        self.socket: Socket | None = None
        self.media: Media | None = None
        self.ended = False
        self._grace: asyncio.TimerHandle | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._faults = Allowance(1, 10)
        self.methods: Mapping[str, Method] = {}

    # What subclasses say

    @property
    def about(self) -> Mapping[str, Any]:
        """Who it is, for what is told of it."""
        raise NotImplementedError

    def alive(self) -> bool:
        """Whether the platform still knows the device."""
        raise NotImplementedError

    def streams(self) -> Mapping[str, Mapping[str, Any]]:
        """The streams it may hear now, each with what it is told about it."""
        raise NotImplementedError

    def publishes(self, audio: bool, alias: str | None = None) -> None:
        """It begins or stops sending audio, by the alias it chose."""
        raise NotImplementedError

    def pressed(self, digits: str) -> None:
        """It sent keys as telephone events."""
        raise NotImplementedError

    def gone(self, *, left: bool) -> None:
        """It left, or was lost: the platform is to forget it."""
        raise NotImplementedError

    def changed(self) -> None:
        """The platform's state may have changed."""
        if self.media is not None:
            self.media.changed()

    # Its sockets

    async def serve(self, websocket: WebSocket) -> None:
        """Accept a socket and serve it until it ends, in whatever way."""
        former, self.socket = self.socket, Socket(websocket)
        if former is not None:
            former.close(NORMAL, "the device opened another socket")
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
            self.note("socketReopened", "socket.same-device")
        socket, code, reason = self.socket, 1006, ""
        try:
            await websocket.accept()
            self.attached()
            with self.host.holding(socket):
                code, reason = await socket.serve(self._take, self._flooded)
        finally:
            if self.socket is socket:
                self.socket = None
                self._detached(code, reason)

    def attached(self) -> None:
        """It has a socket, the first or a new one."""
        if self.media is not None:
            self.media.reopened()

    def _detached(self, code: int, reason: str) -> None:
        if self.ended:
            return None
        if code == NORMAL:
            return self.leave("socket.goodbye")
        self.note("socketBroken", "socket.grace", code=code, reason=reason[:200])
        self._grace = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._lost)
        return None

    def _lost(self) -> None:
        self.note("deviceLost", "socket.grace")
        self.gone(left=False)
        self.end("the device did not come back in time")

    def leave(self, rule: str) -> None:
        """The device goes in order."""
        self.follow(rule)
        self.gone(left=True)
        self.end("the device has left", linger=LEAVE_SECONDS)

    def end(self, reason: str, *, linger: float = 0.0) -> None:
        """The line is over; its socket is closed for good, after `linger` seconds."""
        if self.ended:
            return
        self.ended = True
        self.host.forget(self)
        if self._grace is not None:
            self._grace.cancel()
        for task in self._requests:
            if task is not asyncio.current_task():
                task.cancel()
        if self.media is not None:
            self.media.close()
        if self.socket is not None:
            asyncio.get_running_loop().call_later(linger, self.socket.close, NORMAL, reason)

    # What comes on them

    def _take(self, data: str | bytes) -> None:
        if self.ended:
            return None
        try:
            if isinstance(data, bytes):
                return self._frame(data)
            message = jsonrpc.parsed(data)
            method = self.methods.get(message.method)
            if method is None:
                raise RpcError(jsonrpc.NO_METHOD, f"there is no method {message.method[:60]!r} here", id=message.id)
            if len(self._requests) >= MOST_REQUESTS:
                raise RpcError(jsonrpc.FAILED, f"{MOST_REQUESTS} requests are being worked on", "socket.flood", message.id)
        except RpcError as problem:
            return self._refuse(problem, problem.id)
        task = self.host.start(self._answer(message, method))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        return None

    def _frame(self, data: bytes) -> None:
        if self.media is None:
            raise RpcError(jsonrpc.NO_REQUEST, "binary messages carry sound once setMediaPreferences asked for PCM", "socket.pcm")
        self.media.take(data)

    async def _answer(self, message: jsonrpc.Message, method: Method) -> None:
        try:
            value = await method(message.params)
        except RpcError as problem:
            return self._refuse(problem, message.id)
        except Refusal as refusal:
            self.follow(refusal.rule)
            return self._refuse(RpcError(refusal.status, refusal.description, refusal.rule), message.id)
        except Exception:
            self._refuse(RpcError(jsonrpc.FAILED, "internal error"), message.id)
            raise
        if message.asks and self.socket is not None:
            self.socket.send(jsonrpc.result(message.id, value))
        return None

    def _refuse(self, problem: RpcError, id: jsonrpc.Id) -> None:
        """Answer with an error, and let the user see it."""
        self.fault(problem.rule, code=problem.code, error=problem.message)
        if self.socket is not None:
            self.socket.send(jsonrpc.error(problem, id))

    def _flooded(self) -> None:
        self.fault("socket.flood", error="too many messages in a second")

    # What others are told

    def tell(self, method: str, params: Mapping[str, Any]) -> bool:
        """Send a notification to the device; whether it has a socket."""
        if self.socket is None or self.socket.closing:
            return False
        self.socket.send(jsonrpc.notification(method, params))
        return True

    def note(self, kind: str, rule: str, **data: Any) -> None:
        """Let the user see what happened to the device."""
        self.host.note(kind, rule, **self.about, **data)

    def fault(self, rule: str, **data: Any) -> None:
        """Let the user see what the device did wrong; a flood of it is not told one by one."""
        self.follow(rule)
        if self._faults.take(asyncio.get_running_loop().time()):
            self.note("socketFault", rule, **data)

    def follow(self, *rules: str) -> None:
        """Note rules that were followed."""
        self.host.world.engine.follow(*rules)
