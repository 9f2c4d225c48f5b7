"""Sending: what goes over the wire, and in which order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from workbench.simulator.effects import SendWebhook
from workbench.simulator.webhooks import Answer, HttpDelivery, Outgoing, exchange, outgoing

BODY = {"eventType": "answer", "tag": "a&b ü", "stirShaken": {"verstat": "x"}, "none": None, "channels": 1}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def webhook(method: str = "POST", url: str = "http://app.test/x", **more: Any) -> SendWebhook:
    return SendWebhook(1, 7, "call.answer", method, url, BODY, **more)


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """A real server with one handler; its URL."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def delivery() -> AsyncIterator[HttpDelivery]:
    """Sockets, closed at the end."""
    delivery = HttpDelivery()
    yield delivery
    await delivery.close()


def test_post_carries_one_json_object() -> None:
    request = outgoing(webhook(), "documented")
    assert (request.method, request.url, json.loads(request.body)) == ("POST", "http://app.test/x", BODY)
    assert request.headers["Content-Type"] == "application/json"
    marks = {name: value for name, value in request.headers.items() if name.startswith("X-")}
    assert marks == {"X-Workbench-Seq": "7", "X-Workbench-Rule": "call.answer", "X-Workbench-Label": "documented"}


def test_get_carries_the_fields_in_the_query() -> None:
    request = outgoing(webhook("GET", "http://app.test/x?flow=1&leg=a#top"), "documented")
    query = "flow=1&leg=a&eventType=answer&tag=a%26b+%C3%BC&stirShaken=%7B%22verstat%22%3A+%22x%22%7D&channels=1"
    assert (request.method, request.url, request.body) == ("GET", f"http://app.test/x?{query}", b"")
    assert "Content-Type" not in request.headers


@pytest.mark.parametrize(
    ("status", "challenge", "password", "requests"),
    [
        (401, 'Basic realm="x"', "secret", 2),
        (401, 'Digest realm="y", basic realm="x"', "secret", 2),
        (401, 'Bearer realm="Basic"', "secret", 1),
        (401, None, "secret", 1),
        (401, 'Basic realm="x"', None, 1),
        (403, 'Basic realm="x"', "secret", 1),
        (200, None, "secret", 1),
    ],
)
async def test_credentials_only_after_a_challenge(status: int, challenge: str | None, password: str | None, requests: int) -> None:
    seen: list[str | None] = []

    async def deliver(request: Outgoing) -> Answer:
        seen.append(request.headers.get("Authorization"))
        headers = (("WWW-Authenticate", challenge),) if challenge else ()
        return Answer(200) if seen[-1] else Answer(status, headers)

    answer = await exchange(deliver, outgoing(webhook(), "documented"), "us:er" if password else None, password)
    assert seen == [None, "Basic dXM6ZXI6c2VjcmV0"][:requests]
    assert answer.status == (200 if requests == 2 else status)


@pytest.mark.sockets
async def test_a_real_exchange(delivery: HttpDelivery) -> None:
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        return web.Response(text="<Response/>", content_type="application/xml", headers={"Set-Cookie": "a=b"})

    async with server(handler) as url:
        for method in ("POST", "GET"):
            answer = await delivery(outgoing(webhook(method, f"{url}/a%2Fb/ü?x=%20y"), "documented"))
            assert (answer.status, answer.body, answer.header("content-type")) == (200, b"<Response/>", "application/xml; charset=utf-8")
    (method, path, headers, body), (other_method, other_path, other_headers, other_body) = seen
    assert (method, path, json.loads(body)) == ("POST", "/a%2Fb/%C3%BC?x=%20y", BODY)
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    assert (other_method, other_body) == ("GET", b"")
    assert other_path.startswith("/a%2Fb/%C3%BC?x=%20y&eventType=answer")
    assert "Cookie" not in other_headers


@pytest.mark.sockets
async def test_redirects_are_not_followed(delivery: HttpDelivery) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with server(handler) as url:
        assert (await delivery(outgoing(webhook(url=url), "documented"))).status == 302


@pytest.mark.sockets
async def test_no_more_of_an_answer_is_read_than_wanted(delivery: HttpDelivery) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with server(handler) as url:
        answer = await delivery(Outgoing("GET", url, {}, limit=100_000))
        assert len(answer.body) == 100_001


@pytest.mark.sockets
async def test_requests_to_one_origin_begin_in_order(delivery: HttpDelivery) -> None:
    """Some need new connections, others could take idle ones: each begins after the one before it, and none waits for answers."""
    seen: list[int] = []
    everybody = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(int(request.headers["X-Workbench-Seq"]))
        if len(seen) >= 3 + 40:
            everybody.set()
        if len(seen) > 3:
            await everybody.wait()
        return web.Response()

    async with server(handler) as url, asyncio.timeout(10):
        requests = [Outgoing("POST", url, {"X-Workbench-Seq": str(seq)}, b"{}") for seq in range(43)]
        await asyncio.gather(*(delivery(request) for request in requests[:3]))
        await asyncio.gather(*(delivery(request) for request in requests[3:]))
    assert sorted(seen) == list(range(43))
    assert seen == sorted(seen)


@pytest.mark.sockets
async def test_one_application_gets_so_many_connections(delivery: HttpDelivery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.simulator.webhooks.CONNECTIONS", 3)
    peers = set()

    async def note(request: web.Request) -> web.Response:
        peers.add(request.transport and request.transport.get_extra_info("peername"))
        return web.Response()

    async with server(note) as url:
        await asyncio.gather(*(delivery(Outgoing("GET", f"{url}/{number}", {})) for number in range(20)))
    assert len(peers) == 3


async def test_a_cancelled_request_lets_the_next_one_begin(delivery: HttpDelivery) -> None:
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def handler(request: web.BaseRequest) -> web.Response:
        arrived.put_nowait(request.path)
        if request.path == "/hangs":
            await asyncio.Event().wait()
        return web.Response()

    async with server(handler) as url, asyncio.timeout(10):
        hanging = asyncio.create_task(delivery(Outgoing("GET", f"{url}/hangs", {})))
        assert await arrived.get() == "/hangs"
        hanging.cancel()
        never_begun = [asyncio.create_task(delivery(Outgoing("GET", f"{url}/never", {}))) for _ in range(3)]
        for task in never_begun:
            task.cancel()
        assert (await delivery(Outgoing("GET", f"{url}/next", {}))).status == 200
        assert await arrived.get() == "/next"
    assert delivery._begun == {}


@pytest.mark.sockets
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nobody.invalid/", "http://[::1/", "ftp://127.0.0.1/", "http://"])
async def test_what_cannot_be_reached_raises(delivery: HttpDelivery, url: str) -> None:
    with pytest.raises((aiohttp.ClientError, OSError, ValueError)):
        await delivery(outgoing(webhook(url=url), "documented"))


@pytest.mark.sockets
async def test_an_answer_that_breaks_off_raises(delivery: HttpDelivery) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        writer.close()

    listener = await asyncio.start_server(broken, "127.0.0.1", 0)
    async with listener:
        with pytest.raises(aiohttp.ClientError):
            await delivery(outgoing(webhook(url=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"), "documented"))
