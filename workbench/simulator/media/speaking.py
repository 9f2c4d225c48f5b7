"""What every device can ask for on its socket, whoever it stands for: how its sound travels, and the descriptions of WebRTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workbench.simulator.effects import Refusal
from workbench.simulator.media import jsonrpc
from workbench.simulator.media.jsonrpc import RpcError, choice_of, flag_of, text_of
from workbench.simulator.media.line import Line
from workbench.simulator.routes import Ear, Published

if TYPE_CHECKING:
    from workbench.simulator.media.channels import Kind
    from workbench.simulator.media.lines import Lines
    from workbench.simulator.media.webrtc_media import WebRtc

Params = Mapping[str, Any]


def load_webrtc() -> None:
    """Load what sound by WebRTC needs."""
    from workbench.simulator.media import facing, webrtc_media  # noqa: F401


def load_pcm() -> None:
    """Load what sound on a socket needs."""
    from workbench.simulator.media import facing, pcm  # noqa: F401


def metadata(endpoint_id: str, stream: Published) -> Params:
    """What a device is told about a stream; the SDK hands it to the application."""
    about = {"endpointId": endpoint_id, "mediaTypes": ["AUDIO"], "participantId": stream.participant_id, "alias": stream.alias}
    return {name: value for name, value in about.items() if value is not None}


class Speaking(Line):
    """A device with sound. Of its two connections it offers the one it publishes on, the platform the other, unless a subclass differs."""

    channels: Kind = "negotiated"

    def __init__(self, host: Lines, key: bytes, party: str) -> None:
        super().__init__(host, key, party)
        self.endpoint_id = str(uuid4())
        self.methods = {
            "setMediaPreferences": self.prefer,
            "offerSdp": self.offer_sdp,
            "answerSdp": self.answer_sdp,
            "ping": self.ping,
            "leave": self.left,
            "deviceDiagnostics": self.ping,
            "publish": self.publish,
            "press": self.press,
        }

    def ear(self, name: str) -> Ear:
        """Where a stream of it is heard."""
        return Ear(self.party, name)

    def connected(self) -> None:
        """One of its connections is up."""

    def dialled(self, digit: str) -> None:
        """A key came as telephone events, to which nothing is answered."""
        try:
            self.pressed(digit)
        except Refusal as refusal:
            self.fault(refusal.rule, error=refusal.description)

    async def ping(self, _params: Params) -> Params:
        """Anything will do."""
        return {}

    async def left(self, _params: Params) -> Params:
        """`leave`: the SDKs send it when they disconnect."""
        self.leave("socket.leave")
        return {}

    # How its sound travels

    async def prefer(self, params: Params) -> Params:
        """`setMediaPreferences`: the first request. Asked again, media begins anew; PCM is for our own clients."""
        protocol = choice_of(params, "protocol", ("WEBRTC", "PCM"))
        self.follow("socket.preferences")
        await self.host.load(load_pcm if protocol == "PCM" else load_webrtc)
        former, self.media = self.media, None
        if former is not None:
            former.close()
        return self.prefer_pcm() if protocol == "PCM" else await self.prefer_webrtc()

    def prefer_pcm(self) -> Params:
        """Sound on this very socket from now on."""
        from workbench.simulator.media.pcm import SAMPLE_RATE, Pcm

        self.media = Pcm(self)
        self.media.changed()
        return {"protocol": "PCM", "sampleRate": SAMPLE_RATE, "frameMs": 20, "endpointId": self.endpoint_id}

    async def prefer_webrtc(self) -> Params:
        """Sound by WebRTC: the connection to hear by is offered at once, so that it is up when there is something to be heard."""
        self.webrtc().begin()
        return {}

    def webrtc(self) -> WebRtc:
        """New connections."""
        from workbench.simulator.media.webrtc_media import WebRtc

        made = WebRtc(self, self.channels)
        self.media = made
        return made

    # WebRTC

    async def offer_sdp(self, params: Params) -> Params:
        """`offerSdp`: what the device publishes, and no more."""
        sdp, aliases = text_of(params, "sdpOffer"), _aliases(params)
        answer, streams = await self._webrtc("offerSdp").answer(sdp, aliases)
        about = {msid: metadata(self.endpoint_id, Published(self.publisher, None, aliases.get(msid))) for msid in streams}
        return {"sdpAnswer": answer, "endpointId": self.endpoint_id, "streamMetadata": about}

    @property
    def publisher(self) -> str | None:
        """The participant it stands for."""
        return None

    async def answer_sdp(self, params: Params) -> Params:
        """`answerSdp`: the answer to the platform's last offer."""
        await self._webrtc("answerSdp").hearing.answered(text_of(params, "sdpAnswer"))
        return {}

    def offered(self, sdp: str, revision: int, streams: Mapping[str, Params]) -> bool:
        """Send an offer of the platform, with all its streams; whether there is a socket for it."""
        about = {"sdpOffer": sdp, "sdpRevision": revision, "endpointId": self.endpoint_id, "streamMetadata": dict(streams)}
        return self.tell("sdpOffer", about)

    def _webrtc(self, method: str) -> WebRtc:
        if self.media is None or self.media.protocol != "WEBRTC":
            raise RpcError(jsonrpc.NO_REQUEST, f"{method} comes after setMediaPreferences with protocol WEBRTC", "socket.preferences")
        return self.media  # type: ignore[return-value]  # told by its protocol: its module is loaded with the first one only

    # PCM

    async def publish(self, params: Params) -> Params:
        """`publish {audio}`, ours: whether a PCM device sends audio."""
        audio = flag_of(params, "audio", True)
        self.check_pcm("publish").publish(audio)
        return {}

    async def press(self, params: Params) -> Params:
        """`press {digits}`, ours: keys of a PCM device, which has no telephone events."""
        digits = text_of(params, "digits", most=100)
        self.check_pcm("press")
        self.pressed(digits)
        return {}

    def check_pcm(self, method: str) -> Any:
        """The media of a PCM device. Raises RpcError for others."""
        if self.media is None or self.media.protocol != "PCM":
            raise RpcError(jsonrpc.NO_METHOD, f"{method} is for devices whose sound is PCM", "socket.pcm")
        return self.media


def _aliases(params: Params) -> dict[str, str]:
    """The alias of each stream, from `mediaMetadata`; what is of no use there is passed over."""
    streams = params.get("mediaMetadata")
    streams = streams.get("mediaStreams") if isinstance(streams, dict) else None
    found = streams.items() if isinstance(streams, dict) else ()
    aliases = {msid: about.get("alias") for msid, about in found if isinstance(about, dict)}
    return {msid: alias[:200] for msid, alias in aliases.items() if isinstance(alias, str)}
