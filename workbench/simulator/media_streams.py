"""The WebSockets of media streams and live transcriptions: this side connects to the application's server. It never decides what happens.

Frames leave in real time while the clock runs. While it stands or is moved none are sent, and none are made up for the time that was
jumped over. A server that does not read is cut off: it holds up nobody, and what waits for it is bounded.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.simulator.effects import CloseStream, OpenStream, SendMessage
from workbench.simulator.wire import compact

if TYPE_CHECKING:
    import aiohttp

FRAME_SECONDS = 0.02
SILENCE = b"\xff" * 160  # one frame of PCMU at 8000 Hz
STALLED_SECONDS = 10.0  # real seconds in which a server must take a frame
CLOSE_SECONDS = 2.0  # real seconds for a goodbye
HEARTBEAT_SECONDS = 20.0  # between pings; a server that does not answer is gone
MESSAGE_LIMIT = 4_000_000  # bytes of a message that an application sends: a minute of its best audio
WAITING_LIMIT = 1_000  # messages that wait for a server

# The next frame of a connection's track, 160 bytes of PCMU.
Sound = Callable[[int, str], bytes]
_NORMAL = (1000, 1001, 1005)  # close codes of a goodbye in order; 1005 stands for none


def silence(_connection_id: int, _track: str) -> bytes:
    """What is sent until there is sound."""
    return SILENCE


@dataclass(slots=True, eq=False)
class Connection:
    """An open WebSocket, who works for it, and what waits to be sent on it."""

    opening: OpenStream
    socket: aiohttp.ClientWebSocketResponse
    waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING_LIMIT))
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def release(self) -> None:
        """Stop working for it."""
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def drop(self) -> None:
        """Let go of the socket at once. aiohttp has no public way that does not wait for a server to read."""
        response = self.socket._response
        if response.connection is not None and response.connection.transport is not None:
            response.connection.transport.abort()
        response.close()


class MediaStreams:
    """All WebSockets of a platform. `runs` tells whether the clock does; `message` and `closed` hear what comes from the other end."""

    def __init__(
        self,
        runs: Callable[[], bool],
        message: Callable[[int, str | None], None],
        closed: Callable[[int, str | None], None],
        sound: Sound = silence,
    ) -> None:
        self._runs, self._message, self._closed = runs, message, closed
        self.sound = sound
        self._session: aiohttp.ClientSession | None = None
        self._open: dict[int, Connection] = {}
        self._goodbyes: set[asyncio.Task[None]] = set()

    async def connect(self, effect: OpenStream) -> str | None:
        """Connect and send the first message; what went wrong, or None."""
        import aiohttp

        headers = {"User-Agent": "workbench-simulator"}
        if effect.username is not None or effect.password is not None:
            secret = b64encode(f"{effect.username or ''}:{effect.password or ''}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        try:
            socket = await self._sockets().ws_connect(
                effect.url,
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=MESSAGE_LIMIT,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                headers=headers,
            )
            await socket.send_str(_text(effect.start))
        except Exception as error:  # whatever keeps the connection from standing
            return f"{effect.url}: {type(error).__name__}: {error}"
        connection = self._open[effect.connection_id] = Connection(effect, socket)
        work = (self._send(connection), self._read(connection))
        connection.tasks = [asyncio.create_task(task) for task in work]
        return None

    def send(self, effect: SendMessage) -> None:
        """Have a message sent when those before it were."""
        connection = self._open.get(effect.connection_id)
        if connection is None:
            return
        try:
            connection.waiting.put_nowait(_text(effect.message))
        except asyncio.QueueFull:
            # Not at once: the engine's effects are being carried out.
            asyncio.get_running_loop().call_soon(self._lost, connection, f"{WAITING_LIMIT} messages wait for the server to read")

    def close(self, effect: CloseStream) -> None:
        """Say goodbye; the server has a moment for it."""
        connection = self._open.pop(effect.connection_id, None)
        if connection is not None:
            connection.release()
            self._part(self._goodbye(connection, effect.stop))

    def reset(self) -> None:
        """Let go of everything; nobody is told."""
        for connection in self._open.values():
            connection.release()
            self._part(self._goodbye(connection, None))
        self._open.clear()

    async def shut(self) -> None:
        """Let go of everything, and wait until it is gone."""
        self.reset()
        await asyncio.gather(*self._goodbyes, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _sockets(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _part(self, goodbye: Any) -> None:
        task = asyncio.get_running_loop().create_task(goodbye)
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    async def _goodbye(self, connection: Connection, stop: Mapping[str, Any] | None) -> None:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                while not connection.waiting.empty():
                    await connection.socket.send_str(connection.waiting.get_nowait())
                if stop is not None:
                    await connection.socket.send_str(_text(stop))
                await connection.socket.close()
        connection.drop()

    def _lost(self, connection: Connection, error: str | None) -> None:
        """The other end is gone, or of no use any more: tell it once."""
        if self._open.pop(connection.opening.connection_id, None) is not None:
            connection.release()
            connection.drop()
            self._closed(connection.opening.connection_id, error)

    async def _send(self, connection: Connection) -> None:
        """Send frames in real time, or messages as they come."""
        try:
            if connection.opening.tracks:
                await self._frames(connection)
            while True:
                text = await connection.waiting.get()
                async with asyncio.timeout(STALLED_SECONDS):
                    await connection.socket.send_str(text)
        except TimeoutError:
            self._lost(connection, f"the server did not read for {STALLED_SECONDS:g} s")
        except ConnectionError:
            return  # the reader learns it too, and how

    async def _frames(self, connection: Connection) -> None:
        loop, opening, sequence = asyncio.get_running_loop(), connection.opening, 0
        due = loop.time()
        while True:
            due += FRAME_SECONDS
            late = loop.time() - due
            if late > STALLED_SECONDS / 10:
                due += late  # what was missed is not sent in a burst
            await asyncio.sleep(max(0.0, -late))
            if not self._runs():
                continue
            async with asyncio.timeout(STALLED_SECONDS):
                for track in opening.tracks:
                    sequence += 1
                    await connection.socket.send_str(_media(track, self.sound(opening.connection_id, track), sequence))

    async def _read(self, connection: Connection) -> None:
        """Pass on what the application sends, then how it ended."""
        import aiohttp

        number, socket = connection.opening.connection_id, connection.socket
        async for message in socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._message(number, message.data if message.type is aiohttp.WSMsgType.TEXT else None)
        code, error = socket.close_code, socket.exception()
        in_order = error is None and code in _NORMAL
        self._lost(connection, None if in_order else str(error or f"the connection was closed with code {code}"))


def _text(message: Mapping[str, Any]) -> str:
    return compact(message)


_SILENT = b64encode(SILENCE).decode()


def _media(track: str, frame: bytes, sequence: int) -> str:
    """A frame's message; its number is a string (observed)."""
    payload = _SILENT if frame is SILENCE else b64encode(frame).decode()
    return f'{{"eventType":"media","track":"{track}","payload":"{payload}","sequenceNumber":"{sequence}"}}'
