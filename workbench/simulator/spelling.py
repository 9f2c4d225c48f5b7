"""Header names with capitals, as the documentation writes them. Bandwidth's Python SDK hands an answer's headers on as a plain dict,
in which a program finds `Location` and `Link` only when they are spelled like that."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _Name(bytes):
    """A header's name that stays as it is: uvicorn makes each one small before it writes it."""

    def lower(self) -> bytes:
        return self


_NAMES = {
    name.lower(): _Name(name)
    for name in (
        *(b"Content-Type", b"Location", b"Link", b"Retry-After", b"WWW-Authenticate", b"Content-Disposition"),
        *(b"X-Workbench-Seq", b"X-Workbench-Rule", b"X-Workbench-Label"),
    )
}


def spelled(app: ASGIApp) -> ASGIApp:
    """The application, with the headers of its answers spelled so."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def written(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(_NAMES.get(name, name), value) for name, value in message["headers"]]
            await send(message)

        await app(scope, receive, written)

    return wrapped
