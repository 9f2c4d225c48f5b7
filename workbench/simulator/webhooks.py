"""Sending: webhooks, and the files `<PlayAudio>` names. One exchange with the application's server, never a decision about its outcome."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from workbench.simulator.effects import SendWebhook
from workbench.simulator.wire import compact

if TYPE_CHECKING:
    import aiohttp

ANSWER_LIMIT = 1_000_000  # bytes of an answer that are read; a BXML document may have 64 KB
CONNECT_SECONDS = 30.0  # real seconds; a webhook's own time-out is a timer of the engine
# To one application: beyond what a server takes at once, connections wait until others are closed. The workbench's takes 500.
CONNECTIONS = 400
# Shorter than the keep-alive of common servers (5 s), so that a pooled connection is not closed under a request.
KEEP_ALIVE_SECONDS = 4.0

_BASIC = re.compile(r"(?:^|,)\s*basic\b", re.IGNORECASE)
_PLAIN_URL = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to the application's server; at most `limit` bytes of the answer are wanted."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    limit: int = ANSWER_LIMIT


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. A `body` longer than the limit asked for was cut."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """The values of a header, joined by commas; empty when it is missing."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    @property
    def challenged(self) -> bool:
        """Whether the server asks for Basic credentials."""
        return self.status == 401 and _BASIC.search(self.header("www-authenticate")) is not None


# The seam: tests hand in a callable that asks an application in process.
Deliver = Callable[[Outgoing], Awaitable[Answer]]


def outgoing(effect: SendWebhook, label: str) -> Outgoing:
    """The request of a webhook. With GET the fields travel as query parameters (documented, webhooks/about)."""
    headers = {
        "Accept": "application/xml, */*;q=0.5",
        "User-Agent": "workbench-simulator",
        "X-Workbench-Seq": str(effect.seq),
        "X-Workbench-Rule": effect.rule,
        "X-Workbench-Label": label,
    }
    if effect.method == "GET":
        return Outgoing("GET", _with_query(effect.url, effect.body), headers)
    headers["Content-Type"] = "application/json"
    return Outgoing("POST", effect.url, headers, compact(effect.body).encode())


def _with_query(url: str, body: Mapping[str, Any]) -> str:
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items() if value is not None}
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(fields)))), fragment=""))


async def exchange(
    deliver: Deliver, request: Outgoing, username: str | None, password: str | None, follow: Callable[[str], None] = lambda _: None
) -> Answer:
    """Send a request; credentials go only to a server that challenges for them, in a second request (documented, guides/callbacks)."""
    answer = await deliver(request)
    if not answer.challenged or not (username or password):
        if answer.status == 401:
            follow("webhook.unchallenged")
        return answer
    follow("webhook.challenge")
    secret = b64encode(f"{username or ''}:{password or ''}".encode()).decode()
    return await deliver(replace(request, headers={**request.headers, "Authorization": f"Basic {secret}"}))


class HttpDelivery:
    """Delivers over sockets. Requests to one origin begin in the order of the calls, whichever connection each of them gets."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._begun: dict[str, asyncio.Event] = {}

    async def __call__(self, request: Outgoing) -> Answer:
        """Exchange one request. Raises what the connection raises."""
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        before, begun = self._begun.get(origin), asyncio.Event()
        self._begun[origin] = begun
        try:
            if before is not None:
                await before.wait()
            return await self._exchange(request, begun)
        finally:
            begun.set()
            if self._begun.get(origin) is begun:
                del self._begun[origin]

    async def _exchange(self, request: Outgoing, begun: asyncio.Event) -> Answer:
        session = self._session or self._open()
        data = request.body or None
        async with session.request(
            request.method, _url(request.url), headers=request.headers, data=data, allow_redirects=False, trace_request_ctx=begun
        ) as response:
            body = bytearray()
            while len(body) <= request.limit and (chunk := await response.content.read(request.limit + 1 - len(body))):
                body += chunk
            if len(body) > request.limit:
                response.close()
            return Answer(response.status, tuple(response.headers.items()), bytes(body))

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        async def headers_sent(_session: Any, context: Any, _params: Any) -> None:
            context.trace_request_ctx.set()

        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(headers_sent)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            trace_configs=[trace],
            skip_auto_headers=("Accept-Encoding",),
        )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


@lru_cache(maxsize=1024)  # an application has few
def _url(url: str) -> Any:
    """The URL exactly as it was given; only one that cannot stand in a request line is quoted."""
    from yarl import URL

    return URL(url, encoded=True) if _PLAIN_URL.fullmatch(url) else URL(url)
