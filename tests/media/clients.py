"""Synthetic devices over real WebSockets, with a tone to speak and ears: classic v3 and handset, BRTC, and frames of PCM.

What they send and in which order is what Bandwidth's SDKs do (`@bandwidth/webrtc-browser` 0.12); of BRTC's web SDK, which no registry has,
this is a stand-in that makes the same calls in the same order.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from aiortc import RTCDataChannel, RTCSessionDescription

from tests.media.ears import Ear
from tests.media.peers import HEARTBEAT, PACER, Line, Publisher, Subscriber, answers_pings, connection
from tests.media.rpc import Socket
from tests.media.tones import as_int16, sine

BRTC_PATH = "/prod/gateway-service/api/v1/endpoints"
PCM_RATE = 16_000


def classic_url(base: str, token: str, unique_id: str) -> str:
    """Where the classic SDK comes in."""
    return f"{base}/v3/?token={token}&client=browser&sdkVersion=0.12.0-beta.1&uniqueId={unique_id}"


def brtc_url(base: str, token: str, unique_id: str) -> str:
    """Where BRTC's SDK comes in."""
    return f"{base}{BRTC_PATH}?client=node&sdkVersion=1.0.0&uniqueId={unique_id}&endpointToken={token}"


def handset_url(base: str, ticket: str, unique_id: str) -> str:
    """Where a phone's hand comes in."""
    return f"{base}/_local/handset?ticket={ticket}&uniqueId={unique_id}"


class Client:
    """What all devices have in common: a socket, ears, and notes of all that was notified."""

    def __init__(self, url: str) -> None:
        self.socket = Socket(url, self.heard, self.binary)
        self.notices: list[tuple[str, dict[str, Any]]] = []

    @property
    def ears(self) -> dict[str, Ear]:
        """An ear for every stream that arrives, by its msid."""
        raise NotImplementedError

    def hears(self, tones: Iterable[int]) -> frozenset[int] | None:
        """The tones in all streams together during the last 0.3 s; None while that is not clear."""
        found = [ear.hears(tones) for ear in self.ears.values()]
        return None if None in found else frozenset().union(*(one for one in found if one is not None))

    async def heard(self, method: str, params: dict[str, Any]) -> None:
        self.notices.append((method, params))

    def binary(self, data: bytes) -> None:
        raise AssertionError("a binary message came to a device that has not asked for PCM")

    def told(self, method: str) -> list[dict[str, Any]]:
        """The params of every notification of that name."""
        return [params for name, params in self.notices if name == method]

    async def media_closed(self) -> None:
        """Close what is beside the socket."""

    async def leave(self) -> None:
        """disconnect(): told, and then gone."""
        await self.socket.notify("leave")
        await self.socket.notify("deviceDiagnostics", {"logs": []})
        await self.close()

    async def close(self) -> None:
        """Close socket and media."""
        await self.socket.close()
        await self.media_closed()

    async def vanish(self) -> None:
        """As when a browser's process dies: neither socket nor media say good-bye."""
        await self.socket.vanish()


