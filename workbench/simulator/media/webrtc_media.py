"""A device's sound by WebRTC: the connection it publishes on and the one it hears by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workbench.simulator.media import jsonrpc
from workbench.simulator.media.channels import Kind
from workbench.simulator.media.jsonrpc import RpcError
from workbench.simulator.media.peer import Peer, PeerError
from workbench.simulator.media.rtp import RtpVoice

if TYPE_CHECKING:
    from workbench.simulator.media.speaking import Speaking

ANSWER_SECONDS = 10.0  # real seconds in which a device answers an offer (assumed)
MOST_FAILURES = 3  # in a row of a connection to hear by, after each of which it is offered anew (assumed)
TOLD = ("connected", "failed", "closed")


class WebRtc:
    """Both connections of a device."""

    protocol = "WEBRTC"

    def __init__(self, line: Speaking, channels: Kind) -> None:
        self._line = line
        self._closed = False
        self._voice: RtpVoice | None = None
        self._alias: str | None = None
        self._published_as: str | None = None
        self.publishing = Peer(on_key=line.dialled, on_state=partial(self._state, "publish"), channels=channels)
        self.hearing = Hearing(line, Peer(on_state=partial(self._state, "subscribe"), channels=channels))
        self._task: asyncio.Task[None] | None = None
        line.follow("socket.media")

    @property
    def up(self) -> bool:
        """Whether both connections are."""
        return self.publishing.state == self.hearing.peer.state == "connected"

    def begin(self, *, offer: bool = True) -> None:
        """From now on offer the streams there are; the first offer goes out even when there are none."""
        if self._task is None:
            self._task = self._line.host.start(self.hearing.run(offer))

    async def answer(self, sdp: str, aliases: Mapping[str, str]) -> tuple[str, list[str]]:
        """Answer the offer of what the device publishes: the SDP, and the msids of the audio in it. Raises RpcError."""
        streams, former = sending(sdp), self._alias
        # Before the answer: the connection may come up meanwhile, and then the device publishes by this name.
        self._alias = aliases.get(streams[-1]) if streams else None  # of several the newest is heard
        try:
            with described("sdpOffer"):
                answer = await self.publishing.answer(sdp)
        except RpcError:
            self._alias = former
            raise
        self._weigh()
        return answer, streams

    async def accept(self, sdp: str) -> None:
        """The device's answer to an offer of the connection it publishes on. Raises RpcError."""
        with described("sdpAnswer"):
            await self.publishing.accept(sdp)
        self._weigh()

    def take(self, frame: bytes) -> None:
        """There is no sound on the socket."""
        raise RpcError(jsonrpc.NO_REQUEST, "binary messages carry sound once setMediaPreferences asked for PCM", "socket.pcm")

    def changed(self) -> None:
        """Offer what has changed."""
        self.hearing.news.set()

    def reopened(self) -> None:
        """What was offered on the former socket and is not answered is offered again; else media goes on untouched."""
        self.hearing.again()

    def _state(self, connection: str, state: str) -> None:
        if self._closed:
            return
        if state in TOLD:
            self._line.note("mediaState", "socket.media", connection=connection, state=state)
        if connection == "subscribe":
            self.hearing.became(state)
        self._weigh()
        if state == "connected":
            self._line.connected()

    def _weigh(self) -> None:
        """A device is heard, and publishes, as long as its connection is up and its offer has audio in it."""
        voice = self.publishing.voice if self.publishing.state == "connected" and not self._closed else None
        if (voice, self._alias) != (self._voice, self._published_as):
            self._voice, self._published_as = voice, self._alias
            self._line.host.plane.set_voice(self._line.party, voice)
            self._line.publishes(voice is not None, self._alias)

    def close(self) -> None:
        """End both."""
        self._closed = True
        self._weigh()
        self.hearing.close()
        if self._task is not None:
            self._task.cancel()
        for peer in (self.publishing, self.hearing.peer):
            self._line.host.start(peer.close())


