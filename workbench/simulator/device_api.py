"""The WebSockets that devices come in by: the classic SDK's, BRTC's, and the handset's, which is ours. Who is not admitted is told why."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from workbench.simulator import devices
from workbench.simulator.control_api import strange_host
from workbench.simulator.effects import Refusal
from workbench.simulator.tickets import Tickets
from workbench.simulator.wire import json_response, ruled
from workbench.simulator.world import World

if TYPE_CHECKING:
    from workbench.simulator.media.dialects import DeviceLine
    from workbench.simulator.media.line import Line
    from workbench.simulator.media.lines import Lines

BRTC_PATH = "/prod/gateway-service/api/v1/endpoints"
HANDSET_PATH = "/_local/handset"
MOST_NAME = 60  # characters of a device's name


class DeviceApi:
    """The devices' sockets of one world. Nothing of it is loaded before the first one comes."""

    def __init__(self, world: World, tickets: Tickets, public: bool = False) -> None:
        self._world, self._tickets, self._public = world, tickets, public

    def routes(self) -> list[WebSocketRoute]:
        """One route for all: a `websocketUrl` may carry a prefix, and every refusal should be told to a user."""
        return [WebSocketRoute("/{path:path}", self.connect)]

    async def connect(self, websocket: WebSocket) -> None:
        """A socket is opened."""
        path, query = websocket.url.path, websocket.query_params
        if "endpointToken" in query or path.rstrip("/") == BRTC_PATH:
            return await self._brtc(websocket, query.get("endpointToken", ""))
        if path == HANDSET_PATH:
            return await self._handset(websocket, query.get("ticket", ""))
        match path.rstrip("/").rpartition("/")[2]:
            case "v3":
                return await self._classic(websocket, query.get("token", ""))
            case "v2":
                text = "device API v2 is not served here: participants' tokens are of version V3"
                return await self._turn_away(websocket, Refusal(404, text, "socket.v2"))
        return await self._deny(websocket, Refusal(404, f"no device connects at {path[:100]}", "socket.path"))

    async def _classic(self, websocket: WebSocket, token: str) -> None:
        """The browser SDK tries for ever when an upgrade is refused, so its socket is opened, and closed with 1000 and the reason."""
        from workbench.simulator.media.dialects import Classic

        try:
            if "//" in websocket.url.path:
                raise Refusal(404, "websocketUrl must not end in a slash", "socket.path")
            line = self._line(websocket, token, "participant", Classic)
        except Refusal as refusal:
            return await self._turn_away(websocket, refusal)
        await line.serve(websocket)

    async def _brtc(self, websocket: WebSocket, token: str) -> None:
        """An upgrade is answered by 403 for the token, and 409 for an endpoint that has a device."""
        from workbench.simulator.media.dialects import Brtc

        try:
            line = self._line(websocket, token, "endpoint", Brtc)
        except Refusal as refusal:
            return await self._deny(websocket, refusal)
        await line.serve(websocket)

    async def _handset(self, websocket: WebSocket, ticket: str) -> None:
        """Ours alone, so it keeps to the controls' rule on hosts; a ticket is what a page needs beside."""
        from workbench.simulator.media.handset import Handset

        foreign = strange_host(websocket.headers)
        if foreign is not None and not self._public:
            return await self._deny(websocket, Refusal(403, foreign, "local.loopback"))
        lines, key = self._lines(), _key(websocket, "handset", ticket)
        line = lines.find(key)
        if line is None:
            try:
                number = self._tickets.number_of(ticket)
            except Refusal as refusal:
                return await self._turn_away(websocket, refusal)
            lines.replace(number)
            self._world.run(lambda engine, now: engine.take_handset(now, number))
            line = Handset(lines, key, number)
            lines.add(line)
        return await line.serve(websocket)

    def _line(self, websocket: WebSocket, token: str, of: devices.Kind, dialect: type[DeviceLine]) -> Line:
        """The line of a device, whether it was there before or is admitted now. Raises Refusal."""
        lines, key, name = self._lines(), _key(websocket, of, token), _name(websocket)
        line = lines.find(key)
        if line is None:
            device = self._world.run(lambda engine, now: engine.connect_device(now, token, name, publishes=False, of=of))
            line = dialect(lines, key, device)
            lines.add(line)
        return line

    def _lines(self) -> Lines:
        return self._world.lines

    # Refusals

    async def _turn_away(self, websocket: WebSocket, refusal: Refusal) -> None:
        from workbench.simulator.media.socket import NORMAL, closed

        self._lines().refused(refusal, "socket.turned-away")
        await websocket.accept()
        await closed(websocket, NORMAL, refusal.description)

    async def _deny(self, websocket: WebSocket, refusal: Refusal) -> None:
        self._lines().refused(refusal, "socket.denied")
        body = {"error": refusal.description, "rule": refusal.rule}
        await websocket.send_denial_response(ruled(json_response(body, refusal.status), refusal.rule))


def _key(websocket: WebSocket, of: str, token: str) -> bytes:
    """What a device is known by; one that does not say who it is comes but once. No token is kept."""
    unique = websocket.query_params.get("uniqueId") or str(uuid4())
    return sha256(f"{of}\n{token}\n{unique}".encode(errors="replace")).digest()


def _name(websocket: WebSocket) -> str:
    """What a device calls itself."""
    said = f"{websocket.query_params.get('client') or 'device'} {websocket.query_params.get('sdkVersion') or ''}"
    return "".join(letter for letter in said if letter.isprintable()).strip()[:MOST_NAME]
