"""Detours: requests of Python's HTTP clients to Bandwidth's hosts go to a local platform instead, as long as `use_local` wants it.

Each library is changed in one place, below everything that a program can configure: where a request with a finished URL meets a connection.
So certificates, proxies and base URLs of the program do not matter, and what it sees of its own requests and answers stays as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.settings import Settings

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool

# The hosts of Bandwidth's APIs that the local platform has.
HOSTS = frozenset(
    urlsplit(Settings.model_fields[name].default).hostname for name in ("voice_url", "webrtc_url", "endpoints_url", "token_url")
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a local platform listens."""

    host: str
    port: int

    @property
    def netloc(self) -> str:
        """As a Host header writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# Where a request to a host goes instead; None: it is left alone.
Where = Callable[[str | None], Place | None]


class Detours:
    """The open detours of this process, for all its threads: the latest one holds. The libraries are changed while there is any."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._open: list[Place] = []
        self._undo = ExitStack()

    @contextmanager
    def to(self, place: Place) -> Iterator[None]:
        """Send requests to Bandwidth's hosts to a place. Threads may close theirs in any order."""
        mine = Place(place.host, place.port)
        with self._changing:
            if not self._open:
                self._change_libraries()
            self._open.append(mine)
        try:
            yield
        finally:
            with self._changing:
                self._open = [one for one in self._open if one is not mine]
                if not self._open:
                    self._undo.close()

    def where(self, host: str | None) -> Place | None:
        """Where a request to this host goes now."""
        latest = self._open[-1:]
        return latest[0] if latest and host and host.lower().rstrip(".") in HOSTS else None

    def _change_libraries(self) -> None:
        with ExitStack() as undo:
            for change in (_urllib3, _httpx, _aiohttp):
                # a library that is not installed sends nothing
                with suppress(ImportError):
                    change(self.where, undo)
            self._undo = undo.pop_all()


def _replace(undo: ExitStack, owner: type, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of a method, and note how to take it away."""
    original = owner.__dict__[name]
    setattr(owner, name, wraps(original)(make(original)))
    undo.callback(setattr, owner, name, original)


def _urllib3(where: Where, undo: ExitStack) -> None:
    """urllib3, and with it requests and Bandwidth's SDK: a pool of connections hands the request to another pool."""
    from urllib3 import HTTPConnectionPool

    pools: dict[Place, HTTPConnectionPool] = {}

    def make(original: Any) -> Any:
        def urlopen(pool: HTTPConnectionPool, method: str, url: str, *args: Any, **options: Any) -> Any:
            parts = urlsplit(url)
            place = where(parts.hostname or pool.host)
            if place is None:
                return original(pool, method, url, *args, **options)
            other = pools.setdefault(place, HTTPConnectionPool(place.host, place.port, maxsize=10))
            return original(other, method, parts._replace(scheme="", netloc="").geturl() or "/", *args, **options)

        return urlopen

    _replace(undo, HTTPConnectionPool, "urlopen", make)
    undo.callback(_close, pools)


def _close(pools: dict[Place, HTTPConnectionPool]) -> None:
    for pool in pools.values():
        pool.close()


def _httpx(where: Where, undo: ExitStack) -> None:
    """httpx: a transport hands the request to a transport of our own, without the proxy it may have."""
    import httpx

    context = httpx.create_ssl_context(verify=False, trust_env=False)  # made once, as it is slow; no request uses it

    def direct(kind: Any) -> Any:
        # Nothing is kept open for a next request, which may come from another event loop.
        return kind(verify=context, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def moved(request: httpx.Request, place: Place) -> httpx.Request:
        url = request.url.copy_with(scheme="http", netloc=place.netloc.encode())
        headers = httpx.Headers(request.headers)
        headers["Host"] = place.netloc
        return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)

    def make(original: Any) -> Any:
        def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> Any:
            place = where(request.url.host)
            if place is None:
                return original(transport, request)
            return original(direct(httpx.HTTPTransport), moved(request, place))

        return handle_request

    def make_async(original: Any) -> Any:
        async def handle_async_request(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> Any:
            place = where(request.url.host)
            if place is None:
                return await original(transport, request)
            return await original(direct(httpx.AsyncHTTPTransport), moved(request, place))

        return handle_async_request

    _replace(undo, httpx.HTTPTransport, "handle_request", make)
    _replace(undo, httpx.AsyncHTTPTransport, "handle_async_request", make_async)


def _aiohttp(where: Where, undo: ExitStack) -> None:
    """aiohttp: a connector is asked for a connection to another place. The answer keeps the URL that was asked for."""
    import aiohttp

    def make(original: Any) -> Any:
        async def connect(connector: Any, request: Any, *args: Any, **options: Any) -> Any:
            place = where(request.url.host)
            if place is not None:
                request.url = request.url.with_scheme("http").with_host(place.host).with_port(place.port)
                request.headers["Host"] = place.netloc
                request.proxy = request.proxy_auth = request.proxy_headers = None
            return await original(connector, request, *args, **options)

        return connect

    _replace(undo, aiohttp.BaseConnector, "connect", make)
