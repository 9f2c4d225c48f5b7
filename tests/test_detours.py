"""Requests of each client to Bandwidth's hosts arrive elsewhere, whatever the client was told; everything else is left alone."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from workbench.detours import HOSTS, Detours, Place

pytestmark = pytest.mark.sockets

VOICE = "https://voice.bandwidth.com"
PATH = "/api/v2/accounts/9900000/calls/c%2F1?from=%2B1&to=a%20b"
SENT = {"to": "+15550100001"}
# A proxy that nobody has: a request that took it would fail.
NOWHERE = "http://127.0.0.1:1"


class Server:
    """Tells in JSON what it was asked, and by which name."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b"".join(iter(self._chunk, b""))
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                told = {"path": self.path, "host": self.headers["Host"], "body": json.loads(body), "key": self.headers["X-Key"]}
                answer = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _chunk(self) -> bytes:
                chunk = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return chunk

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.block_on_close = False
        self.place = Place("127.0.0.1", self.server.server_address[1])
        self.url = f"http://{self.place.netloc}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


# Each asks for a URL with a header and a body; gives the answer's JSON and the URL which the client thinks it came from.

Asked = tuple[dict[str, Any], str]
KEY = {"X-Key": "k"}


def by_urllib3(url: str) -> Asked:
    with urllib3.PoolManager() as pools:
        answer = pools.request("POST", url, json=SENT, headers=KEY)
    return answer.json(), url


def by_urllib3_pool(url: str) -> Asked:
    whole = urllib3.util.parse_url(url)
    with urllib3.connection_from_url(url) as pool:
        return pool.request("POST", whole.request_uri, json=SENT, headers=KEY).json(), url


def by_urllib3_proxy(url: str) -> Asked:
    with urllib3.ProxyManager(NOWHERE, cert_reqs="CERT_REQUIRED", assert_hostname="x", retries=0) as pools:
        return pools.request("POST", url, json=SENT, headers=KEY).json(), url


def by_requests(url: str) -> Asked:
    answer = requests.post(url, json=SENT, headers=KEY, timeout=5)
    return answer.json(), answer.url


def by_requests_session(url: str) -> Asked:
    with requests.Session() as session:
        session.proxies = {"https": NOWHERE}
        answer = session.post(url, data=iter([json.dumps(SENT).encode()]), headers=KEY, timeout=5)
    return answer.json(), answer.url


def by_httpx(url: str) -> Asked:
    answer = httpx.post(url, json=SENT, headers=KEY)
    return answer.json(), str(answer.url)


def by_httpx_client(url: str) -> Asked:
    with httpx.Client(base_url=VOICE, proxy=NOWHERE, http2=False) as client:
        with client.stream("POST", url.removeprefix(VOICE), content=iter([json.dumps(SENT).encode()]), headers=KEY) as answer:
            answer.read()
        assert answer.request.url.host == answer.url.host
    return answer.json(), str(answer.url)


def by_httpx_async(url: str) -> Asked:
    async def ask() -> Asked:
        async with httpx.AsyncClient(proxy=NOWHERE if VOICE in url else None) as client:
            answer = await client.post(url, json=SENT, headers=KEY)
        return answer.json(), str(answer.url)

    return asyncio.run(ask())


def by_aiohttp(url: str) -> Asked:
    async def ask() -> Asked:
        async with aiohttp.ClientSession() as session, session.post(url, json=SENT, headers=KEY) as answer:
            return await answer.json(content_type=None), str(answer.url)

    return asyncio.run(ask())


def by_aiohttp_session(url: str) -> Asked:
    async def ask() -> Asked:
        async with aiohttp.ClientSession(VOICE, proxy=NOWHERE, connector=aiohttp.TCPConnector(limit=1)) as session:
            for _ in range(2):  # the second time on the connection of the first
                async with session.post(url.removeprefix(VOICE), json=SENT, headers=KEY) as answer:
                    told = await answer.json(content_type=None)
        return told, str(answer.url)

    return asyncio.run(ask())


