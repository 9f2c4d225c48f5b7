"""Programmable Voice API v2 under its official paths: unpack the request, call the engine, pack the answer (voice-api 2 to 7)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workbench.simulator.accounts import Accounts, Unauthorized
from workbench.simulator.effects import Refusal
from workbench.simulator.voice_shapes import call_state, conference_state, created, member_state, transcription, transcription_metadata
from workbench.simulator.wire import BadBody, Handler, Operation, TellingResponse, compact, json_object, json_response, read_body, routes
from workbench.simulator.world import World

BASE = "/api/v2/accounts/{account_id}"
MEDIA_TYPE = "application/json;charset=UTF-8"
CALLS_PAGE = 10_000
CONFERENCES_PAGE = 1_000
DEFAULT_PAGE = 1_000
T = TypeVar("T")

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
        self._url = f"{world.config.voice_url}/accounts/{accounts.account_id}"

    def operations(self) -> list[Operation]:
        """Every operation under its official path and name."""
        transcript = "/calls/{call_id}/transcriptions/{transcription_id}"
        conference, member = "/conferences/{conference_id}", "/conferences/{conference_id}/members/{call_id}"
        return [
            Operation("POST", "/calls", "createCall", self.create_call),
            Operation("GET", "/calls", "listCalls", self.list_calls),
            Operation("GET", "/calls/{call_id}", "getCallState", self.get_call),
            Operation("POST", "/calls/{call_id}", "updateCall", self.update_call),
            Operation("PUT", "/calls/{call_id}/bxml", "updateCallBxml", self.update_call_bxml),
            Operation("GET", "/calls/{call_id}/transcriptions", "listRealTimeTranscriptions", self.list_transcriptions),
            Operation("GET", transcript, "getRealTimeTranscription", self.get_transcription),
            Operation("DELETE", transcript, "deleteRealTimeTranscription", self.delete_transcription),
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
        return routes(BASE, self.operations(), self.guard)

    def guard(self, handler: Handler) -> Handler:
        """A handler behind the account's door, its refusals as the Voice API writes them."""

        def refuse(response: Response, rule: str) -> Response:
            self._world.engine.follow("api.error")
            return self._world.refuse(response, rule)

        async def guarded(request: Request) -> Response:
            try:
                rights = self._accounts.allowed(request.headers.get("authorization"))
                if not rights or request.path_params["account_id"] != self._accounts.account_id:
                    raise Refusal(403, "Access is denied", "account.rights", "authorization-error")
                if self._world.engine.limits.requests_per_second is not None:
                    self._world.run(lambda engine, now: engine.admit(now))
                return await handler(request)
            except Unauthorized as refused:
                challenge = {"WWW-Authenticate": 'Basic realm="Bandwidth"'}
                return refuse(error(401, "authentication-error", str(refused), challenge), refused.rule)
            except Refusal as refusal:
                return refuse(error(refusal.status, refusal.type, refusal.description), refusal.rule)
            except BadBody as bad:
                return refuse(error(bad.status, "validation", "Bad Request" if bad.status == 400 else bad.description), bad.rule)

        return guarded

    # Calls

    async def create_call(self, request: Request) -> Response:
        """POST /calls"""
        fields = await json_fields(request)
        call, seq = self._world.change(lambda engine, now: engine.create_call(now, fields))
        sent = self._world.hold(call.call_id)
        self._world.engine.follow("api.created")
        if fields.get("password"):
            self._world.engine.follow("api.hidden")
        url = f"{self._url}/calls/{call.call_id}"
        body = compact(created(call, url))
        response = TellingResponse(body, 201, {"Location": url, "X-Workbench-Seq": str(seq)}, MEDIA_TYPE)
        response.sent = sent
        return response

    async def get_call(self, request: Request) -> Response:
        """GET /calls/{callId}"""
        call = self._world.engine.call(request.path_params["call_id"])
        self._world.engine.follow("api.null")
        return json_200(call_state(call))

    async def list_calls(self, request: Request) -> Response:
        """GET /calls"""
        query, size, after = _paging(request, CALLS_PAGE)
        calls = self._world.engine.list_calls(query)
        page, headers = self._page(request, [(call.call_id, call) for call in calls], size, after)
        return json_response([call_state(call) for call in page], 200, headers, MEDIA_TYPE)

    async def update_call(self, request: Request) -> Response:
        """POST /calls/{callId}"""
        fields, call_id = await json_fields(request), request.path_params["call_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_call(now, call_id, fields))
        return self.empty(200, seq)

    async def update_call_bxml(self, request: Request) -> Response:
        """PUT /calls/{callId}/bxml"""
        document, call_id = await _xml(request), request.path_params["call_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_call_bxml(now, call_id, document))
        return self.empty(204, seq)

    async def statistics(self, request: Request) -> Response:
        """GET /statistics"""
        queued, most = self._world.engine.statistics()
        return json_200({"currentCallQueueSize": queued, "maxCallQueueSize": most})

    # Live transcriptions

    async def list_transcriptions(self, request: Request) -> Response:
        """GET /calls/{callId}/transcriptions"""
        call_id = request.path_params["call_id"]
        found = self._world.engine.list_transcriptions(call_id)
        return json_200([transcription_metadata(item, f"{self._url}/calls/{call_id}") for item in found])

    async def get_transcription(self, request: Request) -> Response:
        """GET /calls/{callId}/transcriptions/{transcriptionId}"""
        call_id, transcription_id = request.path_params["call_id"], request.path_params["transcription_id"]
        found = self._world.engine.transcription(call_id, transcription_id)
        return json_200(transcription(self._accounts.account_id, call_id, found))

    async def delete_transcription(self, request: Request) -> Response:
        """DELETE /calls/{callId}/transcriptions/{transcriptionId}"""
        ids = request.path_params["call_id"], request.path_params["transcription_id"]
        _, seq = self._world.change(lambda engine, now: engine.delete_transcription(now, *ids))
        return self.empty(200, seq)

    # Conferences

    async def list_conferences(self, request: Request) -> Response:
        """GET /conferences"""
        query, size, after = _paging(request, CONFERENCES_PAGE)
        conferences = self._world.engine.list_conferences(query)
        page, headers = self._page(request, [(conference.conference_id, conference) for conference in conferences], size, after)
        return json_response([conference_state(conference) for conference in page], 200, headers, MEDIA_TYPE)

    async def get_conference(self, request: Request) -> Response:
        """GET /conferences/{conferenceId}"""
        conference = self._world.engine.conference(request.path_params["conference_id"])
        url = f"{self._url}/conferences/{conference.conference_id}"
        members = [member_state(conference.conference_id, member, url) for member in conference.members.values()]
        self._world.engine.follow("api.members")
        return json_200({**conference_state(conference), "activeMembers": members})

    async def update_conference(self, request: Request) -> Response:
        """POST /conferences/{conferenceId}"""
        fields, conference_id = await json_fields(request), request.path_params["conference_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_conference(now, conference_id, fields))
        return self.empty(204, seq)

    async def update_conference_bxml(self, request: Request) -> Response:
        """PUT /conferences/{conferenceId}/bxml"""
        document, conference_id = await _xml(request), request.path_params["conference_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_conference_bxml(now, conference_id, document))
        return self.empty(204, seq)

    async def get_member(self, request: Request) -> Response:
        """GET /conferences/{conferenceId}/members/{memberId}"""
        conference_id = request.path_params["conference_id"]
        member = self._world.engine.member(conference_id, request.path_params["call_id"])
        return json_200(member_state(conference_id, member, f"{self._url}/conferences/{conference_id}"))

    async def update_member(self, request: Request) -> Response:
        """PUT /conferences/{conferenceId}/members/{memberId}"""
        fields, ids = await json_fields(request), (request.path_params["conference_id"], request.path_params["call_id"])
        _, seq = self._world.change(lambda engine, now: engine.update_member(now, *ids, fields))
        return self.empty(204, seq)

    def empty(self, status: int, seq: int) -> Response:
        """An answer without a body to a request that changed something."""
        self._world.engine.follow("api.empty")
        return Response(None, status, {"X-Workbench-Seq": str(seq)})

    def _page(self, request: Request, rows: list[tuple[str, T]], size: int, after: str | None) -> tuple[list[T], dict[str, str]]:
        """One page of rows by id, and its headers. A token names the last row before the page, so that new rows do not shift pages."""
        start = 0
        if after is not None:
            start = next((place for place, (row_id, _) in enumerate(rows, 1) if row_id == after), -1)
            if start < 0:
                raise Refusal(400, "Invalid pageToken", "list.token")
        page, headers = rows[start : start + size], {}
        if start + size < len(rows):
            self._world.engine.follow("list.next")
            token = urlsafe_b64encode(page[-1][0].encode()).decode()
            query = urlencode({**request.query_params, "pageToken": token})
            path = request.url.path.rpartition("/")[2]
            headers["Link"] = f'<{self._url}/{path}?{query}>; rel="next"'
        return [row for _, row in page], headers


def json_200(value: Any) -> Response:
    """A JSON answer as the Voice API gives it."""
    return json_response(value, media_type=MEDIA_TYPE)


def _paging(request: Request, most: int) -> tuple[dict[str, str], int, str | None]:
    """The filters of a list request, its page size and the row its page begins after. Raises Refusal."""
    query = dict(request.query_params)
    size, token = query.pop("pageSize", str(DEFAULT_PAGE)), query.pop("pageToken", None)
    if not (size.isascii() and size.isdigit() and len(size) < 10 and 1 <= int(size) <= most):
        raise Refusal(400, f"pageSize must be within the range [1, {most}], but was {size}", "list.size")
    try:
        return query, int(size), urlsafe_b64decode(token).decode() if token is not None else None
    except ValueError:
        raise Refusal(400, "Invalid pageToken", "list.token") from None


async def json_fields(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises Refusal 415 and BadBody."""
    _media_type(request, "application/json")
    return json_object(await read_body(request))


async def _xml(request: Request) -> bytes:
    _media_type(request, "application/xml")
    return await read_body(request)


def _media_type(request: Request, wanted: str) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refusal(415, "Unsupported Media Type", "http.encoding")
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() != wanted:
        raise Refusal(415, f"Content type '{sent}' not supported", "http.content-type")
