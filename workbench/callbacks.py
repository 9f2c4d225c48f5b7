"""The callback server's application: it lets a webhook in or turns it away, and replies what `answering` says.

Handlers run on the server's threads: nothing in this file prints or touches a widget.
"""

from __future__ import annotations

import contextlib
import hmac
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, abort, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from workbench.answering import PATIENCE, Answering, Asker, Store
from workbench.guard import Guard, sender_of, too_deep
from workbench.keys import Keys, seal
from workbench.records import Refused, Webhook
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


class CallbackApp(Flask):
    """The Flask application; `create_app` makes one. `answering` has the webhooks handled that were let in."""

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
        self.answering = Answering(modes, store, OBJECTS, patience)
        self._store = store
        self._credentials, self._dashboard, self._keys = credentials, dashboard, keys
        self._inbound = inbound
        self._secret = secret
        self.guard = guard
        self._instance = instance
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

    def close(self) -> None:
        """End the threads on which handlers run."""
        self.answering.close()

    def log_exception(self, exc_info: Any) -> None:
        """Nothing: Flask's lines would land in whichever cell is running. The store notes what went wrong."""

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
        reply = self.answering.answer(webhook)
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
            self._store.refuse(Refused(time.time(), reason, status, request.method, request.path))
        response = Response("" if status == HTTPStatus.NOT_FOUND else said, status, content_type="text/plain")
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="workbench"'
        if wait is not None:
            response.headers["Retry-After"] = str(wait)
        return response


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
