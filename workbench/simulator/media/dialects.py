"""What the devices of participants and endpoints say on their sockets: the classic device API v3, and BRTC's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.simulator import routes
from workbench.simulator.effects import Refusal
from workbench.simulator.media import jsonrpc
from workbench.simulator.media.jsonrpc import RpcError, choice_of, flag_of, text_of
from workbench.simulator.media.sdp import PeerError
from workbench.simulator.media.speaking import Params, Speaking, metadata

if TYPE_CHECKING:
    from workbench.simulator.media.lines import Lines
    from workbench.simulator.records import Device


class DeviceLine(Speaking):
    """A device that the engine knows: what both products' devices have in common."""

    def __init__(self, host: Lines, key: bytes, device: Device) -> None:
        super().__init__(host, key, device.participant_id or device.endpoint_id or "")
        self.device = device

    @property
    def about(self) -> Params:
        """The device, and whom it stands for."""
        holder = "participantId" if self.device.participant_id is not None else "endpointId"
        return {"deviceId": self.device.id, holder: self.party}

    def alive(self) -> bool:
        """Whether the engine has the device."""
        return self.host.world.engine.devices.get(self.device.id) is self.device

    def streams(self) -> Mapping[str, Params]:
        """Those it is subscribed to, or the call it is connected with."""
        found = routes.streams(self.host.world.engine, self.party)
        return {name: self.metadata(stream) for name, stream in found.items()}

    def metadata(self, stream: routes.Published) -> Params:
        """What it is told about one of them."""
        return metadata(self.endpoint_id, stream)

    def publishes(self, audio: bool, alias: str | None = None) -> None:
        """Tell the engine."""
        if self.alive():
            self.host.world.run(lambda engine, now: engine.publish_audio(now, self.device.id, audio, alias))

    def pressed(self, digits: str) -> None:
        """Tell the engine."""
        if self.alive():
            self.host.world.run(lambda engine, now: engine.device_keys(now, self.device.id, digits))

    def gone(self, *, left: bool) -> None:
        """Tell the engine."""
        if self.alive():
            world, device_id = self.host.world, self.device.id
            world.run(lambda engine, now: engine.leave_device(now, device_id) if left else engine.lose_device(now, device_id))

    def prefer_pcm(self) -> Params:
        """Who asks for PCM is told its id too."""
        return {**super().prefer_pcm(), "deviceId": self.device.id}


class Classic(DeviceLine):
    """A participant's device."""

    @property
    def publisher(self) -> str:
        """The participant."""
        return self.party


class Brtc(DeviceLine):
    """An endpoint's device: the platform offers both connections first."""

    channels = "announced"

    def __init__(self, host: Lines, key: bytes, device: Device) -> None:
        super().__init__(host, key, device)
        self.endpoint_id = self.party
        self._ready = False
        self._call_id: str | None = None  # of the stream it was told of
        self.methods = {
            **self.methods,
            "requestOutboundConnection": self.request_outbound,
            "hangupConnection": self.hang_up,
            "acceptStream": self.accept,
            "declineStream": self.decline,
        }

    def metadata(self, stream: routes.Published) -> Params:
        """A stream is told by its source here."""
        return {"media": "AUDIO", **super().metadata(stream)}

    def offered(self, sdp: str, revision: int, streams: Mapping[str, Params]) -> bool:
        """Send an offer for the connection it hears by."""
        about = {"endpointId": self.party, "peerType": "subscribe", "sdpOffer": sdp, "sdpRevision": revision}
        return self.tell("sdpOffer", about | {"streamSourceMetadata": dict(streams)})

    def changed(self) -> None:
        """Tell of a stream that came or went, then have the media follow."""
        if self._ready:
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
        self._call_id, self._ready = None, False
        told = await super().prefer(params)
        self.host.world.engine.prefer_accepting(self.device.id, auto_accept)
        return told

    def prefer_pcm(self) -> Params:
        """Nothing is to be waited for: the device is ready."""
        told = super().prefer_pcm()
        self.host.start(self._ready_soon())
        return told

    async def prefer_webrtc(self) -> Params:
        """Both connections begin with data channels only."""
        media = self.webrtc()
        try:
            offers = {"publish": await media.publishing.offer(), "subscribe": await media.hearing.initial()}
        except PeerError as problem:  # asked again meanwhile, or there is no socket to be had
            raise RpcError(jsonrpc.FAILED, f"no offer can be made: {problem}", "socket.media") from None
        told = {f"{peer}SdpOffer": {"peerType": peer, "sdpOffer": sdp} for peer, sdp in offers.items()}
        return {"endpointId": self.party, "deviceId": self.device.id, **told}

    async def answer_sdp(self, params: Params) -> Params:
        """`answerSdp {peerType, sdpAnswer}`"""
        if choice_of(params, "peerType", ("publish", "subscribe")) == "subscribe":
            return await super().answer_sdp(params)
        await self._webrtc("answerSdp").accept(text_of(params, "sdpAnswer"))
        return {}

    async def offer_sdp(self, params: Params) -> Params:
        """`offerSdp {peerType: "publish", sdpOffer}`"""
        choice_of(params, "peerType", ("publish",))
        told = await super().offer_sdp(params)
        return {"peerType": "publish", "sdpAnswer": told["sdpAnswer"]}

    def connected(self) -> None:
        """Once both connections are up it is ready."""
        if not self._ready and self._webrtc("ready").up:
            self.ready()
            self._webrtc("ready").begin(offer=False)

    async def _ready_soon(self) -> None:
        """After the answer: SDKs listen from then on."""
        if not self.ended:
            self.ready()

    def ready(self) -> None:
        """Tell that the device can be called. `connect()` of the SDK resolves only now."""
        self._ready = True
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
