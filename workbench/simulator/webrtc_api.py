"""Classic WebRTC API v1 under its official paths: unpack the request, call the engine, pack the answer (webrtc-api 1 to 4)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workbench.simulator.accounts import Accounts, Unauthorized
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Participant, Session, Subscription
from workbench.simulator.wire import BadBody, Handler, Operation, json_object, json_response, read_body, routes
from workbench.simulator.world import World

BASE = "/v1/accounts/{account_id}"
DEVICE_API_VERSION = "V3"


class WebRtcApi:
    """The eleven operations of the WebRTC API on one world."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._world, self._accounts = world, accounts

    def operations(self) -> list[Operation]:
        """Every operation under its official path and name."""
        member = "/sessions/{session_id}/participants/{participant_id}"
        return [
            Operation("POST", "/participants", "createParticipant", self.create_participant),
            Operation("GET", "/participants/{participant_id}", "getParticipant", self.get_participant),
            Operation("DELETE", "/participants/{participant_id}", "deleteParticipant", self.delete_participant),
            Operation("POST", "/sessions", "createSession", self.create_session),
            Operation("GET", "/sessions/{session_id}", "getSession", self.get_session),
            Operation("DELETE", "/sessions/{session_id}", "deleteSession", self.delete_session),
            Operation("GET", "/sessions/{session_id}/participants", "listSessionParticipants", self.list_participants),
            Operation("PUT", member, "addParticipantToSession", self.add_participant),
            Operation("DELETE", member, "removeParticipantFromSession", self.remove_participant),
            Operation("GET", member + "/subscriptions", "getParticipantSubscriptions", self.get_subscriptions),
            Operation("PUT", member + "/subscriptions", "updateParticipantSubscriptions", self.set_subscriptions),
        ]

    def routes(self) -> list[Route]:
        """The operations as routes."""
        return routes(BASE, self.operations(), self._guard)

    def error(self, status: int, text: str) -> Response:
        """An error as the WebRTC API writes it."""
        return json_response({"error": text, "requestId": self._world.ids("request")}, status)

    def _guard(self, handler: Handler) -> Handler:
        def refuse(response: Response, rule: str) -> Response:
            self._world.engine.follow("webrtc.error")
            return self._world.refuse(response, rule)

        async def guarded(request: Request) -> Response:
            try:
                rights = self._accounts.allowed(request.headers.get("authorization"), "webrtc")
                if not rights or request.path_params["account_id"] != self._accounts.account_id:
                    return refuse(json_response({"message": "Missing Authentication Token"}, 403), "account.rights")
                return await handler(request)
            except Unauthorized as refused:
                return refuse(
                    json_response({"message": "Unauthorized"}, 401, {"WWW-Authenticate": 'Basic realm="Bandwidth"'}), refused.rule
                )
            except (Refusal, BadBody) as refusal:
                return refuse(self.error(refusal.status, refusal.description), refusal.rule)

        return guarded

    def _nothing(self) -> Response:
        self._world.engine.follow("webrtc.empty")
        return Response(None, 204)

    # Participants

    async def create_participant(self, request: Request) -> Response:
        """POST /participants"""
        fields = await _fields(request) or {}
        (participant, token), seq = self._world.change(lambda engine, now: engine.create_participant(now, fields))
        return _changed({"participant": participant_state(participant), "token": token}, seq)

    async def get_participant(self, request: Request) -> Response:
        """GET /participants/{participantId}"""
        return json_response(participant_state(self._world.engine.participant(request.path_params["participant_id"])))

    async def delete_participant(self, request: Request) -> Response:
        """DELETE /participants/{participantId}"""
        participant_id = request.path_params["participant_id"]
        _, seq = self._world.change(lambda engine, now: engine.delete_participant(now, participant_id))
        return _changed(None, seq)

    # Sessions

    async def create_session(self, request: Request) -> Response:
        """POST /sessions"""
        fields = await _fields(request) or {}
        session, seq = self._world.change(lambda engine, now: engine.create_session(now, fields))
        return _changed(session_state(session), seq)

    async def get_session(self, request: Request) -> Response:
        """GET /sessions/{sessionId}"""
        return json_response(session_state(self._world.engine.session(request.path_params["session_id"])))

    async def delete_session(self, request: Request) -> Response:
        """DELETE /sessions/{sessionId}"""
        session_id = request.path_params["session_id"]
        _, seq = self._world.change(lambda engine, now: engine.delete_session(now, session_id))
        return _changed(None, seq)

    async def list_participants(self, request: Request) -> Response:
        """GET /sessions/{sessionId}/participants; 204 when there are none (assumed)"""
        participants = self._world.engine.session_participants(request.path_params["session_id"])
        return json_response([participant_state(item) for item in participants]) if participants else self._nothing()

    async def add_participant(self, request: Request) -> Response:
        """PUT /sessions/{sessionId}/participants/{participantId}"""
        fields, ids = await _fields(request), _ids(request)
        _, seq = self._world.change(lambda engine, now: engine.add_participant(now, *ids, fields))
        return _changed(None, seq)

    async def remove_participant(self, request: Request) -> Response:
        """DELETE /sessions/{sessionId}/participants/{participantId}"""
        ids = _ids(request)
        _, seq = self._world.change(lambda engine, now: engine.remove_participant(now, *ids))
        return _changed(None, seq)

    async def get_subscriptions(self, request: Request) -> Response:
        """GET /sessions/{sessionId}/participants/{participantId}/subscriptions; 204 when there are none (assumed)"""
        subscription = self._world.engine.subscriptions(*_ids(request))
        return json_response(subscription_state(subscription)) if subscription is not None else self._nothing()

    async def set_subscriptions(self, request: Request) -> Response:
        """PUT /sessions/{sessionId}/participants/{participantId}/subscriptions"""
        fields, ids = await _fields(request), _ids(request)
        _, seq = self._world.change(lambda engine, now: engine.set_subscriptions(now, *ids, fields))
        return _changed(None, seq)


def participant_state(participant: Participant) -> dict[str, Any]:
    """A participant as the API shows it; a missing tag is left out."""
    body: dict[str, Any] = {
        "id": participant.id,
        "callbackUrl": participant.callback_url,
        "publishPermissions": list(participant.publish_permissions),
        "sessions": [participant.session_id] if participant.session_id else [],
        "subscriptions": subscription_state(participant.subscription) if participant.subscription else {},
        "deviceApiVersion": DEVICE_API_VERSION,
    }
    return body if participant.tag is None else {**body, "tag": participant.tag}


def session_state(session: Session) -> dict[str, Any]:
    """A session as the API shows it; a missing tag is left out."""
    return {"id": session.id} if session.tag is None else {"id": session.id, "tag": session.tag}


def subscription_state(subscription: Subscription) -> dict[str, Any]:
    """A subscription as it was put: no aliases means all streams."""
    participants = [
        {"participantId": participant_id, "streamAliases": list(aliases)} if aliases else {"participantId": participant_id}
        for participant_id, aliases in subscription.participants
    ]
    return {"sessionId": subscription.session_id, "participants": participants}


def _ids(request: Request) -> tuple[str, str]:
    return request.path_params["session_id"], request.path_params["participant_id"]


async def _fields(request: Request) -> dict[str, Any] | None:
    """The object in a body; None when there is no body."""
    body = await read_body(request)
    return json_object(body) if body.strip() else None


def _changed(body: Any, seq: int) -> Response:
    headers = {"X-Workbench-Seq": str(seq)}
    return Response(None, 204, headers) if body is None else json_response(body, 200, headers)
