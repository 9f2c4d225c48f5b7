"""Answers the real clients from a cassette: no network. What the cassette does not know gets a plain answer and is noted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from workbench import tokens
from workbench.cassette import Request, Told
from workbench.masking import HIDDEN

_ACCOUNT = re.compile(r"^.*?/accounts/[^/]+")
_ENDPOINT = re.compile(r"<Endpoint>\s*([^<\s]+)\s*</Endpoint>")
# Tokens are made anew: none is in a cassette. They admit nobody anywhere.
_SECRET, _NOW = "cassette", 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Made:
    """A request that was made while replaying: which recorded one it is, if any, and during which event of the cassette."""

    method: str
    path: str
    body: Any
    recorded: int | None
    during: int | None


@dataclass
class Tape(httpx.BaseTransport):
    """A transport that answers each request as the first recorded one of its kind that has not been made yet."""

    events: Sequence[Request | Told]
    session: str
    during: int | None = None
    made: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = {number: one for number, one in enumerate(self.events, 1) if isinstance(one, Request)}
        self._count = 0

    @property
    def left(self) -> dict[int, Request]:
        """The recorded requests that nobody has made, by number."""
        return dict(self._left)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request of the clients."""
        path = _ACCOUNT.sub("", request.url.path)
        if request.method == "POST" and path == "/sessions":
            return _answer(200, {"id": self.session or "session-of-this-replay"})
        body = _body(request.content)
        number = next(self._fitting(request.method, path, body), None)
        self.made.append(Made(request.method, path, body, number, self.during))
        if number is None:
            return self._plain(request.method, path)
        found = self._left.pop(number)
        return _answer(found.status or 503, self._revived(found))

    def _fitting(self, method: str, path: str, body: Any) -> Iterator[int]:
        same = [number for number, one in self._left.items() if (one.method, one.path.partition("?")[0]) == (method, path)]
        leg = _leg(body)
        # Two calls may be under way at once: each is known by the leg in its callbacks. A handler's own request comes before others.
        fitting = [number for number in same if leg is None or _leg(self._left[number].request) == leg]
        return iter(sorted(fitting, key=lambda number: (self._left[number].by != self.during, number)))

    def _revived(self, found: Request) -> Any:
        answer = found.response
        if found.operation == "createParticipant" and isinstance(answer, dict) and "token" in answer:
            return {**answer, "token": self._token(str(answer["participant"]["id"]))}
        return answer

    def _token(self, participant: str) -> str:
        self._count += 1
        return tokens.issue(account_id="9900000", participant_id=participant, secret=_SECRET, now=_NOW, tid=f"+{self._count:015}")

    def _endpoint(self) -> str:
        """The one that the recorded answers name, so that a document is the same again."""
        named = (_ENDPOINT.search(one.reply) for one in self.events if isinstance(one, Told))
        return next((found.group(1) for found in named if found), f"e-of-this-replay-{self._count}")

    def _plain(self, method: str, path: str) -> httpx.Response:
        self._count += 1
        if method == "POST" and path == "/calls":
            return _answer(201, {"callId": f"c-of-this-replay-{self._count}"})
        if method == "POST" and path == "/participants":
            name = f"participant-of-this-replay-{self._count}"
            return _answer(200, {"participant": {"id": name}, "token": self._token(name)})
        if method == "POST" and path == "/endpoints":
            return _answer(201, {"data": {"endpointId": self._endpoint(), "token": "endpoint-of-this-replay"}})
        if method == "GET":
            return _answer(404, {"type": "not-in-cassette", "description": f"the cassette has no answer to {method} {path}"})
        return _answer(200, {})


def _answer(status: int, value: Any) -> httpx.Response:
    if value in (None, ""):
        return httpx.Response(status)
    return httpx.Response(status, json=value) if not isinstance(value, str) else httpx.Response(status, text=value)


def _body(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")


def _leg(body: Any) -> str | None:
    url = body.get("answerUrl") if isinstance(body, dict) else None
    return next(iter(parse_qs(urlsplit(url).query).get("leg", [])), None) if isinstance(url, str) and HIDDEN not in url else None
