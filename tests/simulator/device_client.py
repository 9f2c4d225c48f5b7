"""A platform on a real port, and a device's socket without an SDK: every frame of it is the test's own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from workbench.simulator.clock import Clock
from workbench.simulator.serving import Server

from .shell import WEBRTC, Platform, until

ENDPOINTS = "/v2/accounts/9900000"


class Served(Platform):
    """The platform in process, with a port too; its clock runs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(clock=Clock(), **options)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    async def participant(self, session: str | None = None) -> tuple[str, str]:
        """A participant and its token; in a session it hears everybody."""
        made = (await self.http.post(f"{WEBRTC}/participants", json={"publishPermissions": ["AUDIO"]})).json()
        if session is not None:
            path = f"{WEBRTC}/sessions/{session}/participants/{made['participant']['id']}"
            assert (await self.http.put(path, json={"sessionId": session})).status_code == 204
        return made["participant"]["id"], made["token"]

    async def session(self) -> str:
        """A session."""
        return str((await self.http.post(f"{WEBRTC}/sessions", json={})).json()["id"])

    async def endpoint(self) -> tuple[str, str]:
        """An endpoint and its token."""
        fields = {"type": "WEBRTC", "direction": "BIDIRECTIONAL", "eventCallbackUrl": "http://app.test/endpoint"}
        made = (await self.http.post(f"{ENDPOINTS}/endpoints", json=fields)).json()["data"]
        return made["endpointId"], made["token"]

    def url(self, path: str, **query: str) -> str:
        """Where a socket is opened."""
        return f"ws://127.0.0.1:{self.port}{path}?{urlencode(query)}"

    @asynccontextmanager
    async def device(self, path: str, **query: str) -> AsyncIterator[RawDevice]:
        """A device's socket."""
        async with connect(self.url(path, **query), max_size=2**22, ping_interval=None, close_timeout=1) as connection:
            device = RawDevice(connection)
            try:
                yield device
            finally:
                device.reading.cancel()

    def classic(self, token: str, unique: str = "u1") -> Any:
        """A socket as the classic SDK opens it."""
        return self.device("/v3/", token=token, client="browser", sdkVersion="0.0.1", uniqueId=unique)

    def brtc(self, token: str, unique: str = "u1", path: str = "/") -> Any:
        """A socket as BRTC's SDK opens it."""
        return self.device(path, client="node", sdkVersion="0.0.1", uniqueId=unique, endpointToken=token)

    async def refused(self, path: str, **query: str) -> tuple[int, str]:
        """The status of an upgrade that is refused, and the error's text."""
        with pytest.raises(InvalidStatus) as raised:
            await connect(self.url(path, **query))
        answer = raised.value.response
        return answer.status_code, str(json.loads(bytes(answer.body or b""))["error"])

    def kinds(self) -> list[str]:
        """What happened, without webhooks."""
        return [entry.kind for entry in self.world.stream.after(0) if not entry.kind.startswith("webhook")]

    def happened(self, kind: str) -> list[dict[str, Any]]:
        """What is told of happenings of a kind."""
        return [{**entry.data, "rule": entry.rule} for entry in self.world.stream.after(0) if entry.kind == kind]


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[Served]:
    """A platform that listens until the end of the block."""
    platform, ready = Served(**options), asyncio.Event()
    server = Server(platform.app, ready.set, platform.world.stream.clear, deaf=False)
    serving = asyncio.create_task(server.serve([platform.listener]))
    await ready.wait()
    try:
        yield platform
    finally:
        server.should_exit = True
        await serving
        await platform.close()
        platform.listener.close()


class RawDevice:
    """A device's end of a socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.told: list[dict[str, Any]] = []  # notifications and answers without a request of ours
        self.frames: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self._answers: dict[Any, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self.connection:
                if isinstance(message, bytes):
                    self.frames.append(message)
                    continue
                value = json.loads(message)
                assert value["jsonrpc"] == "2.0"
                waiting = self._answers.pop(value.get("id"), None)
                if waiting is not None:
                    waiting.set_result(value)
                else:
                    self.told.append(value)
        except ConnectionClosed:
            pass
        self.closed = self.connection.close_code or 1006, self.connection.close_reason or ""

    async def raw(self, text: str | bytes) -> None:
        """Send a frame as it is."""
        await self.connection.send(text)

    async def whole(self, method: str, params: Any = None, id: Any = None) -> dict[str, Any]:
        """A request, and the whole answer."""
        self._count += 1
        id = self._count if id is None else id
        self._answers[id] = asyncio.get_running_loop().create_future()
        await self.raw(json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}, "id": id}))
        async with asyncio.timeout(10):
            return await self._answers[id]

    async def ask(self, method: str, **params: Any) -> Any:
        """A request that goes well; its result."""
        answer = await self.whole(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    async def notify(self, method: str, **params: Any) -> None:
        """A notification; without parameters it has none at all."""
        await self.raw(json.dumps({"jsonrpc": "2.0", "method": method} | ({"params": params} if params else {})))

    async def hear(self, method: str) -> dict[str, Any]:
        """The parameters of the next notification of a kind, which is taken off."""

        def found() -> list[dict[str, Any]]:
            return [one for one in self.told if one.get("method") == method]

        await until(lambda: bool(found()) or self.closed is not None)
        first = found()[0]
        self.told.remove(first)
        assert "id" not in first
        return dict(first["params"])

    async def end(self) -> tuple[int, str]:
        """How the socket was closed."""
        await until(lambda: self.closed is not None)
        assert self.closed is not None
        return self.closed
