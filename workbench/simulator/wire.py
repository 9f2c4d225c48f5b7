"""What the HTTP shells share: reading a body within limits, writing JSON, and an answer that tells when it was sent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from workbench.simulator.effects import Refusal
from workbench.simulator.stream import label

BODY_LIMIT = 1_000_000  # bytes of a request
DEPTH = 100  # of lists and objects in each other


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented operation: method, path below the API's base, name, and who handles it."""

    method: str
    path: str
    name: str
    handler: Handler


def routes(base: str, operations: Iterable[Operation], guard: Callable[[Handler], Handler]) -> list[Route]:
    """One route per path, so that a 405 can name every method the path takes."""
    paths: dict[str, dict[str, Handler]] = {}
    for operation in operations:
        paths.setdefault(base + operation.path, {})[operation.method] = guard(operation.handler)
    return [Route(path, _by_method(handlers), methods=list(handlers)) for path, handlers in paths.items()]


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return handle


class BadBody(Exception):
    """A request's body is not what the operation takes; `status` is 400 or 413."""

    def __init__(self, status: int, description: str, rule: str | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.rule = rule or ("http.size" if status == 413 else "http.json")


async def read_body(request: Request) -> bytes:
    """The body of a request. Raises BadBody when it is too large, without reading all of it."""
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > BODY_LIMIT:
        raise BadBody(413, "Payload Too Large")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise BadBody(413, "Payload Too Large")
    except ClientDisconnect:
        raise BadBody(400, "the body ended early") from None
    return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadBody when there is none."""
    try:
        value = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadBody(400, "the body must be valid JSON") from None
    if not isinstance(value, dict):
        raise BadBody(400, "the body must be a JSON object")
    if body.count(b"[") + body.count(b"{") > DEPTH and _deeper(value, DEPTH):
        raise BadBody(400, f"the body must not be nested deeper than {DEPTH}", "http.deep")
    return value


def _deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects lie in each other deeper than that; looked at level by level, since recursion is what it protects."""
    level = [value]
    for _ in range(depth):
        inside = [item for item in level if isinstance(item, list | dict)]
        level = [one for item in inside for one in (item.values() if isinstance(item, dict) else item)]
    return any(isinstance(item, list | dict) for item in level)


async def fields_of(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body; none when it has no body. Raises BadBody."""
    body = await read_body(request)
    return json_object(body) if body.strip() else {}


def text_of(fields: dict[str, Any], name: str) -> str:
    """A text among the fields. Raises Refusal when it is none."""
    if name not in fields:
        raise Refusal(400, f"{name} is missing", "local.field")
    value = fields[name]
    if not isinstance(value, str):
        raise Refusal(400, f"{name}: must be a text, but was {value!r}", "local.field")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def ruled(response: Response, rule: str) -> Response:
    """A refusal with the rule behind it and how sure we are of that."""
    response.headers.update({"X-Workbench-Rule": rule, "X-Workbench-Label": label(rule)})
    return response


JSON = "application/json"
# Made once: `json.dumps` makes an encoder at each call that wants no blanks.
compact = json.JSONEncoder(separators=(",", ":")).encode


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON) -> Response:
    """A JSON answer."""
    return Response(compact(value), status, headers, media_type)


class TellingResponse(Response):
    """An answer that calls `sent` once it was sent, or could not be."""

    sent: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then tell."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.sent()
