"""The sockets of a scenario's devices: opened at the platform in process, frame by frame as a browser would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Message

from workbench.simulator.media import line

PATIENCE = 10.0  # real seconds for something that comes at once
SILENCE = bytes(640)


class DeviceSocket:
    """One WebSocket. `status` is 101 once it is open, that of the refusal, or its close code."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self.status = 0
        self.told: list[Mapping[str, Any]] = []
        self.frames = 0
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._coming: asyncio.Queue[Message] = asyncio.Queue()
        self._news = asyncio.Event()
        self._count = 0
        path, _, query = url.partition("?")
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": ("127.0.0.1", 8010),
            "client": ("127.0.0.1", 50000),
            "root_path": "",
            "path": path,
            "raw_path": path.encode(),
            "query_string": quote(query, safe="=&%").encode(),
            "headers": [(b"host", b"127.0.0.1:8010")],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self._coming.put_nowait({"type": "websocket.connect"})
        self._serving = asyncio.create_task(app(scope, self._coming.get, self._sent))

    async def _sent(self, message: Message) -> None:
        """What the platform sends."""
        match message["type"]:
            case "websocket.accept":
                self.status = 101
            case "websocket.http.response.start":
                self.status = message["status"]
            case "websocket.close":
                self.status = message.get("code", 1000)
                self._coming.put_nowait({"type": "websocket.disconnect", "code": self.status})
            case "websocket.send" if message.get("text") is not None:
                value = json.loads(message["text"])
                if value.get("id") in self._answers or "method" in value or value.get("id") is None:
                    self.told.append(value)
                else:
                    self._answers[value["id"]] = value
            case "websocket.send":
                self.frames += 1
        self._news.set()

    async def until(self, condition: Any) -> None:
        """Wait for something to come."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._news.wait()
                self._news.clear()

    async def ask(self, method: str, params: Any) -> Mapping[str, Any]:
        """A request and its answer."""
        self._count += 1
        number = self._count
        self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": number}))
        await self.until(lambda: number in self._answers or self.status != 101)
        return self._answers.get(number, {"error": {"code": self.status}})

    def send(self, frame: str | bytes) -> None:
        """A frame as it is."""
        self._coming.put_nowait({"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame})

    async def hear(self, method: str) -> Mapping[str, Any]:
        """The next notification of that name, or the next error that answers no request; it is taken off."""

        def found() -> list[Mapping[str, Any]]:
            return [one for one in self.told if one.get("method", "error") == method]

        await self.until(lambda: found() or self.status != 101)
        assert found(), f"{method} did not come, but the socket ended with {self.status}"
        first = found()[0]
        self.told.remove(first)
        return dict(first.get("params") or first["error"])

    async def end(self, code: int, *, lost: bool = False) -> None:
        """End it with a close code; 1006 stands for a break. `lost` waits until the platform takes the device for lost."""
        grace, line.GRACE_SECONDS = line.GRACE_SECONDS, 0.0 if lost else line.GRACE_SECONDS
        try:
            self.status = code
            self._coming.put_nowait({"type": "websocket.disconnect", "code": code})
            await asyncio.wait_for(self._serving, PATIENCE)
            for _ in range(3):
                await asyncio.sleep(0)
        finally:
            line.GRACE_SECONDS = grace

    async def close(self) -> None:
        """End whatever is left of it."""
        if not self._serving.done():
            self._coming.put_nowait({"type": "websocket.disconnect", "code": 1006})
            await asyncio.wait_for(self._serving, PATIENCE)