class Hearing:
    """The connection a device hears by: the platform offers, with a revision that rises, and one offer at a time."""

    def __init__(self, line: Speaking, peer: Peer) -> None:
        self._line, self.peer = line, peer
        self.news = asyncio.Event()
        self._revision = 0
        # By the name of each stream: its msid on this connection, and what was told of it.
        self._msids: dict[str, str] = {}
        self._told: dict[str, Mapping[str, Any]] = {}
        self._due = False
        self._failures = 0
        self._waiting: asyncio.Event | None = None  # for the answer to the last offer

    async def run(self, offer: bool) -> None:
        """Offer whenever the streams have changed."""
        self._due = offer
        while True:
            streams = dict(self._line.streams())
            if self._line.socket is not None and (self._due or streams != self._told):
                await self._offer(streams)
                continue
            await self.news.wait()
            self.news.clear()

    async def initial(self) -> str:
        """An offer that is not sent by itself: BRTC's first one comes with an answer."""
        self._waiting = asyncio.Event()
        return await self.peer.offer()

    def again(self) -> None:
        """Offer once more what is not answered yet."""
        if self._waiting is not None:
            self._due = True
            self._waiting.set()
        self.news.set()

    def became(self, state: str) -> None:
        """A connection that failed is offered anew, since the device waits for that; one that fails again and again is given up."""
        if state == "connected":
            self._failures = 0
        if state != "failed":
            return None
        self._failures += 1
        if self._failures > MOST_FAILURES:
            told = f"the connection to hear by failed {self._failures} times in a row; it is not offered again until something changes"
            return self._line.fault("socket.media", error=told)
        self._due = True
        if self._waiting is not None:
            self._waiting.set()  # what was offered by the former connection
        return self.news.set()

    async def answered(self, sdp: str) -> None:
        """The device's answer. Raises RpcError."""
        waiting = self._waiting
        if waiting is None:
            raise RpcError(jsonrpc.NO_REQUEST, "no offer waits for an answer", "socket.offer")
        try:
            with described("sdpAnswer"):
                await self.peer.accept(sdp)
        finally:
            if self._waiting is waiting:
                self._waiting = None
            waiting.set()

    async def _offer(self, streams: dict[str, Mapping[str, Any]]) -> None:
        self._due = False
        self._follow(streams)
        self._told = streams
        waiting = self._waiting = asyncio.Event()
        try:
            sdp = await self.peer.offer()
        except PeerError as problem:
            self._waiting = None
            return self._line.fault("socket.media", error=f"no offer can be made: {problem}")
        self._revision += 1
        self._line.follow("socket.offer")
        about = {self._msids[name]: told for name, told in streams.items()}
        if not self._line.offered(sdp, self._revision, about):
            return None  # the next socket will get it
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await waiting.wait()
        except TimeoutError:
            self._line.fault("socket.offer", error=f"offer {self._revision} was not answered in {ANSWER_SECONDS:g} s")
        return None

    def _follow(self, streams: Mapping[str, Any]) -> None:
        """Have the connection carry these streams; each appearance of one has an msid of its own."""
        plane = self._line.host.plane
        for name in [name for name in self._msids if name not in streams]:
            plane.set_outlet(self._line.ear(name), None)
            self.peer.remove_stream(self._msids.pop(name))
        for name in streams:
            if name not in self._msids:
                self._msids[name] = str(uuid4())
                plane.set_outlet(self._line.ear(name), self.peer.add_stream(self._msids[name]))

    def close(self) -> None:
        """Nothing is heard any more."""
        self._follow({})


class described:
    """Turns what is wrong with a description into the error that the device gets."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PeerError):
            raise RpcError(jsonrpc.BAD_PARAMS, f"{self._name}: this sdp cannot be used: {error}", "socket.sdp") from None


def sending(sdp: str) -> list[str]:
    """The msids of the audio sections in which the far end sends, without those it has stopped."""
    found: list[str] = []
    for section in sdp.replace("\r\n", "\n").split("\nm=")[1:]:
        lines = section.split("\n")
        live = lines[0].startswith("audio ") and (not lines[0].startswith("audio 0 ") or "a=bundle-only" in lines)
        if live and "a=recvonly" not in lines and "a=inactive" not in lines:
            found += [line.removeprefix("a=msid:").split(" ")[0] for line in lines if line.startswith("a=msid:")][:1]
    return found