class Classic(Client):
    """A browser with the classic SDK."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.publisher: Publisher | None = None
        self.subscriber: Subscriber | None = None
        self.streams: dict[str, dict[str, Any]] = {}
        self.ended: list[str] = []
        self.aliases: dict[str, str] = {}

    @property
    def ears(self) -> dict[str, Ear]:
        return self.subscriber.ears if self.subscriber is not None else {}

    async def connect(self) -> Any:
        """connect(): the result of setMediaPreferences."""
        await self.socket.open()
        return await self.socket.call("setMediaPreferences", {"protocol": "WEBRTC"})

    async def reopen(self) -> None:
        """The socket again, as after one was dropped: nothing is sent."""
        await self.socket.open()

    async def heard(self, method: str, params: dict[str, Any]) -> None:
        await super().heard(method, params)
        if method == "sdpOffer":
            await self._subscribe(params)

    async def _subscribe(self, params: dict[str, Any]) -> None:
        self.subscriber = self.subscriber or Subscriber()
        if params["sdpRevision"] <= self.subscriber.revision:
            return
        before = set(self.ears)
        answer = await self.subscriber.answer(params["sdpOffer"])
        self.streams = params["streamMetadata"]
        self.ended += before - set(self.ears)
        await self.socket.call("answerSdp", {"sdpAnswer": answer})
        self.subscriber.revision = params["sdpRevision"]

    async def publish(self, payloads: Sequence[bytes], alias: str | None = None) -> tuple[Line, dict[str, Any]]:
        """publish(): an offer with nothing but data channels when it is the first, and at once one with the audio. Line and metadata."""
        if self.publisher is None:
            self.publisher = Publisher()
            await self._offer()
        line = self.publisher.add(payloads)
        if alias:
            self.aliases[line.msid] = alias
        result = await self._offer()
        return line, result["streamMetadata"][line.msid]

    async def unpublish(self, line: Line) -> None:
        """unpublish(): its section stopped in another offer."""
        assert self.publisher is not None
        self.publisher.remove(line.msid)
        await self._offer()

    async def _offer(self) -> Any:
        assert self.publisher is not None
        offer, text = await self.publisher.offer()
        channels = {label: {"label": label, "streamId": number} for number, label in enumerate(("__heartbeat__", "__diagnostics__"))}
        streams = {msid: {"alias": self.aliases[msid]} if msid in self.aliases else {} for msid in self.publisher.lines}
        media = {"mediaStreams": streams, "dataChannels": channels}
        result = await self.socket.call("offerSdp", {"sdpOffer": text, "mediaMetadata": media})
        await self.publisher.answered(offer, result["sdpAnswer"])
        return result

    async def media_closed(self) -> None:
        for one in (self.publisher, self.subscriber):
            if one is not None:
                await one.close()


class Handset(Classic):
    """A phone in a browser: classic media, and the hand."""

    @property
    def phone(self) -> dict[str, Any]:
        """What was told of the phone last."""
        return (self.told("phone") or [{}])[-1]

    async def do(self, what: str, **params: str) -> Any:
        """answer, reject, hangup, press(digits), dial(to), say(text)."""
        return await self.socket.call(what, params)


class Brtc(Client):
    """A stand-in for BRTC's web SDK."""

    def __init__(self, url: str, auto_accept: bool = True) -> None:
        super().__init__(url)
        self.auto_accept = auto_accept
        self.pings: list[str] = []
        self.publisher: Publisher | None = None
        self.subscriber = Subscriber(passive=False, channels=False)
        self.ready = asyncio.Event()
        self.streams: dict[str, dict[str, Any]] = {}

    @property
    def ears(self) -> dict[str, Ear]:
        return self.subscriber.ears

    async def connect(self) -> Any:
        """connect(): the server offers both connections; done when it says `ready`. The result of setMediaPreferences."""
        await self.socket.open()
        told = await self.socket.call("setMediaPreferences", {"protocol": "WEBRTC", "autoAccept": self.auto_accept})
        assert (told["publishSdpOffer"]["peerType"], told["subscribeSdpOffer"]["peerType"]) == ("publish", "subscribe")
        pc = connection()
        self.publisher = Publisher(pc)
        for one in (pc, self.subscriber.pc):
            one.on("datachannel", self._channel)
        await pc.setRemoteDescription(RTCSessionDescription(told["publishSdpOffer"]["sdpOffer"], "offer"))
        answer = await pc.createAnswer()
        await pc.setLocalDescription(answer)
        await self.socket.call("answerSdp", {"peerType": "publish", "sdpAnswer": answer.sdp})
        heard = await self.subscriber.answer(told["subscribeSdpOffer"]["sdpOffer"])
        await self.socket.call("answerSdp", {"peerType": "subscribe", "sdpAnswer": heard})
        await asyncio.wait_for(self.ready.wait(), 20)
        return told

    def _channel(self, channel: RTCDataChannel) -> None:
        if channel.label == HEARTBEAT:
            answers_pings(channel, self.pings)

    async def heard(self, method: str, params: dict[str, Any]) -> None:
        await super().heard(method, params)
        if method == "ready":
            self.ready.set()
        elif method == "sdpOffer" and params["sdpRevision"] > self.subscriber.revision:
            assert params["peerType"] == "subscribe"
            self.subscriber.revision = params["sdpRevision"]
            self.streams = params["streamSourceMetadata"]
            answer = await self.subscriber.answer(params["sdpOffer"])
            await self.socket.call("answerSdp", {"peerType": "subscribe", "sdpAnswer": answer})

    async def publish(self, payloads: Sequence[bytes]) -> Line:
        """publish(): the client offers on the connection that the server had offered."""
        assert self.publisher is not None
        line = self.publisher.add(payloads)
        await self._offer()
        return line

    async def unpublish(self, line: Line) -> None:
        """unpublish(): its section stopped."""
        assert self.publisher is not None
        self.publisher.remove(line.msid)
        await self._offer()

    async def _offer(self) -> None:
        assert self.publisher is not None
        offer, text = await self.publisher.offer()
        result = await self.socket.call("offerSdp", {"peerType": "publish", "sdpOffer": text})
        assert result["peerType"] == "publish"
        await self.publisher.answered(offer, result["sdpAnswer"])

    async def media_closed(self) -> None:
        for one in (self.publisher, self.subscriber):
            if one is not None:
                await one.close()


class Pcm(Client):
    """A device of ours that has frames of 20 ms on its socket instead of WebRTC; at whichever of the three addresses."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.ear = Ear(PCM_RATE)
        self.frames: list[bytes] = []
        self.told_at_first: dict[str, Any] = {}
        self._place = 0

    @property
    def ears(self) -> dict[str, Ear]:
        return {"": self.ear}

    @property
    def phone(self) -> dict[str, Any]:
        """What was told of the phone last."""
        return (self.told("phone") or [{}])[-1]

    async def do(self, what: str, **params: str) -> Any:
        """A handset's requests."""
        return await self.socket.call(what, params)

    async def connect(self) -> dict[str, Any]:
        """The result of setMediaPreferences."""
        await self.socket.open()
        self.told_at_first = await self.socket.call("setMediaPreferences", {"protocol": "PCM"})
        assert (self.told_at_first["protocol"], self.told_at_first["sampleRate"], self.told_at_first["frameMs"]) == ("PCM", PCM_RATE, 20)
        return self.told_at_first

    async def speak(self, hz: int) -> None:
        """Sound a tone from now on."""
        whole = as_int16(sine(hz, 1.0, PCM_RATE)).tobytes()
        self.frames = [whole[at : at + 640] for at in range(0, len(whole), 640)]
        PACER.add(self._speak)

    async def hush(self) -> None:
        """Send no more."""
        PACER.remove(self._speak)

    async def _speak(self) -> None:
        if not self.socket.closed.is_set():
            await self.socket.send(self.frames[self._place % len(self.frames)])
            self._place += 1

    def binary(self, data: bytes) -> None:
        assert len(data) == 640, len(data)
        self.ear.take(data)

    async def media_closed(self) -> None:
        PACER.remove(self._speak)

    async def close(self) -> None:
        PACER.remove(self._speak)
        await super().close()

    async def vanish(self) -> None:
        PACER.remove(self._speak)
        await super().vanish()


def unique() -> str:
    """A device's id, made once."""
    return str(uuid.uuid4())
