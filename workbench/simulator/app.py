"""The ASGI application: every API under its official path on one port, and `/_local/` beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workbench.simulator import control_api, pages, voice_api
from workbench.simulator.accounts import Accounts, Unauthorized
from workbench.simulator.control_api import ControlApi
from workbench.simulator.device_api import DeviceApi
from workbench.simulator.endpoints_api import EndpointsApi
from workbench.simulator.recordings_api import RecordingsApi
from workbench.simulator.setup import Setup
from workbench.simulator.tickets import Tickets
from workbench.simulator.voice_api import VoiceApi
from workbench.simulator.webrtc_api import WebRtcApi
from workbench.simulator.wire import BadBody, json_response, read_body
from workbench.simulator.world import World

TOKEN_PATH = "/api/v1/oauth2/token"
MOST_FIELDS = 100

# The Voice API's words for what no operation answers (documented, voice-api/errors).
_VOICE_WORDS = {404: ("validation", "Not Found"), 405: ("validation", "Method Not Allowed")}
_RULES = {404: "http.path", 405: "http.method"}
# For whoever has the wrong base URL.
_PLACES = (
    f"the Voice API is below /api/v2, WebRTC below /v1, endpoints below /v2, OAuth2 tokens are at {TOKEN_PATH}, controls below /_local/"
)
_VOICE_OTHER = ("internal-error", "An unknown internal error occurred")


def create_app(world: World, setup: Setup | None = None, *, token: str | None = None, public: bool = False) -> Starlette:
    """The platform's HTTP side. `token` protects `/_local/`; `public` lets other machines use it."""
    accounts = Accounts(setup or Setup(), follow=lambda rule: world.engine.follow(rule))
    tickets = Tickets()
    voice, webrtc, control = VoiceApi(world, accounts), WebRtcApi(world, accounts), ControlApi(world, accounts, token, public, tickets)
    endpoints = EndpointsApi(world, accounts)

    async def issue_token(request: Request) -> Response:
        return await _issue_token(request, accounts, world)

    async def failed(request: Request, problem: Exception) -> Response:
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        response = _words(request, problem, status, webrtc, endpoints)
        return world.refuse(response, _RULES[status]) if status in _RULES else response

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await world.close()

    controls = [*control.routes(), Route(TOKEN_PATH, issue_token, methods=["POST"])]
    app = Starlette(
        routes=[
            *voice.routes(),
            *RecordingsApi(world, voice).routes(),
            *webrtc.routes(),
            *endpoints.routes(),
            *controls,
            *pages.routes(),
            *DeviceApi(world, tickets, public).routes(),
        ],
        exception_handlers={HTTPException: failed, Exception: failed},
        lifespan=lifespan,
    )
    # A path with a slash too many is none of the platform's: nothing says that it redirects.
    app.router.redirect_slashes = False
    return app


def _words(request: Request, problem: Exception, status: int, webrtc: WebRtcApi, endpoints: EndpointsApi) -> Response:
    """What no operation answers, in the words of the API whose path it is."""
    headers = problem.headers if isinstance(problem, HTTPException) else None
    if request.url.path.startswith("/api/v2/"):
        return voice_api.error(status, *_VOICE_WORDS.get(status, _VOICE_OTHER), headers)
    text = problem.detail if isinstance(problem, HTTPException) else "Internal error"
    if request.url.path.startswith("/v1/"):
        return webrtc.error(status, text)
    if request.url.path.startswith("/v2/"):
        return endpoints.error(status, text, {"reference": request.url.path}, headers)
    response = control_api.error(status, f"{text}: {_PLACES}" if status == 404 else text)
    response.headers.update(headers or {})
    return response


async def _issue_token(request: Request, accounts: Accounts, world: World) -> Response:
    """OAuth2 client credentials; errors in the words of RFC 6749, 5.2."""
    try:
        form = parse_qs((await read_body(request)).decode(), max_num_fields=MOST_FIELDS)
        grants = form.get("grant_type", [])
        token = accounts.issue(request.headers.get("authorization"))
    except (BadBody, ValueError):
        return world.refuse(json_response({"error": "invalid_request"}, 400), "oauth.request")
    except Unauthorized:
        challenge = {"WWW-Authenticate": 'Basic realm="Bandwidth"'}
        return world.refuse(json_response({"error": "invalid_client"}, 401, challenge), "oauth.client")
    if len(grants) != 1:
        return world.refuse(json_response({"error": "invalid_request"}, 400), "oauth.request")
    if grants != ["client_credentials"]:
        return world.refuse(json_response({"error": "unsupported_grant_type"}, 400), "oauth.grant")
    world.engine.follow("oauth.token")
    body = {"access_token": token, "token_type": "Bearer", "expires_in": int(accounts.token_seconds)}
    return json_response(body, headers={"Cache-Control": "no-store"})
