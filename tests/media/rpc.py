"""JSON-RPC over a WebSocket as the browser SDKs speak it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 20.0


class RpcError(Exception):
    """The platform's error object."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.code, self.message = error.get("code"), error.get("message")


class Socket:
    """One WebSocket. `heard(method, params)` is called for notifications, one after the other; `binary` for binary messages."""

    def __init__(self, url: str, heard: Callable[[str, Any], Awaitable[None]], binary: Callable[[bytes], None] | None = None) -> None:
        self.url = url
        self._heard, self._binary = heard, binary
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._notices: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.connection: ClientConnection | None = None
        self.closed = asyncio.Event()

    async def open(self) -> None:
        """Connect. Raises InvalidStatus when the upgrade is refused."""
        self.closed.clear()
        self.connection = await connect(self.url, proxy=None, compression=None, max_size=None, ping_interval=None)
        self._tasks = [asyncio.create_task(self._read(self.connection)), asyncio.create_task(self._notify())]

    @property
    def code(self) -> int | None:
        """The code the socket was closed with."""
        return self.connection.close_code if self.connection is not None else None

    async def call(self, method: str, params: Any = None) -> Any:
        """A request and its result. Raises RpcError for an error, ConnectionError when the socket is closed instead."""
        assert self.connection is not None
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self.connection.send(
            json.dumps({"jsonrpc": "2.0", "method": method, "params": {} if params is None else params, "id": number})
        )
        return await asyncio.wait_for(answer, PATIENCE)

    async def notify(self, method: str, params: Any = None) -> None:
        """A notification; without `params` the key is left out, as in `leave`."""
        assert self.connection is not None
        await self.connection.send(json.dumps({"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params})))

    async def send(self, data: str | bytes) -> None:
        """Anything, as it is."""
        assert self.connection is not None
        await self.connection.send(data)

    async def close(self, code: int = 1000) -> None:
        """Close, as one should."""
        if self.connection is not None:
            await self.connection.close(code)
        await self._end()

    async def vanish(self) -> None:
        """Be gone without a word, as when a browser's process dies."""
        if self.connection is not None:
            self.connection.transport.abort()
        await self._end()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for data in connection:
                if isinstance(data, bytes):
                    if self._binary is not None:
                        self._binary(data)
                else:
                    self._message(json.loads(data))
        except ConnectionClosed:
            pass
        finally:
            self.closed.set()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError(f"the socket was closed with {connection.close_code}"))
                    answer.exception()
            self._answers.clear()

    def _message(self, message: Any) -> None:
        assert message["jsonrpc"] == "2.0", message
        if "method" in message:
            assert isinstance(message["params"], dict) and "id" not in message, message
            self._notices.put_nowait((message["method"], message["params"]))
            return
        # rpc-websockets takes an answer with both, or with neither, as malformed
        assert ("result" in message) != ("error" in message), message
        answer = self._answers.pop(message["id"], None)
        if answer is not None and not answer.done():
            if "error" in message:
                answer.set_exception(RpcError(message["error"]))
            else:
                answer.set_result(message["result"])

    async def _notify(self) -> None:
        while True:
            method, params = await self._notices.get()
            await self._heard(method, params)
