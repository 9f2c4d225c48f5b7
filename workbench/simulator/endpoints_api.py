"""BRTC's Endpoints API under its official paths: unpack the request, call the engine, pack the answer (brtc 2)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workbench.simulator.accounts import Accounts, Unauthorized
from workbench.simulator.bodies import iso
from workbench.simulator.effects import Refusal
from workbench.simulator.endpoint_operations import Listed
from workbench.simulator.endpoints import LIFETIME_SECONDS
from workbench.simulator.records import Device, Endpoint
from workbench.simulator.wire import BadBody, Handler, Operation, json_object, json_response, read_body, routes
from workbench.simulator.world import World

BASE = "/v2/accounts/{account_id}"

# The types of errors by their status, in the words of the specification's examples (documented).
TYPES = {
    400: "invalid_parameter",
    401: "unauthorized",
    403: "forbidden",
    404: "resource_not_found",
    405: "method_not_allowed",
    413: "invalid_parameter",
    415: "unsupported_media_type",
    429: "too_many_endpoints",
    500: "service_unavailable",
}
_BLAME = {"header": "Authorization"}
_REFUSED = "The provided credentials are not authorized to access this resource."


class EndpointsApi:
    """The five operations of the Endpoints API on one world."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._world, self._accounts = world, accounts
        # Every API of one platform is on one port.
        self._url = f"{world.config.voice_url.removesuffix('/api/v2')}/v2/accounts/{accounts.account_id}/endpoints"

    def operations(self) -> list[Operation]:
        """Every operation under its official path and name."""
        endpoint = "/endpoints/{endpoint_id}"
        return [
            Operation("POST", "/endpoints", "createEndpoint", self.create_endpoint),
            Operation("GET", "/endpoints", "listEndpoints", self.list_endpoints),
            Operation("GET", endpoint, "getEndpoint", self.get_endpoint),
            Operation("DELETE", endpoint, "deleteEndpoint", self.delete_endpoint),
            Operation("PUT", endpoint + "/bxml", "updateEndpointBxml", self.update_endpoint_bxml),
        ]

    def routes(self) -> list[Route]:
        """The operations as routes."""
        return routes(BASE, self.operations(), self._guard)

    def error(self, status: int, text: str, source: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Response:
        """An error in the API's envelope; `source` says what is to blame."""
        told: dict[str, Any] = {"id": self._world.ids("error"), "type": TYPES.get(status, TYPES[500]), "description": text}
        told["code"] = str(status)
        if source:
            told["source"] = dict(source)
        more = dict(headers or {}) | ({"Retry-After": "1"} if status == 429 else {})
        return json_response({"links": [], "data": None, "errors": [told]}, status, more)

    def _guard(self, handler: Handler) -> Handler:
        refuse = self._world.refuse

        async def guarded(request: Request) -> Response:
            try:
                rights = self._accounts.allowed(request.headers.get("authorization"), "endpoints")
                if not rights or request.path_params["account_id"] != self._accounts.account_id:
                    raise Refusal(403, _REFUSED, "account.rights", source=_BLAME)
                if self._world.engine.limits.requests_per_second is not None:
                    self._world.run(lambda engine, now: engine.admit(now))
                return await handler(request)
            except Unauthorized as unknown:
                return refuse(self.error(401, _REFUSED, _BLAME, {"WWW-Authenticate": 'Basic realm="Bandwidth"'}), unknown.rule)
            except Refusal as refusal:
                return refuse(
                    self.error(refusal.status, refusal.description, refusal.source or {"reference": request.url.path}), refusal.rule
                )
            except BadBody as bad:
                return refuse(self.error(bad.status, bad.description, {"field": "body"}), bad.rule)

        return guarded

    async def create_endpoint(self, request: Request) -> Response:
        """POST /endpoints"""
        _media_type(request, "application/json")
        fields = json_object(await read_body(request))
        (endpoint, token), seq = self._world.change(lambda engine, now: engine.create_endpoint(now, fields))
        data = endpoint_state(endpoint) | {"token": token}
        body = _envelope([_link(f"{self._url}/{endpoint.id}", "endpoint")], data)
        return json_response(body, 201, {"X-Workbench-Seq": str(seq)})

    async def list_endpoints(self, request: Request) -> Response:
        """GET /endpoints"""
        query = dict(request.query_params)
        page = self._world.engine.list_endpoints(query, _place(query.get("afterCursor")))
        links = [_link(self._listed(query), "self")]
        if page.more:
            cursor = urlsafe_b64encode(str(page.endpoints[-1].place).encode()).decode()
            links.append(_link(self._listed(query | {"afterCursor": cursor}), "next"))
        data = [listed_state(endpoint) for endpoint in page.endpoints]
        return json_response(_envelope(links, data) | {"page": _page(page)})

    def _listed(self, query: Mapping[str, str]) -> str:
        return f"{self._url}?{urlencode(query)}" if query else self._url

    async def get_endpoint(self, request: Request) -> Response:
        """GET /endpoints/{endpointId}"""
        endpoint = self._world.engine.endpoint(request.path_params["endpoint_id"])
        return json_response(_envelope([_link(f"{self._url}/{endpoint.id}", "self")], endpoint_state(endpoint)))

    async def delete_endpoint(self, request: Request) -> Response:
        """DELETE /endpoints/{endpointId}"""
        endpoint_id = request.path_params["endpoint_id"]
        _, seq = self._world.change(lambda engine, now: engine.delete_endpoint(now, endpoint_id))
        return Response(None, 204, {"X-Workbench-Seq": str(seq)})

    async def update_endpoint_bxml(self, request: Request) -> Response:
        """PUT /endpoints/{endpointId}/bxml"""
        _media_type(request, "application/xml")
        document, endpoint_id = await read_body(request), request.path_params["endpoint_id"]
        _, seq = self._world.change(lambda engine, now: engine.update_endpoint_bxml(now, endpoint_id, document))
        return Response(None, 204, {"X-Workbench-Seq": str(seq)})


def listed_state(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as a list shows it; a missing tag is left out."""
    body: dict[str, Any] = {
        "endpointId": endpoint.id,
        "type": "WEBRTC",
        "status": _status(endpoint.connected),
        "creationTimestamp": iso(endpoint.created),
        "expirationTimestamp": iso(endpoint.created + LIFETIME_SECONDS),
    }
    return body if endpoint.tag is None else {**body, "tag": endpoint.tag}


def endpoint_state(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint with its device, if it ever had one."""
    device = endpoint.device
    return listed_state(endpoint) | {"devices": [] if device is None else [_device_state(device, endpoint.connected)]}


def _device_state(device: Device, connected: bool) -> dict[str, Any]:
    body = {"deviceId": device.id, "status": _status(connected), "creationTimestamp": iso(device.created)}
    return body if device.name is None else {**body, "deviceName": device.name}


def _status(connected: bool) -> str:
    return "CONNECTED" if connected else "DISCONNECTED"


def _envelope(links: list[dict[str, str]], data: Any) -> dict[str, Any]:
    return {"links": links, "data": data, "errors": []}


def _link(href: str, rel: str) -> dict[str, str]:
    return {"href": href, "rel": rel, "method": "GET"}


def _page(listed: Listed) -> dict[str, int]:
    size = listed.limit
    return {
        "pageSize": size,
        "totalElements": listed.total,
        "totalPages": -(-listed.total // size),
        "pageNumber": listed.before // size,
    }


def _place(cursor: str | None) -> int:
    """The place in the order of endpoints that a cursor names. Raises Refusal."""
    if cursor is None:
        return 0
    try:
        place = urlsafe_b64decode(cursor).decode()
    except ValueError:
        place = ""
    if not (place.isascii() and place.isdigit() and len(place) < 20):
        raise Refusal(400, "afterCursor must be the one of a next link", "endpoint.cursor", source={"parameter": "afterCursor"})
    return int(place)


def _media_type(request: Request, wanted: str) -> None:
    sent = request.headers.get("content-type", "")
    if sent.partition(";")[0].strip().lower() != wanted:
        raise Refusal(415, f"The media type must be {wanted}", "http.content-type", source={"header": "Content-Type"})
