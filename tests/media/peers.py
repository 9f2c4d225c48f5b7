"""The two halves of a device's media on aiortc: what it publishes, and what it is subscribed to. Payloads go out and come in as they are.

aiortc's own sender and decoder are passed by: packets are made and taken at the DTLS transport, which costs little and hides nothing.
"""

from __future__ import annotations

import asyncio
import random
import struct
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import aioice.ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription

from tests.media import sections
from tests.media.ears import Ear
from tests.media.tones import FRAME

HEARTBEAT, DIAGNOSTICS = "__heartbeat__", "__diagnostics__"
OPUS = 96
KEYS = "0123456789*#ABCD"
KEY_PACKETS = 5  # 100 ms, as browsers press them
KEY_PAUSE = 4  # at least 70 ms until the next


def only_loopback() -> None:
    """From here on this process offers 127.0.0.1 alone: the far end is on the same machine, whatever other networks it has."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []


class Silent(MediaStreamTrack):
    """What aiortc's sender waits for in vain: packets are sent past it."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.Event().wait()


def connection() -> RTCPeerConnection:
    """A peer connection as the SDKs make it, but for its bundle policy: with max-bundle aiortc closes what data and audio share."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def answers_pings(channel: RTCDataChannel, counted: list[str]) -> None:
    """The heartbeat of the SDKs."""

    @channel.on("message")
    def on_message(message: str) -> None:
        if message == "PING":
            counted.append(message)
            channel.send("PONG")


def negotiated(pc: RTCPeerConnection, counted: list[str]) -> None:
    """The data channels of classic v3, known to both sides beforehand."""
    for number, label in enumerate((HEARTBEAT, DIAGNOSTICS)):
        channel = pc.createDataChannel(label, negotiated=True, id=number, protocol="udp")
        if label == HEARTBEAT:
            answers_pings(channel, counted)


class Pacer:
    """Calls everybody every 20 ms, in one task: many voices cost one timer."""

    def __init__(self) -> None:
        self._speakers: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, speaker: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._speakers.append(speaker)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def remove(self, speaker: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if speaker in self._speakers:
            self._speakers.remove(speaker)
        if not self._speakers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            slots = max(1, min(8, len(self._speakers)))  # real devices do not all speak at the same instant
            for slot in range(slots):
                for speaker in self._speakers[slot::slots]:
                    await speaker()
                due += 0.02 / slots
                await asyncio.sleep(max(0.0, due - loop.time()))


PACER = Pacer()


class Line:
    """One published stream: packets with numbers of their own, audio and keys."""

    def __init__(self, transceiver: RTCRtpTransceiver, payloads: Sequence[bytes], msid: str) -> None:
        self.transceiver, self.msid = transceiver, msid
        self.payloads = payloads
        self.sent: deque[bytes] = deque(maxlen=4_000)
        self.first_sent: float | None = None
        self.enabled = True
        self.events: dict[int, int] | None = None
        self._place = 0
        self._number, self._time = random.getrandbits(15), random.getrandbits(31)
        self._keys: deque[tuple[int, bytes, bool, int]] = deque()

    async def speak(self) -> None:
        """The next 20 ms; nothing before the connection is up."""
        transport = self.transceiver.sender.transport
        if str(transport.state) != "connected":
            return
        self._time = (self._time + FRAME) & 0xFFFFFFFF
        if self._keys:
            kind, payload, marker, back = self._keys.popleft()
            if kind:
                await self._send(kind, payload, marker, self._time - back * FRAME)
            return
        if self.enabled and self.payloads:
            payload = self.payloads[self._place % len(self.payloads)]
            self._place += 1
            self.sent.append(payload)
            if self.first_sent is None:
                self.first_sent = asyncio.get_running_loop().time()
            await self._send(OPUS, payload, self._place == 1, self._time)

    def press(self, digits: str) -> None:
        """Keys as RFC 4733 has them: one timestamp per key, the end told three times."""
        kind, rate = min(((kind, rate) for kind, rate in (self.events or {}).items()), key=lambda one: one[1] != 48000)
        for digit in digits:
            event = KEYS.index(digit)
            for packet in range(KEY_PACKETS):
                self._keys.append((kind, struct.pack("!BBH", event, 10, (packet + 1) * rate // 50), packet == 0, packet))
            for again in range(3):
                end = struct.pack("!BBH", event, 0x80 | 10, KEY_PACKETS * rate // 50)
                self._keys.append((kind, end, False, KEY_PACKETS + again))
            self._keys.extend([(0, b"", False, 0)] * KEY_PAUSE)

    async def _send(self, kind: int, payload: bytes, marker: bool, timestamp: int) -> None:
        self._number = (self._number + 1) & 0xFFFF
        head = struct.pack(
            "!BBHII", 0x80, kind | (0x80 if marker else 0), self._number, timestamp & 0xFFFFFFFF, self.transceiver.sender._ssrc
        )
        with suppress(ConnectionError):  # the far end has just gone
            await self.transceiver.sender.transport._send_rtp(head + payload)


class Publisher:
    """The connection a device speaks on. It offers; `answered` takes what comes back."""

    def __init__(self, pc: RTCPeerConnection | None = None) -> None:
        self.pings: list[str] = []
        self.pc = pc or connection()
        if pc is None:
            negotiated(self.pc, self.pings)
        self.lines: dict[str, Line] = {}
        self._gone: dict[str, str] = {}
        self._accepted: dict[str, str] = {}

    def add(self, payloads: Sequence[bytes]) -> Line:
        """Another stream; it sounds once an offer with it was answered."""
        transceiver = self.pc.addTransceiver(Silent(), direction="sendonly")
        line = Line(transceiver, payloads, str(uuid.uuid4()))
        transceiver.sender._stream_id = line.msid
        self.lines[line.msid] = line
        return line

    def remove(self, msid: str) -> None:
        """No more of a stream: the next offer has its section stopped."""
        line = self.lines.pop(msid)
        PACER.remove(line.speak)
        self._gone[line.transceiver.mid] = self._accepted[line.transceiver.mid]

    async def offer(self) -> tuple[RTCSessionDescription, str]:
        """An offer, and its text as a browser would write it: before gathering, so without candidates."""
        offer = await self.pc.createOffer()
        return offer, sections.without(sections.with_keys(offer.sdp), set(self._gone))

    async def answered(self, offer: RTCSessionDescription, answer: str) -> None:
        """Take an answer, as strictly as Chromium where aiortc is lax."""
        _, *parts = sections.split(answer)
        offered = [sections.mid(part) for part in sections.split(offer.sdp)[1:]]
        assert [sections.mid(part) for part in parts] == offered, "an answer has the offer's sections in the offer's order"
        for part in parts:
            gone = sections.mid(part) in self._gone
            assert sections.stopped(part) == gone, f"section {sections.mid(part)} is stopped: {gone}"
            assert (sections.mid(part) in sections.bundled(answer)) != gone, "what is stopped is outside BUNDLE"
            if not gone:
                self._accepted[sections.mid(part)] = part
        await self.pc.setLocalDescription(offer)
        await self.pc.setRemoteDescription(RTCSessionDescription(sections.revived(answer, self._gone), "answer"))
        for line in self.lines.values():
            if line.events is None:
                line.events = sections.payload_types(self._accepted[line.transceiver.mid], "telephone-event")
                PACER.add(line.speak)

    async def close(self) -> None:
        """No more."""
        for line in self.lines.values():
            PACER.remove(line.speak)
        await self.pc.close()


class Subscriber:
    """The connection a device hears on. The far end offers; it answers as the classic SDK does: always passive."""

    def __init__(self, *, passive: bool = True, channels: bool = True) -> None:
        self.pings: list[str] = []
        self.pc = connection()
        if channels:
            negotiated(self.pc, self.pings)
        self.passive = passive
        self.ears: dict[str, Ear] = {}
        self.revision = 0
        self._streams: dict[int, str] = {}
        self._opus: dict[int, int] = {}
        self._tapped: set[int] = set()

    async def answer(self, offer: str) -> str:
        """The answer to an offer; from then on every stream in it has an ear."""
        self._streams, self._opus = sections.senders(offer), sections.payload_types(offer, "opus")
        for msid in self._streams.values():
            self.ears.setdefault(msid, Ear())
        for msid in set(self.ears) - set(self._streams.values()):
            del self.ears[msid]
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        answer = await self.pc.createAnswer()
        text = answer.sdp.replace("a=setup:active", "a=setup:passive") if self.passive else answer.sdp
        await self.pc.setLocalDescription(RTCSessionDescription(text, "answer"))
        self._tap()
        return text

    def _tap(self) -> None:
        """Take packets where they are decrypted."""
        for transceiver in self.pc.getTransceivers():
            transport = transceiver.receiver.transport
            if id(transport) not in self._tapped:
                self._tapped.add(id(transport))
                transport._handle_rtp_data = self._packet

    async def _packet(self, data: bytes, arrival_time_ms: int) -> None:
        first, kind, number, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
        begin = 12 + 4 * (first & 15)
        if first & 0x10:
            begin += 4 + 4 * struct.unpack("!H", data[begin + 2 : begin + 4])[0]
        ear = self.ears.get(self._streams.get(ssrc, ""))
        if ear is not None and kind & 0x7F in self._opus:
            ear.take(data[begin : len(data) - data[-1] if first & 0x20 else len(data)], number, timestamp)

    async def close(self) -> None:
        """No more."""
        await self.pc.close()
