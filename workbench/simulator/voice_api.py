"""Programmable Voice API v2 under its official paths: unpack the request, call the engine, pack the answer (voice-api 2 to 7)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workbench.simulator.accounts import Accounts, Unauthorized
from workbench.simulator.bodies import iso
from workbench.simulator.calls import Call, Conference, Hook, Member, State
from workbench.simulator.effects import Refusal
from workbench.simulator.wire import BadBody, Handler, Operation, TellingResponse, json_object, json_response, read_body, routes
from workbench.simulator.world import World

BASE = "/api/v2/accounts/{account_id}"
MEDIA_TYPE = "application/json;charset=UTF-8"
CALLS_PAGE = 10_000
CONFERENCES_PAGE = 1_000
DEFAULT_PAGE = 1_000
HIDDEN = "*****"
MOST_QUEUED = 5 * 60 * 5  # five minutes at the default rate of five calls per second (documented, voice/callQueueing)
# Statuses whose errors carry an empty id instead of null (documented, voice-api/errors).
_EMPTY_ID = (409, 429)


def error(status: int, type: str, description: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as the Voice API writes it."""
    if status == 429:
        headers = {**(headers or {}), "Retry-After": "1"}
    body = {"type": type, "description": description, "id": "" if status in _EMPTY_ID else None}
    return json_response(body, status, headers, MEDIA_TYPE)


