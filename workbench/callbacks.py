"""The callback server's application: authenticate, store, ask the mode, reply.

A webhook is stored before it is answered, so the log never misses what the platform believes delivered. Handlers run here, on the
server's threads: nothing in this file prints or touches a widget.
"""

from __future__ import annotations

import contextlib
import hmac
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Protocol

from flask import Flask, Response, abort, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from workbench.guard import Guard, sender_of, too_deep
from workbench.keys import Keys, seal
from workbench.lanes import Lanes
from workbench.modes.handlers import TELLING
from workbench.records import ANSWERING, Begun, Event, Refused, Reply, Webhook
from workbench.refused import CHALLENGED

# The largest documented webhook is about 2 KB; 64 KB is also the most a BXML document may have.
BODY_LIMIT = 64 * 1024
# Webhooks of the WebRTC side's objects: what identifies the object, and its events (webrtc-api 6, brtc 4.1).
OBJECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "participant": ("participantId", ("onConnect", "onLeave", "onDisconnect")),
    "endpoint": (
        "endpointId",
        (
            *("endpointConnected", "endpointDisconnected", "endpointEligible", "endpointIneligible", "outboundConnectionRequest"),
            *("DEVICE_CONNECTED", "DEVICE_DISCONNECTED"),
        ),
    ),
}
# Events of verbs that have no attributes for credentials (bxml 8): the key in their URL opens the way for these and no others.
UNSIGNED = frozenset({"referComplete", "connectStatus"})
# Why something was turned away, in words; what is not here goes by the status' name.
REASONS = {
    HTTPStatus.BAD_REQUEST: "no usable body",
    HTTPStatus.UNAUTHORIZED: "wrong credentials",
    HTTPStatus.FORBIDDEN: "the URL of another object",
    HTTPStatus.NOT_FOUND: "unknown path",
    HTTPStatus.METHOD_NOT_ALLOWED: "wrong method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "not JSON",
    HTTPStatus.MISDIRECTED_REQUEST: "unknown host",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests",
}
# The platform waits 15 s unless a call says otherwise (callbackTimeout, 1..25 s); one second is left for the way back.
PATIENCE = 14.0


