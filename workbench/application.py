"""An application without notebooks: settings from the environment, the callback server, the modes with the handlers it is given.

What `wb.export_app` writes stands on this module. It keeps its flows in memory, so it is one process; the log of what came is on disk.
"""

from __future__ import annotations

import argparse
import hmac
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from threading import Event as Signal
from typing import Any, NoReturn

from flask import Response, abort, jsonify, request

from workbench.callbacks import CallbackApp, create_app
from workbench.clients import Voice, WebRtc
from workbench.endpoints import Endpoints
from workbench.errors import ApiError, SettingsError, WorkbenchError
from workbench.events import open_log
from workbench.guard import Guard
from workbench.masking import Masker
from workbench.modes import Board, BridgeMode, ConferenceMode, Desk, EndpointSide, Gate, Handler, Mode, Sessions, TransferMode, WebRtcSide
from workbench.server import CallbackServer
from workbench.settings import Settings
from workbench.spending import Spending

USER = "application"
SHORTEST_PASSWORD = 12
DRAIN_SECONDS = 5.0
# Calls until the application is started again, unless CALL_LIMIT says otherwise.
LIMIT = 200
MODES: dict[str, type[Mode]] = {mode.name: mode for mode in (TransferMode, BridgeMode, ConferenceMode)}


class Handlers:
    """Functions by mode and event type. `@handlers.on("transfer", "answer")` adds the one below it."""

    def __init__(self) -> None:
        self.table: dict[str, dict[str, Handler]] = {}

    def on(self, mode: str, event_type: str) -> Callable[[Handler], Handler]:
        """A decorator: the function answers this event in this mode."""

        def add(handler: Handler) -> Handler:
            self.table.setdefault(mode, {})[event_type] = handler
            return handler

        return add

    def of(self, mode: str) -> Mapping[str, Handler]:
        """The functions of a mode by event type."""
        return dict(self.table.get(mode, {}))


class Application:
    """The parts of an application that answers callbacks and places calls. `wsgi` is what a WSGI server serves; `close` ends every call.

    `password` opens the callback server and the paths that place calls; without one there is a new one at each start, and inbound calls,
    whose URLs stand in the voice application, are refused. Calls go to the WebRTC side and to `allowed` numbers ("*" is anybody) only,
    `limit` of them until the end. Raises SettingsError for what is missing.
    """

    def __init__(
        self,
        settings: Settings,
        handlers: Handlers,
        *,
        inbound: str = "transfer",
        password: str = "",
        allowed: Sequence[str] = (),
        limit: int = LIMIT,
    ) -> None:
        settings.require()
        if not settings.base_callback_url:
            raise SettingsError("base_callback_url (BASE_CALLBACK_URL): where Bandwidth reaches this application")
        if inbound not in MODES:
            raise SettingsError(f"INBOUND_MODE: one of {', '.join(MODES)}, not {inbound!r}")
        if password and len(password) < SHORTEST_PASSWORD:
            raise SettingsError(f"CALLBACK_PASSWORD: at least {SHORTEST_PASSWORD} characters, for the internet can try")
        self.settings = settings
        self.password, secret = password or secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._end = ExitStack()
        self.modes: dict[str, Mode] = {}
        board = Board()
        self.log = open_log(settings, values=(self.password, secret))
        self._end.callback(self.log.close)
        credentials = (USER, self.password)
        gate = Gate(settings.base_callback_url, USER, self.password, secret, credentials)
        guard = Guard(hosts=(settings.host, *settings.hosts.split(",")), rate=settings.rate)
        guard.expect(settings.base_callback_url)
        self.wsgi: CallbackApp = create_app(
            self.modes, self.log, credentials, inbound=board.taker, keys=gate.keys, secret=secret, guard=guard
        )
        self._end.callback(self.wsgi.close)
        masker = Masker(b"shown", numbers=settings.live, own=filter(None, [settings.number]))
        spending = Spending(
            guarded=settings.live, free=[settings.interconnect], shown=masker.text, by="CALLS_ALLOWED and CALL_LIMIT in .env"
        )
        try:
            spending.allow(allowed, limit)
        except WorkbenchError as error:
            raise SettingsError(f"CALLS_ALLOWED, CALL_LIMIT: {error}") from error
        voice = Voice(settings, self.log.record_request, spending=spending)
        self._end.callback(voice.close)
        self.side = self._webrtc_side(spending, gate)
        parts = (voice, self.side, board, gate, settings.application_id, settings.number)
        desk = Desk(*parts, frame=self.log.frame, view=_no_view, settle=self._settle, shown=masker.text)
        for name, mode in MODES.items():
            self.modes[name] = mode(desk)
            for event_type, handler in handlers.of(name).items():
                self.modes[name].on(event_type)(handler)
        board.take_inbound(self.modes[inbound])
        self.wsgi.add_url_rule("/calls/<mode>", "calls", self._call, methods=["POST"])
        self.wsgi.add_url_rule("/participant", "browser", self._browser, methods=["GET"])

    def _webrtc_side(self, spending: Spending, gate: Gate) -> WebRtcSide:
        if self.settings.webrtc == "endpoints":
            api = Endpoints(self.settings, self.log.record_request, spending=spending)
            self._end.callback(api.close)
            side = EndpointSide(api, gate)
            self._end.callback(self.log.subscribe(side.hear))
            return side
        webrtc = WebRtc(self.settings, self.log.record_request)
        self._end.callback(webrtc.close)
        return Sessions(webrtc, self.settings.interconnect, gate)

    @property
    def participant(self) -> Any:
        """The browser's participant or endpoint; made when first asked for. Whoever has its `token` hears and speaks."""
        return self.side.named("browser") or self.side.create("browser")

    def dial(self, number: str, mode: str = "transfer") -> Any:
        """Call a phone in a mode; gives the flow. Raises WorkbenchError for what is no number, ApiError when the call is refused."""
        from workbench.bxml.fields import E164_OR_SIP

        if mode not in self.modes:
            raise WorkbenchError(f"mode: one of {', '.join(self.modes)}, not {mode!r}")
        if (rule := E164_OR_SIP.broken(number)) is not None:
            raise WorkbenchError(f"to: it {rule}")
        return self.modes[mode].dial(number)  # type: ignore[attr-defined]

    def close(self) -> None:
        """End every call, delete every participant, close the log."""
        for mode in self.modes.values():
            mode.close()
        self._settle()
        self.side.close()
        self._end.close()

    def _settle(self) -> None:
        self.wsgi.answering.drain(DRAIN_SECONDS)

    def _admit(self) -> None:
        given = request.authorization
        known = given is not None and given.type == "basic"
        if not known or not hmac.compare_digest((given.password or "" if given else "").encode(), self.password.encode()):
            # what the callback server does with strangers, it does here too
            abort(HTTPStatus.UNAUTHORIZED)

    def _browser(self) -> Response:
        """GET /participant, with the credentials of the callbacks: the token with which a browser takes part."""
        self._admit()
        browser = self.side.for_device(self.participant)
        response = jsonify({"participantId" if self.side.callable else "endpointId": browser.id, "token": str(browser.token)})
        response.headers["Cache-Control"] = "no-store"
        return response

    def _call(self, mode: str) -> tuple[Response, int]:
        """POST /calls/{mode} {"to": "+1…"}, with the credentials of the callbacks."""
        self._admit()
        fields = request.get_json(silent=True)
        try:
            flow = self.dial(str(fields.get("to", "")) if isinstance(fields, dict) else "", mode)
        except WorkbenchError as error:
            return jsonify(error=str(error)), 502 if isinstance(error, ApiError) else 400
        return jsonify(flow=flow.id, legs={leg.name: leg.call_id for leg in flow.legs.values()}), 201