class VoiceApi:
    """The operations of the Voice API on one world."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._world, self._accounts = world, accounts

    def operations(self) -> list[Operation]:
        """Every operation under its official path and name."""
        conference, member = "/conferences/{conference_id}", "/conferences/{conference_id}/members/{call_id}"
        return [
            Operation("POST", "/calls", "createCall", self.create_call),
            Operation("GET", "/calls", "listCalls", self.list_calls),
            Operation("GET", "/calls/{call_id}", "getCallState", self.get_call),
            Operation("POST", "/calls/{call_id}", "updateCall", self.update_call),
            Operation("PUT", "/calls/{call_id}/bxml", "updateCallBxml", self.update_call_bxml),
            Operation("GET", "/conferences", "listConferences", self.list_conferences),
            Operation("GET", conference, "getConference", self.get_conference),
            Operation("POST", conference, "updateConference", self.update_conference),
            Operation("PUT", conference + "/bxml", "updateConferenceBxml", self.update_conference_bxml),
            Operation("GET", member, "getConferenceMember", self.get_member),
            Operation("PUT", member, "updateConferenceMember", self.update_member),
            Operation("GET", "/statistics", "getStatistics", self.statistics),
        ]

    def routes(self) -> list[Route]:
        """The operations as routes."""
        return routes(BASE, self.operations(), self._guard)

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                rights = self._accounts.allowed(request.headers.get("authorization"))
                if not rights or request.path_params["account_id"] != self._accounts.account_id:
                    return error(403, "authorization-error", "Access is denied")
                return await handler(request)
            except Unauthorized as refused:
                return error(401, "authentication-error", str(refused), {"WWW-Authenticate": 'Basic realm="Bandwidth"'})
            except Refusal as refusal:
                return error(refusal.status, refusal.type, refusal.description)
            except BadBody as bad:
                return error(bad.status, "validation", "Bad Request" if bad.status == 400 else bad.description)

        return guarded

    # Calls

    async def create_call(self, request: Request) -> Response:
        """POST /calls"""
        fields = await _json(request)
        call, seq = self._world.change(lambda engine, now: engine.create_call(now, fields))
        sent = self._world.hold(call.call_id)
        body = json.dumps(self._created(call), separators=(",", ":"))
        headers = {"Location": self._call_url(call), "X-Workbench-Seq": str(seq)}
        response = TellingResponse(body, 201, headers, MEDIA_TYPE)
        response.sent = sent
        return response

    async def get_call(self, request: Request) -> Response:
        """GET /calls/{callId}"""
        return _json_200(call_state(self._world.engine.call(request.path_params["call_id"])))

    async def list_calls(self, request: Request) -> Response:
        """GET /calls"""
        query, size, after = _paging(request, CALLS_PAGE)
        calls = self._world.engine.list_calls(query)
        return self._page(request, [call_state(call) for call in calls], "callId", size, after)

    async def update_call(self, request: Request) -> Response:
        """POST /calls/{callId}"""
        fields, call_id = await _json(request), request.path_params["call_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_call(now, call_id, fields))
        return _empty(200, seq)

    async def update_call_bxml(self, request: Request) -> Response:
        """PUT /calls/{callId}/bxml"""
        document, call_id = await _xml(request), request.path_params["call_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_call_bxml(now, call_id, document))
        return _empty(204, seq)

    async def statistics(self, request: Request) -> Response:
        """GET /statistics"""
        queued = sum(call.state is State.QUEUED for call in self._world.engine.calls.values())
        return _json_200({"currentCallQueueSize": queued, "maxCallQueueSize": MOST_QUEUED})

    # Conferences

    async def list_conferences(self, request: Request) -> Response:
        """GET /conferences"""
        query, size, after = _paging(request, CONFERENCES_PAGE)
        conferences = self._world.engine.list_conferences(query)
        return self._page(request, [conference_state(conference) for conference in conferences], "id", size, after)

    async def get_conference(self, request: Request) -> Response:
        """GET /conferences/{conferenceId}"""
        conference = self._world.engine.conference(request.path_params["conference_id"])
        members = [self._member(conference.conference_id, member) for member in conference.members.values()]
        return _json_200({**conference_state(conference), "activeMembers": members})

    async def update_conference(self, request: Request) -> Response:
        """POST /conferences/{conferenceId}"""
        fields, conference_id = await _json(request), request.path_params["conference_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_conference(now, conference_id, fields))
        return _empty(204, seq)

    async def update_conference_bxml(self, request: Request) -> Response:
        """PUT /conferences/{conferenceId}/bxml"""
        document, conference_id = await _xml(request), request.path_params["conference_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_conference_bxml(now, conference_id, document))
        return _empty(204, seq)

    async def get_member(self, request: Request) -> Response:
        """GET /conferences/{conferenceId}/members/{memberId}"""
        conference_id = request.path_params["conference_id"]
        return _json_200(self._member(conference_id, self._world.engine.member(conference_id, request.path_params["call_id"])))

    async def update_member(self, request: Request) -> Response:
        """PUT /conferences/{conferenceId}/members/{memberId}"""
        fields, ids = await _json(request), (request.path_params["conference_id"], request.path_params["call_id"])
        _, seq = self._world.change(lambda engine, now: engine.update_member(now, *ids, fields))
        return _empty(204, seq)

    # Answers

    def _call_url(self, call: Call) -> str:
        return f"{self._world.config.voice_url}/accounts/{call.account_id}/calls/{call.call_id}"

    def _created(self, call: Call) -> dict[str, Any]:
        """The body of a 201: every field, null when unset, passwords hidden (documented)."""
        answer, disconnect = call.answer or Hook(""), call.disconnect
        return {
            "applicationId": call.application_id,
            "accountId": call.account_id,
            "callId": call.call_id,
            "to": call.to,
            "from": call.from_,
            "enqueuedTime": _time(call.enqueued_time),
            "callUrl": self._call_url(call),
            "callTimeout": call.call_timeout,
            "callbackTimeout": call.callback_timeout,
            "tag": call.tag,
            "answerMethod": answer.method,
            "answerUrl": answer.url,
            "answerFallbackMethod": answer.fallback_method,
            "answerFallbackUrl": answer.fallback_url,
            "disconnectMethod": disconnect.method if disconnect else "POST",
            "disconnectUrl": disconnect.url if disconnect else None,
            "username": answer.username,
            "password": answer.password and HIDDEN,
            "fallbackUsername": answer.fallback_username,
            "fallbackPassword": answer.fallback_password and HIDDEN,
            "priority": call.priority,
        }

    def _member(self, conference_id: str, member: Member) -> dict[str, Any]:
        base = f"{self._world.config.voice_url}/accounts/{self._accounts.account_id}"
        return {
            "callId": member.call_id,
            "conferenceId": conference_id,
            "memberUrl": f"{base}/conferences/{conference_id}/members/{member.call_id}",
            "mute": member.mute,
            "hold": member.hold,
            "callIdsToCoach": list(member.coach) or None,
        }

    def _page(self, request: Request, rows: list[dict[str, Any]], key: str, size: int, after: str | None) -> Response:
        """One page; a token names the last row of the page before it, so that new rows do not shift pages."""
        start = 0
        if after is not None:
            start = next((place for place, row in enumerate(rows, 1) if row[key] == after), -1)
            if start < 0:
                raise Refusal(400, "Invalid pageToken", "request.field")
        page, headers = rows[start : start + size], {}
        if start + size < len(rows):
            token = urlsafe_b64encode(page[-1][key].encode()).decode()
            query = urlencode({**request.query_params, "pageToken": token})
            path = request.url.path.removeprefix("/api/v2")
            headers["Link"] = f'<{self._world.config.voice_url}{path}?{query}>; rel="next"'
        return json_response(page, 200, headers, MEDIA_TYPE)


def call_state(call: Call) -> dict[str, Any]:
    """A call as getCallState and listCalls show it; what is not known yet is null (documented, voice-api/callState)."""
    return {
        "applicationId": call.application_id,
        "accountId": call.account_id,
        "callId": call.call_id,
        "parentCallId": call.parent_call_id,
        "to": call.to,
        "from": call.from_,
        "direction": call.direction,
        "state": call.state.value,
        "stirShaken": None,
        "identity": None,
        "enqueuedTime": _time(call.enqueued_time),
        "startTime": _time(call.start_time),
        "answerTime": _time(call.answer_time),
        "endTime": _time(call.end_time),
        "disconnectCause": call.cause,
        "errorMessage": call.error_message,
        "errorId": call.error_id,
        "lastUpdate": _time(call.last_update),
    }


def conference_state(conference: Conference) -> dict[str, Any]:
    """A conference without its members, as the list shows it (documented)."""
    hook = conference.hook
    return {
        "id": conference.conference_id,
        "name": conference.name,
        "createdTime": iso(conference.created_time),
        "completedTime": _time(conference.completed_time),
        "conferenceEventUrl": hook.url if hook else None,
        "conferenceEventMethod": hook.method if hook else None,
        "tag": conference.tag,
    }


def _time(moment: float | None) -> str | None:
    return None if moment is None else iso(moment)


def _json_200(value: Any) -> Response:
    return json_response(value, media_type=MEDIA_TYPE)


def _empty(status: int, seq: int) -> Response:
    return Response(None, status, {"X-Workbench-Seq": str(seq)})


def _paging(request: Request, most: int) -> tuple[dict[str, str], int, str | None]:
    """The filters of a list request, its page size and the row its page begins after. Raises Refusal."""
    query = dict(request.query_params)
    size, token = query.pop("pageSize", str(DEFAULT_PAGE)), query.pop("pageToken", None)
    if not (size.isascii() and size.isdigit() and len(size) < 10 and 1 <= int(size) <= most):
        raise Refusal(400, f"pageSize must be within the range [1, {most}], but was {size}", "request.range")
    try:
        return query, int(size), urlsafe_b64decode(token).decode() if token is not None else None
    except ValueError:
        raise Refusal(400, "Invalid pageToken", "request.field") from None


async def _json(request: Request) -> dict[str, Any]:
    _media_type(request, "application/json")
    return json_object(await read_body(request))


async def _xml(request: Request) -> bytes:
    _media_type(request, "application/xml")
    return await read_body(request)


def _media_type(request: Request, wanted: str) -> None:
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() != wanted:
        raise Refusal(415, f"Content type '{sent}' not supported", "request.field")
