"""HTTP with as little work as can be, so that load and application need less of the processor than what is measured."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on the fast loop where there is one."""
    loop = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)


def request(method: str, path: str, value: Any = None, user: tuple[str, str] | None = None, **headers: str) -> bytes:
    """A whole request, its body JSON."""
    body = b"" if value is None else json.dumps(value).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if value is not None:
        lines.append("Content-Type: application/json")
    if user is not None:
        lines.append(f"Authorization: Basic {b64encode(':'.join(user).encode()).decode()}")
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reply(body: str = "") -> bytes:
    """A whole answer."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class _Messages(asyncio.Protocol):
    """Takes a stream of messages apart that all tell their length."""

    def __init__(self) -> None:
        self._buffer = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            total = end + 4 + _length(head)
            if len(self._buffer) < total:
                return
            body, self._buffer = self._buffer[end + 4 : total], self._buffer[total:]
            self.message(head, body)

    def message(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    return 0 if at < 0 else int(lower[at + 17 :].partition(b"\r\n")[0])


class Connection(_Messages):
    """A client's connection; one request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None

    async def ask(self, message: bytes, status: int = 200) -> tuple[bytes, bytes]:
        """Send a request; head and body of its answer. Another status than the one expected raises."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        head, body = await answer
        if head[9:12] != b"%d" % status:
            raise RuntimeError(f"{message.splitlines()[0]!r} was answered {head!r} {body!r}")
        return head, body

    def message(self, head: bytes, body: bytes) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result((head, body))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the connection was closed: {error}"))


class Application(_Messages):
    """The application's end of a connection: `handle(head, body)` gives the whole answer."""

    def __init__(self, handle: Callable[[bytes, bytes], bytes]) -> None:
        super().__init__()
        self._handle = handle

    def message(self, head: bytes, body: bytes) -> None:
        self.transport.write(self._handle(head, body))


async def connect(url: str, count: int) -> list[Connection]:
    """So many connections."""
    host, port = urlsplit(url).netloc.split(":")
    return [(await asyncio.get_running_loop().create_connection(Connection, host, int(port)))[1] for _ in range(count)]


def close(connections: Iterable[Connection]) -> None:
    """Close them all."""
    for connection in connections:
        connection.transport.close()


async def at_rate(url: str, messages: Iterator[bytes], rate: float, count: int) -> list[float]:
    """Send `count` requests at their times whatever becomes of the earlier ones; seconds that each took."""
    # more than are ever under way, unless an answer takes a second
    connections = await connect(url, max(4, int(rate)))
    free, times = cycle(connections), []

    async def one(connection: Connection, message: bytes) -> None:
        began = time.perf_counter()
        await connection.ask(message)
        times.append(time.perf_counter() - began)

    begin = asyncio.get_running_loop().time()
    async with asyncio.timeout(count / rate + 30), asyncio.TaskGroup() as tasks:
        for number in range(count):
            await asyncio.sleep(begin + number / rate - asyncio.get_running_loop().time())
            tasks.create_task(one(next(free), next(messages)))
    close(connections)
    return times


async def at_most(url: str, messages: Iterator[bytes], at_once: int, count: int) -> float:
    """Send `count` requests, `at_once` at any time; how many a second were answered."""
    connections = await connect(url, at_once)

    async def many(connection: Connection) -> None:
        for _ in range(count // at_once):
            await connection.ask(next(messages))

    began = time.perf_counter()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for connection in connections:
            tasks.create_task(many(connection))
    seconds = time.perf_counter() - began
    close(connections)
    return count // at_once * at_once / seconds