PLAIN = [by_urllib3, by_urllib3_pool, by_requests, by_httpx, by_httpx_async, by_aiohttp]
CONFIGURED = [by_urllib3_proxy, by_requests_session, by_httpx_client, by_aiohttp_session]
CHANGED = [
    (urllib3.HTTPConnectionPool, "urlopen"),
    (httpx.HTTPTransport, "handle_request"),
    (httpx.AsyncHTTPTransport, "handle_async_request"),
    (aiohttp.BaseConnector, "connect"),
]


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """The libraries are after each test what they were before."""
    before = [owner.__dict__[name] for owner, name in CHANGED]
    yield
    assert [owner.__dict__[name] for owner, name in CHANGED] == before


def test_the_hosts_are_those_of_the_settings() -> None:
    assert {"voice.bandwidth.com", "api.bandwidth.com", "api.webrtc.bandwidth.com"} == HOSTS


@pytest.mark.parametrize("ask", PLAIN + CONFIGURED)
def test_a_request_to_bandwidth_arrives_here_as_it_was(ask: Callable[[str], Asked], server: Server) -> None:
    with Detours().to(server.place):
        told, url = ask(VOICE + PATH)
    assert told == {"path": PATH, "host": server.place.netloc, "body": SENT, "key": "k"}
    assert url == VOICE + PATH


@pytest.mark.parametrize("ask", PLAIN)
def test_every_other_request_goes_where_it_was_meant_to(ask: Callable[[str], Asked], server: Server) -> None:
    with serving() as bandwidth, Detours().to(bandwidth.place):
        told, url = ask(server.url + PATH)
    assert told == {"path": PATH, "host": server.place.netloc, "body": SENT, "key": "k"}
    assert url == server.url + PATH


@pytest.mark.parametrize("host", ["VOICE.bandwidth.com", "voice.bandwidth.com.", "api.bandwidth.com", "api.webrtc.bandwidth.com"])
def test_hosts_that_are_taken(host: str) -> None:
    detours, place = Detours(), Place("127.0.0.1", 9)
    with detours.to(place):
        assert detours.where(host) == place
    assert detours.where(host) is None


@pytest.mark.parametrize("host", ["bandwidth.com", "voice.bandwidth.com.example", "myvoice.bandwidth.com", "127.0.0.1", "", None])
def test_hosts_that_are_left_alone(host: str | None) -> None:
    detours = Detours()
    with detours.to(Place("127.0.0.1", 9)):
        assert detours.where(host) is None


def test_a_place_may_have_an_ipv6_address() -> None:
    assert Place("::1", 9).netloc == "[::1]:9"


def test_the_inner_one_holds_and_then_the_outer_one_again() -> None:
    detours, outer, inner = Detours(), Place("127.0.0.1", 1), Place("127.0.0.1", 2)
    with detours.to(outer):
        with detours.to(inner):
            assert detours.where("voice.bandwidth.com") == inner
        assert detours.where("voice.bandwidth.com") == outer


def test_two_threads_may_close_theirs_in_any_order(server: Server) -> None:
    detours = Detours()
    with serving() as other:
        first, second = detours.to(other.place), detours.to(server.place)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert by_requests(VOICE + PATH)[0]["host"] == server.place.netloc
        second.__exit__(None, None, None)
    assert detours.where("voice.bandwidth.com") is None


def test_the_same_place_twice_is_two_detours(server: Server) -> None:
    detours = Detours()
    with detours.to(server.place):
        with detours.to(server.place):
            pass
        assert by_httpx(VOICE + PATH)[0]["host"] == server.place.netloc


def test_it_ends_with_an_error_too(server: Server) -> None:
    detours = Detours()
    with pytest.raises(ZeroDivisionError), detours.to(server.place):
        raise ZeroDivisionError
    assert detours.where("voice.bandwidth.com") is None


def test_it_holds_in_threads_that_begin_inside(server: Server) -> None:
    told: list[Any] = []
    with Detours().to(server.place):
        threads = [threading.Thread(target=lambda ask=ask: told.append(ask(VOICE + PATH)[0]["host"])) for ask in PLAIN * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert told == [server.place.netloc] * len(threads)


@pytest.mark.parametrize(("missing", "ask"), [("aiohttp", by_httpx), ("httpx", by_requests), ("urllib3", by_aiohttp)])
def test_a_library_that_is_not_installed_is_passed_over(
    missing: str, ask: Callable[[str], Asked], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with Detours().to(server.place):
        monkeypatch.undo()
        assert ask(VOICE + PATH)[0]["host"] == server.place.netloc
