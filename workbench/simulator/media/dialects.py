"""What the devices of participants and endpoints say on their sockets: the classic device API v3, and BRTC's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from workbench.simulator import routes
from workbench.simulator.effects import Refusal
from workbench.simulator.media import jsonrpc
from workbench.simulator.media.jsonrpc import RpcError, choice_of, flag_of, text_of
from workbench.simulator.media.sessions import Session, Sessions

if TYPE_CHECKING:
    from workbench.simulator.records import Device

Params = Mapping[str, Any]


def _metadata(endpoint_id: str, stream: routes.Published) -> Params:
    about = {"endpointId": endpoint_id, "mediaTypes": ["AUDIO"], "participantId": stream.participant_id, "alias": stream.alias}
    return {name: value for name, value in about.items() if value is not None}


class DeviceSession(Session):
    """A device of the platform: what both products' devices have in common."""

    def __init__(self, host: Sessions, key: bytes, device: Device) -> None:
        super().__init__(host, key, device.participant_id or device.endpoint_id or "")
        self.device, self.endpoint_id = device, device.endpoint_id or str(uuid4())
        self.methods = {
            "setMediaPreferences": self.prefer,
            "ping": self.ping,
            "leave": self.left,
            "deviceDiagnostics": self.ping,
            "publish": self.publish,
            "press": self.press,
        }

    @property
    def about(self) -> Params:
        """The device, and whom it stands for."""
        holder = "participantId" if self.device.participant_id is not None else "endpointId"
        return {"deviceId": self.device.id, holder: self.party}

    def alive(self) -> bool:
        """Whether the engine has the device."""
        return self.host.world.engine.devices.get(self.device.id) is self.device

    def publishes(self, audio: bool) -> None:
        """Tell the engine."""
        if self.alive():
            self.host.world.run(lambda engine, now: engine.publish_audio(now, self.device.id, audio))

    def pressed(self, digits: str) -> None:
        """Tell the engine."""
        if self.alive():
            self.host.world.run(lambda engine, now: cast(Any, engine).device_keys(now, self.device.id, digits))

    def gone(self, *, left: bool) -> None:
        """Tell the engine."""
        if self.alive():
            world, device_id = self.host.world, self.device.id
            world.run(lambda engine, now: engine.leave_device(now, device_id) if left else engine.lose_device(now, device_id))

    # Methods

    async def ping(self, _params: Params) -> Params:
        """Anything will do."""
        return {}

    async def left(self, _params: Params) -> Params:
        """`leave`: the SDKs send it when they disconnect."""
        self.leave("socket.leave")
        return {}

    async def prefer(self, params: Params) -> Params:
        """`setMediaPreferences`: the first request; PCM is for our own clients."""
        protocol = choice_of(params, "protocol", ("WEBRTC", "PCM"))
        self.follow("socket.preferences")
        return self.prefer_pcm() if protocol == "PCM" else await self.prefer_webrtc(params)

    def prefer_pcm(self) -> Params:
        """Sound on this very socket from now on."""
        from workbench.simulator.media.pcm import SAMPLE_RATE, Pcm

        if self.media is not None:
            self.media.close()
        self.media = Pcm(self)
        self.media.changed()
        return {"protocol": "PCM", "sampleRate": SAMPLE_RATE, "frameMs": 20, "endpointId": self.endpoint_id, "deviceId": self.device.id}

    async def prefer_webrtc(self, params: Params) -> Params:
        """Sound by WebRTC."""
        raise NotImplementedError

    async def publish(self, params: Params) -> Params:
        """`publish {audio}`, ours: whether a PCM device sends audio."""
        audio = flag_of(params, "audio", True)
        self._pcm("publish").publish(audio)
        return {}

    async def press(self, params: Params) -> Params:
        """`press {digits}`, ours: keys of a PCM device, which has no telephone events."""
        digits = text_of(params, "digits", most=100)
        self._pcm("press")
        self.pressed(digits)
        return {}

    def _pcm(self, method: str) -> Any:
        if self.media is None or self.media.protocol != "PCM":
            raise RpcError(jsonrpc.NO_METHOD, f"{method} is for devices whose sound is PCM", "socket.pcm")
        return self.media


