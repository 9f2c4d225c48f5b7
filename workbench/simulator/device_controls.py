"""`/_local/devices`: simulated browsers and apps, which come by the token of a participant or an endpoint."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workbench.simulator.effects import Refusal
from workbench.simulator.engine import Engine
from workbench.simulator.records import Device
from workbench.simulator.wire import Operation, fields_of, json_response, text_of
from workbench.simulator.world import World


class DeviceControls:
    """The simulated devices of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def operations(self) -> list[Operation]:
        """Every control with its path."""
        device = "/devices/{device_id}"
        return [
            Operation("POST", "/devices", "connect a simulated device by a token", self.connect),
            Operation("DELETE", device, "a device leaves", self.leave),
            Operation("POST", device + "/lose", "a device's connection breaks", self.lose),
            Operation("POST", device + "/publish", "send audio, or no more", self.publish),
            Operation("POST", device + "/keys", "press keys on a device", self.keys),
            Operation("POST", device + "/outbound", "request an outbound connection", self.outbound),
            Operation("POST", device + "/accept", "take the call an endpoint is offered", self.accept),
            Operation("POST", device + "/decline", "decline it", self.decline),
            Operation("POST", device + "/hangup", "end an endpoint's connection", self.hang_up),
        ]

    async def connect(self, request: Request) -> Response:
        """POST /_local/devices {"token", "name", "publish", "autoAccept", "alias"}"""
        fields = await fields_of(request)
        token, name = text_of(fields, "token"), text_of(fields, "name") if "name" in fields else None
        publishes, accepts, alias = _flag(fields, "publish"), _flag(fields, "autoAccept"), _alias(fields)

        def come(engine: Engine, now: float) -> Device:
            device = engine.connect_device(now, token, name, publishes=publishes, auto_accept=accepts)
            engine.publish_audio(now, device.id, publishes, alias)
            return device

        device = self._world.run(come)
        return json_response({"deviceId": device.id, "participantId": device.participant_id, "endpointId": device.endpoint_id}, 201)

    async def leave(self, request: Request) -> Response:
        """DELETE /_local/devices/{id}"""
        self._world.run(lambda engine, now: engine.leave_device(now, request.path_params["device_id"]))
        return Response(None, 204)

    async def lose(self, request: Request) -> Response:
        """POST /_local/devices/{id}/lose"""
        self._world.run(lambda engine, now: engine.lose_device(now, request.path_params["device_id"]))
        return Response(None, 204)

    async def publish(self, request: Request) -> Response:
        """POST /_local/devices/{id}/publish {"audio", "alias"}"""
        fields, device_id = await fields_of(request), request.path_params["device_id"]
        audio, alias = _flag(fields, "audio"), _alias(fields)
        self._world.run(lambda engine, now: engine.publish_audio(now, device_id, audio, alias))
        return Response(None, 204)

    async def keys(self, request: Request) -> Response:
        """POST /_local/devices/{id}/keys {"digits"}"""
        digits, device_id = text_of(await fields_of(request), "digits"), request.path_params["device_id"]
        self._world.run(lambda engine, now: engine.device_keys(now, device_id, digits))
        return Response(None, 204)

    async def outbound(self, request: Request) -> Response:
        """POST /_local/devices/{id}/outbound {"to", "type"}"""
        fields, device_id = await fields_of(request), request.path_params["device_id"]
        to, to_type = text_of(fields, "to"), text_of({"type": "PHONE_NUMBER"} | fields, "type")
        accepted = self._world.run(lambda engine, now: engine.request_outbound(now, device_id, to, to_type))
        return json_response({"accepted": accepted})

    async def accept(self, request: Request) -> Response:
        """POST /_local/devices/{id}/accept"""
        self._world.run(lambda engine, now: engine.accept_stream(now, request.path_params["device_id"]))
        return Response(None, 204)

    async def decline(self, request: Request) -> Response:
        """POST /_local/devices/{id}/decline"""
        self._world.run(lambda engine, now: engine.decline_stream(now, request.path_params["device_id"]))
        return Response(None, 204)

    async def hang_up(self, request: Request) -> Response:
        """POST /_local/devices/{id}/hangup"""
        self._world.run(lambda engine, now: engine.hang_up_device(now, request.path_params["device_id"]))
        return Response(None, 204)


def _alias(fields: dict[str, Any]) -> str | None:
    """The name by which a device publishes, if it chooses one."""
    return text_of(fields, "alias") if "alias" in fields else None


def _flag(fields: dict[str, Any], name: str) -> bool:
    """A switch that is on unless it is turned off."""
    value = fields.get(name, True)
    if not isinstance(value, bool):
        raise Refusal(400, f"{name}: must be true or false, but was {value!r}", "local.field")
    return value
