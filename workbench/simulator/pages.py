"""`/_local/softphone` and `/_local/handset/{number}`: a participant's softphone and a phone's handset as pages of their own.

Their files hold nothing secret; the token or ticket comes in the address's fragment, which no browser sends.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
# blob: for the one script that must come by an address of its own, the audio worklet.
POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cache-Control": "no-cache",
}


def routes() -> list[Route]:
    """The two pages, and the files they load."""
    return [
        Route("/_local/softphone", softphone, methods=["GET"]),
        Route("/_local/handset/{number}", handset, methods=["GET"]),
        Route("/_local/browser/{name}", file, methods=["GET"]),
    ]


async def softphone(_request: Request) -> Response:
    """GET /_local/softphone"""
    return _file("softphone.html")


async def handset(_request: Request) -> Response:
    """GET /_local/handset/{number}"""
    return _file("handset.html")


async def file(request: Request) -> Response:
    """GET /_local/browser/{name}"""
    return _file(request.path_params["name"])


def _file(name: str) -> Response:
    from importlib.resources import files  # late: who opens no page does not wait for it

    known = {one.name: one for one in (files("workbench") / "browser").iterdir()}
    media_type = TYPES.get(name.rpartition(".")[2])
    if name not in known or media_type is None:
        raise HTTPException(404, "Not Found")
    return Response(known[name].read_bytes(), media_type=media_type, headers=HEADERS)