class FlowLock(Protocol):
    """What `threading.Lock` and `RLock` offer; an RLock also lets a handler call methods of its own flow."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...


class Asker(Protocol):
    """A mode, as far as the callback server knows it."""

    def knows(self, event_type: str) -> bool:
        """Whether it has a handler for such events; if not, the platform gets a 404."""
        ...

    def locate(self, webhook: Webhook) -> tuple[str | None, str | None]:
        """The flow and leg it belongs to; an inbound call starts a flow. Must be quick: nothing is stored before it returns."""
        ...

    def lock(self, flow: str) -> FlowLock:
        """The lock of this flow: its events are handled one after the other."""
        ...

    def ask(self, event: Event) -> Reply:
        """Run the handler. What it raises becomes part of the event, and the platform gets a 500."""
        ...


class Store(Protocol):
    """What the callback server needs of the log."""

    def begin(self, webhook: Webhook) -> Begun:
        """Commit the webhook; tells too whether it is a repetition."""
        ...

    def finish(self, begun: Begun, reply: Reply) -> Event:
        """Commit the outcome, tell the listeners."""
        ...

    def refuse(self, refused: Refused) -> None:
        """Note what was turned away."""
        ...


class CallbackApp(Flask):
    """The Flask application; `create_app` makes one. `close` ends its worker threads, `drain` waits for handlers under way."""

    def __init__(
        self,
        modes: Mapping[str, Asker],
        store: Store,
        credentials: tuple[str, str],
        *,
        inbound: Callable[[str | None], str | None],
        dashboard: tuple[str, str],
        keys: Keys,
        secret: str,
        guard: Guard,
        instance: str,
        patience: float,
    ) -> None:
        super().__init__("workbench.callbacks", static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
        self.modes = modes
        self.store = store
        self.lanes = Lanes()
        self._credentials, self._dashboard, self._keys = credentials, dashboard, keys
        self._inbound = inbound
        self._secret = secret
        self.guard = guard
        self._instance = instance
        self._patience = patience
        # For how long, so far, a reader has held events back while the platform's clock stood.
        self.held_seconds: Callable[[], float] = lambda: 0.0
        self.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        # A path that is not quite ours is none: no redirect tells what would be.
        self.url_map.merge_slashes = False
        methods = ["GET", "POST"]
        self.before_request(self._check_host)
        self.add_url_rule("/ping", "ping", self._ping, methods=["GET"])
        self.add_url_rule("/ping", "signed", self._signed, methods=["POST"])
        self.add_url_rule(f"/<any({', '.join(OBJECTS)}):kind>/<key>", "object", self._object_event, methods=["POST"])
        self.add_url_rule("/inbound/<event_type>", "inbound", self._inbound_event, methods=methods)
        self.add_url_rule("/<mode>/<event_type>", "event", self._event, methods=methods)
        self.register_error_handler(HTTPException, self._turn_away)

    def drain(self, timeout: float) -> bool:
        """Wait until every answered webhook's handler has run; False when `timeout` seconds were not enough."""
        return self.lanes.drain(timeout)

    def log_exception(self, exc_info: Any) -> None:
        """Nothing: Flask's lines would land in whichever cell is running. The store notes what went wrong."""

    def close(self) -> None:
        """End the worker threads; handlers that have not begun are dropped, their webhooks stay in the log."""
        self.lanes.close()

    # -- requests ------------------------------------------------------------------------------------------------------------------

    def _check_host(self) -> None:
        if not self.guard.knows(request.headers.get("Host", "")):
            abort(HTTPStatus.MISDIRECTED_REQUEST, "this is not a host name of ours")

    def _ping(self) -> Response:
        # anybody may ask, though not for ever
        wait = self.guard.strike(sender_of(request.environ), time.monotonic())
        if wait is not None:
            abort(HTTPStatus.TOO_MANY_REQUESTS)
        return Response(self._instance, content_type="text/plain")

    def _signed(self) -> Response:
        """A webhook's way without a webhook: whether credentials get through."""
        self._authenticate(self._credentials)
        return Response(self._instance, content_type="text/plain")

    def _event(self, mode: str, event_type: str) -> Response:
        keyed = self._keyed(event_type)
        if keyed:
            g.admitted = True
        else:
            self._authenticate(self._credentials)
        fields = self._fields()
        # What a webhook says of itself counts, so it has to say one of those the key is for.
        if keyed and str(fields.get("eventType", fields.get("event", event_type))) not in UNSIGNED:
            abort(HTTPStatus.BAD_REQUEST, f"expected one of {', '.join(sorted(UNSIGNED))}")
        return self._receive_call(mode, event_type, fields)

    def _inbound_event(self, event_type: str) -> Response:
        self._authenticate(self._dashboard)
        fields = self._fields()
        return self._receive_call(self._inbound(fields.get("callId")) or "inbound", event_type, fields)

    def _object_event(self, kind: str, key: str) -> Response:
        # Bandwidth sends webhooks of participants and endpoints without credentials: the path itself is the secret.
        granted = self._keys.granted(key)
        if granted is None:
            abort(HTTPStatus.NOT_FOUND)
        g.admitted = True
        identity, events = OBJECTS[kind]
        # which content type these webhooks have is not documented
        fields = self._fields(strict=False)
        event_type = fields.get("event") or (fields.get("eventType") if kind == "endpoint" else None)
        # A path is written down in more places than a password: it opens the way for these events and no others.
        if event_type not in events:
            abort(HTTPStatus.BAD_REQUEST, f"expected one of {', '.join(events)}")
        if granted.object_id is not None and fields.get(identity) != granted.object_id:
            abort(HTTPStatus.FORBIDDEN, f"this URL is not that of this {kind}")
        return self._receive(request.args.get("mode"), event_type, fields)

    def _keyed(self, event_type: str) -> bool:
        """Whether an event that comes without credentials brings the key of its URL."""
        key = request.args.get("key", "")
        if event_type not in UNSIGNED or not key or not self._secret:
            return False
        about = [(name, value) for name, value in request.args.items(multi=True) if name != "key"]
        return hmac.compare_digest(key.encode(), seal(self._secret, about).encode())

    def _authenticate(self, credentials: tuple[str, str]) -> None:
        given = request.authorization
        if given is not None and given.type == "basic":
            pairs = zip((given.username or "", given.password or ""), credentials, strict=True)
            # both are compared whatever the first says, so that timing tells nothing
            if sum(hmac.compare_digest(part.encode(), wanted.encode()) for part, wanted in pairs) == 2:
                g.admitted = True
                return
        abort(HTTPStatus.UNAUTHORIZED)

    def _fields(self, *, strict: bool = True) -> dict[str, Any]:
        if request.method == "GET":
            return {name: value for name, value in request.args.items() if name not in ("flow", "leg", "key")}
        if request.content_length is not None and request.content_length > BODY_LIMIT:
            raise RequestEntityTooLarge
        if strict and request.mimetype != "application/json":
            abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        try:
            fields = request.get_json(force=True, silent=True)
        except RecursionError:
            fields = None
        if not isinstance(fields, dict) or too_deep(fields):
            abort(HTTPStatus.BAD_REQUEST, "expected one JSON object")
        return fields

    def _receive_call(self, mode: str, event_type: str, fields: dict[str, Any]) -> Response:
        # What the webhook says of itself counts: one URL may serve several events.
        return self._receive(mode, str(fields.get("eventType") or event_type), fields)

    def _receive(self, mode: str | None, event_type: str, fields: dict[str, Any]) -> Response:
        args, headers = request.args, request.headers
        seq = headers.get("X-Workbench-Seq", "")
        webhook = Webhook(
            mode=mode,
            event_type=event_type,
            flow=args.get("flow"),
            leg=args.get("leg"),
            url=request.full_path.rstrip("?"),
            data=fields,
            time=time.time(),
            seq=int(seq) if seq.isascii() and seq.isdecimal() else None,
            rule=headers.get("X-Workbench-Rule"),
            label=headers.get("X-Workbench-Label"),
        )
        reply = self.answer(webhook)
        response = Response(reply.body, reply.status)
        response.content_type = reply.content_type or ("application/xml; charset=utf-8" if reply.body else "text/plain")
        return response

    def _turn_away(self, error: HTTPException) -> Response:
        status, said = error.code or HTTPStatus.INTERNAL_SERVER_ERROR, error.description
        # The platform sends credentials only after a challenge, so a first 401 is part of every webhook.
        challenged = status == HTTPStatus.UNAUTHORIZED and "Authorization" not in request.headers
        wait = None if challenged or g.get("admitted") else self.guard.strike(sender_of(request.environ), time.monotonic())
        if wait is not None:
            status, said = HTTPStatus.TOO_MANY_REQUESTS, "too many requests that were turned away"
        cause = getattr(error, "original_exception", None)
        named = REASONS.get(HTTPStatus(status), error.name)
        reason = CHALLENGED if challenged else named if cause is None else f"{error.name}: {type(cause).__name__}"
        # it may be the store that failed
        with contextlib.suppress(Exception):
            self.store.refuse(Refused(time.time(), reason, status, request.method, request.path))
        response = Response("" if status == HTTPStatus.NOT_FOUND else said, status, content_type="text/plain")
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="workbench"'
        if wait is not None:
            response.headers["Retry-After"] = str(wait)
        return response

    # -- decisions -----------------------------------------------------------------------------------------------------------------

    def answer(self, webhook: Webhook) -> Reply:
        """Store a webhook, have it handled, give its reply."""
        asker = self.modes.get(webhook.mode or "")
        webhook, fault = self._located(webhook, asker)
        begun = self.store.begin(webhook)
        if fault is not None:
            return self._finished(begun, Reply(status=500, error=fault))
        of_object = webhook.url.startswith(tuple(f"/{kind}/" for kind in OBJECTS))
        if asker is None or not asker.knows(webhook.event_type):
            # an object's webhook is taken from any mode, or from none: it only has to be in the log
            return self._finished(begun, Reply(status=200 if of_object else 404))
        if webhook.event_type in TELLING:
            if begun.duplicate:
                return self._finished(begun, Reply())
            self.lanes.put(begun.event.flow or "", lambda: self._handle_later(asker, begun))
            return Reply()
        if begun.duplicate:
            return self._finished(begun, self._repeated(begun))
        return self._finished(begun, self._handle(asker, begun.event, self._patience))

    def _located(self, webhook: Webhook, asker: Asker | None) -> tuple[Webhook, str | None]:
        if asker is None:
            return webhook, None
        try:
            flow, leg = asker.locate(webhook)
        except Exception as error:
            return webhook, _traceback(error)
        return replace(webhook, flow=flow, leg=leg), None

    def _repeated(self, begun: Begun) -> Reply:
        """The reply of the webhook this one repeats; if that is still being handled, when it is there."""
        try:
            return replace(begun.answer.result(self._patience), handler_ms=None)
        except FutureTimeout:
            return Reply(status=503, late=True, error="the first of these webhooks was still being handled")

    def _handle(self, asker: Asker, event: Event, patience: float) -> Reply:
        """Ask the handler under the flow's lock; two answers of one flow go one after the other, else both would bridge."""
        began, held = time.perf_counter(), self.held_seconds()

        def waited() -> float:
            """How long the platform's clock has run meanwhile: while a reader holds an event it stands."""
            return time.perf_counter() - began - (self.held_seconds() - held)

        lock = None if event.flow is None else asker.lock(event.flow)
        if lock is not None and not self._acquired(lock, patience, waited):
            return Reply(status=503, late=True, error="another event of this flow was handled for too long")
        asked, outer = time.perf_counter(), ANSWERING.set(event.id)
        try:
            reply = asker.ask(event)
        except Exception as error:
            reply = Reply(status=500, error=_traceback(error))
        finally:
            ANSWERING.reset(outer)
            if lock is not None:
                lock.release()
        now = time.perf_counter()
        ms = round((now - asked) * 1000, 3) if reply.handler_ms is None else reply.handler_ms
        return replace(reply, handler_ms=ms, late=reply.late or 0 <= patience < waited())

    def _acquired(self, lock: FlowLock, patience: float, waited: Callable[[], float]) -> bool:
        left = patience
        while not lock.acquire(timeout=left):
            left = patience - waited()
            if left <= 0:
                return False
        return True

    def _handle_later(self, asker: Asker, begun: Begun) -> None:
        # The platform has its 200 already: only what the handler did is noted. No patience, as nobody waits.
        reply = self._handle(asker, begun.event, -1)
        self._finished(begun, replace(reply, body="", status=200))

    def _finished(self, begun: Begun, reply: Reply) -> Reply:
        self.store.finish(begun, reply)
        return reply