class Classic(DeviceSession):
    """A participant's device: two connections, of which the device offers the one it publishes on, the platform the other."""

    def streams(self) -> Mapping[str, Params]:
        """Those it is subscribed to, each with the metadata the SDK hands to the application."""
        found = routes.streams(self.host.world.engine, self.party)
        return {name: _metadata(self.endpoint_id, stream) for name, stream in found.items()}


class Brtc(DeviceSession):
    """An endpoint's device: the platform offers both connections first."""

    def __init__(self, host: Sessions, key: bytes, device: Device) -> None:
        super().__init__(host, key, device)
        self._call_id: str | None = None  # of the stream it was told of
        self.methods = {
            **self.methods,
            "requestOutboundConnection": self.request_outbound,
            "hangupConnection": self.hang_up,
            "acceptStream": self.accept,
            "declineStream": self.decline,
        }

    def streams(self) -> Mapping[str, Params]:
        """The call it is connected with."""
        found = routes.streams(self.host.world.engine, self.party)
        return {name: {"media": "AUDIO", **_metadata(self.party, stream)} for name, stream in found.items()}

    def changed(self) -> None:
        """Tell of a stream that came or went, then have the media follow."""
        if self.media is not None:
            self._tell_stream()
        super().changed()

    def _tell_stream(self) -> None:
        call_id = self.host.world.engine.endpoints[self.party].call_id
        if call_id == self._call_id:
            return
        if self._call_id is not None and self.tell("streamUnavailable", {"callId": self._call_id, "endpointId": self.party}):
            self._call_id = None
        if call_id is not None and self._call_id is None:
            about = {"callId": call_id, "endpointId": self.party, "autoAccepted": self.device.auto_accept}
            self._call_id = call_id if self.tell("streamAvailable", about) else None
            self.follow("socket.stream")

    async def prefer(self, params: Params) -> Params:
        """Both connections are offered in the result; the device also says whether it takes streams by itself."""
        auto_accept = flag_of(params, "autoAccept", True)
        self.host.world.engine.prefer_accepting(self.device.id, auto_accept)
        told = await super().prefer(params)
        self._call_id = None
        return told

    def prefer_pcm(self) -> Params:
        """Nothing is to be waited for: the device is ready."""
        told = super().prefer_pcm()
        self.host.start(self._ready_soon())
        return told

    async def _ready_soon(self) -> None:
        """After the answer: SDKs listen from then on."""
        self.ready()

    def ready(self) -> None:
        """Tell that the device can be called. `connect()` of the SDK resolves only now."""
        about = {"endpointId": self.party, "deviceId": self.device.id, "territory": "US", "region": "local"}
        self.tell("ready", about | {"accountId": self.host.world.config.account_id})
        self.follow("socket.ready")
        self.changed()

    # Calls

    async def request_outbound(self, params: Params) -> Params:
        """`requestOutboundConnection {id, type}`"""
        to, to_type = text_of(params, "id", most=500), text_of({"type": "PHONE_NUMBER"} | dict(params), "type", most=50)
        accepted = self.host.world.run(lambda engine, now: engine.request_outbound(now, self.device.id, to, to_type))
        return {"accepted": accepted}

    async def hang_up(self, params: Params) -> Params:
        """`hangupConnection {endpoint, type}`"""
        text_of(params, "endpoint", most=500)
        self.host.world.run(lambda engine, now: engine.hang_up_device(now, self.device.id))
        return {"result": "the connection was ended"}

    async def accept(self, params: Params) -> Params:
        """`acceptStream {callId?}`"""
        self._check_call(params)
        self.host.world.run(lambda engine, now: engine.accept_stream(now, self.device.id))
        return {}

    async def decline(self, params: Params) -> Params:
        """`declineStream {callId?}`"""
        self._check_call(params)
        self.host.world.run(lambda engine, now: engine.decline_stream(now, self.device.id))
        return {}

    def _check_call(self, params: Params) -> None:
        """Who names a call names the one that is offered."""
        if params.get("callId") is not None and params["callId"] != self.host.world.engine.endpoints[self.party].call_id:
            raise Refusal(409, f"endpoint {self.party} is not offered that call", "device.idle")