def _no_view(name: str, *_: Any) -> NoReturn:
    raise WorkbenchError(f"{name}: there is nothing to look at without a notebook")


def create(handlers: Handlers, environ: Mapping[str, str]) -> Application:
    """The application with the settings of the environment and of .env."""
    found = {**_dotenv(), **environ}
    settings = Settings(platform="live")
    allowed = [number for number in found.get("CALLS_ALLOWED", "").replace(",", " ").split() if number]
    try:
        limit = int(found.get("CALL_LIMIT") or LIMIT)
    except ValueError:
        raise SettingsError(f"CALL_LIMIT: a whole number, not {found['CALL_LIMIT']!r}") from None
    inbound, password = found.get("INBOUND_MODE", "transfer"), found.get("CALLBACK_PASSWORD", "")
    return Application(settings, handlers, inbound=inbound, password=password, allowed=allowed, limit=limit)


def _dotenv() -> dict[str, str]:
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(".env").items() if value}


def main(handlers: Handlers, environ: Mapping[str, str], words: Sequence[str] | None = None) -> None:
    """`serve` until a signal ends it, or `dial` a number by way of the application that serves."""
    parser = argparse.ArgumentParser(prog="app.py", description="Answers Bandwidth's callbacks, and places calls.")
    parser.add_argument("what", nargs="?", choices=("serve", "dial"), default="serve")
    parser.add_argument("number", nargs="?", default="", help="whom to dial, like +15550100001")
    parser.add_argument("--mode", choices=tuple(MODES), default="transfer")
    chosen = parser.parse_args(words)
    try:
        if chosen.what == "dial":
            print(_ask(chosen.number, chosen.mode, {**_dotenv(), **environ}))
        else:
            serve(create(handlers, environ))
    except WorkbenchError as error:
        hint = "\nCopy .env.example to .env and fill it in." if isinstance(error, SettingsError) and not Path(".env").exists() else ""
        sys.exit(f"app.py: {error}{hint}")


def serve(application: Application) -> None:
    """Serve by waitress until SIGINT or SIGTERM; then every call is ended."""
    settings = application.settings
    server = CallbackServer(application.wsgi, settings.port, settings.host).start()
    ended = Signal()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    print(f"listening on http://{settings.host}:{server.port}, callbacks come to {settings.base_callback_url}", flush=True)
    ended.wait()
    try:
        application.close()
    finally:
        server.stop()


def _ask(number: str, mode: str, found: Mapping[str, str]) -> str:
    import httpx

    password, port = found.get("CALLBACK_PASSWORD", ""), found.get("WORKBENCH_PORT", "")
    if not password or not port:
        raise SettingsError("CALLBACK_PASSWORD and WORKBENCH_PORT: set both for the application, so that `dial` finds it and is let in")
    url = f"http://127.0.0.1:{port}/calls/{mode}"
    try:
        answer = httpx.post(url, json={"to": number}, auth=(USER, password), trust_env=False, timeout=30)
    except httpx.HTTPError as error:
        raise WorkbenchError(f"{url} does not answer ({type(error).__name__}): start the application first, python app.py") from error
    if not answer.is_success:
        raise WorkbenchError(f"{answer.status_code}: {answer.text}")
    return answer.text.strip()