def create_app(
    modes: Mapping[str, Asker],
    store: Store,
    credentials: tuple[str, str],
    *,
    inbound: Callable[[str | None], str | None] = lambda call_id: None,
    dashboard: tuple[str, str] | None = None,
    keys: Keys | None = None,
    secret: str = "",
    guard: Guard | None = None,
    instance: str = "workbench",
    patience: float = PATIENCE,
) -> CallbackApp:
    """The callback server's application.

    Routes: `/{mode}/{eventType}?flow=&leg=`; events of verbs that have no credentials come without them, with a `key=` that seals the query
    by `secret`; `/inbound/{eventType}` for the URLs in the account's dashboard, opened by the pair `dashboard` (the same unless told),
    which go to the mode that `inbound(callId)` names at that moment; `/participant/{key}` and `/endpoint/{key}` without credentials, by
    one of `keys`; `/ping`, which answers `instance`, so that one can see through a tunnel who is there, and by POST
    with credentials only. `modes` is looked up at each request. `guard` says under which host names they may come, and how
    often one sender may be turned away; without it there is no limit.
    `patience` is the number of seconds the platform waits for an answer, less the way back.
    """
    return CallbackApp(
        modes,
        store,
        credentials,
        inbound=inbound,
        dashboard=credentials if dashboard is None else dashboard,
        keys=Keys() if keys is None else keys,
        secret=secret,
        guard=Guard(hosts=["*"]) if guard is None else guard,
        instance=instance,
        patience=patience,
    )


def _traceback(error: Exception) -> str:
    """The traceback from the handler on; what is above is this server's own business."""
    frames = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames.tb_next if frames else None)).strip()
