"""RTP (RFC 3550) of one browser: its voice, tapped before anything decodes it, and the outlets that send to it without a task."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from struct import Struct

import numpy as np
from aiortc.rtp import RtcpSenderInfo

from workbench.simulator.media import rtcp
from workbench.simulator.media.jitter import JitterBuffer
from workbench.simulator.media.opus import SILENCE, Encoder
from workbench.simulator.media.sound import FRAME_SAMPLES, RATE, Frame, OpusPacket, Taker

HEADER = Struct("!BBHII")
MAX_PAYLOAD = 1276  # Opus has no longer packets (RFC 6716)
UNASKED = 25  # packets after which a voice that nobody asked for frames stops keeping any
KEY_SECONDS = 0.3  # without news of a key it counts as released: the end packets were lost
KEYS = "0123456789*#ABCD"
_ZEROS: Frame = np.zeros(FRAME_SAMPLES, np.int16)


class Keys:
    """Keys in telephone-event packets (RFC 4733): one per RTP timestamp, told when it is released."""

    def __init__(self, on_key: Callable[[str], None]) -> None:
        self._on_key = on_key
        self._pressed: tuple[int, str] | None = None
        self._told: deque[int] = deque(maxlen=8)
        self._timer: asyncio.TimerHandle | None = None

    def take(self, timestamp: int, payload: bytes) -> None:
        """Take one packet of a key; they repeat, and so do the last ones, which say that it was released."""
        if len(payload) < 4 or payload[0] >= len(KEYS) or timestamp in self._told:
            return
        if self._pressed and self._pressed[0] != timestamp:
            self.release()
        self._pressed = (timestamp, KEYS[payload[0]])
        if self._timer:
            self._timer.cancel()
        if payload[1] & 0x80:
            self.release()
        else:
            self._timer = asyncio.get_running_loop().call_later(KEY_SECONDS, self.release)

    def release(self) -> None:
        """Tell the key that is pressed, if any."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._pressed:
            timestamp, key = self._pressed
            self._pressed = None
            self._told.append(timestamp)
            self._on_key(key)


class RtpVoice:
    """The voice of a browser (an OpusVoice): packets to those who take them as they come, frames to who asks for them.

    Nothing is kept or decoded while nobody asks. Of several senders the newest is heard.
    """

    def __init__(self, on_key: Callable[[str], None]) -> None:
        self.takers: tuple[Taker, ...] = ()
        self.keys = Keys(on_key)
        self.reception: rtcp.Reception | None = None
        self._opus = -1
        self._events: dict[int, int] = {}
        self._ssrcs: frozenset[int] = frozenset()
        self._jitter: JitterBuffer | None = None
        self._unasked = UNASKED

    def listen(self, opus: int, events: dict[int, int], ssrcs: frozenset[int]) -> None:
        """What to expect: payload types of Opus and keys, and who sends; nobody in particular if the description named nobody."""
        self._opus, self._events, self._ssrcs = opus, events, ssrcs

    def take(self, data: bytes, now: float) -> None:
        """Take one RTP packet, decrypted and at least a header long."""
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        payload_type = second & 0x7F
        if (payload_type != self._opus and payload_type not in self._events) or (self._ssrcs and ssrc not in self._ssrcs):
            return
        payload = _payload(data, first)
        if payload is None:
            return
        reception = self.reception
        if reception is None or reception.ssrc != ssrc:
            self._jitter = None
            reception = self.reception = rtcp.Reception(ssrc)
        audio = payload_type == self._opus
        reception.add(sequence, timestamp if audio else None, now)
        if not audio:
            self.keys.take(timestamp, payload)
            return
        if self.takers:
            packet = OpusPacket(payload, timestamp, second > 0x7F)
            for taker in self.takers:
                taker(packet)
        if self._unasked < UNASKED:
            self._unasked += 1
            if self._jitter is None:
                self._jitter = JitterBuffer()
            self._jitter.add(sequence, timestamp, payload, now)

    def rest(self) -> None:
        """Nobody asks for frames any more: what came until somebody does again is not heard late."""
        self._jitter, self._unasked = None, UNASKED

    def frame(self) -> Frame | None:
        """The next 20 ms, or None for silence."""
        if self._unasked == UNASKED:
            self._jitter = None  # what is in it is old
        self._unasked = 0
        return self._jitter.frame(time.monotonic()) if self._jitter else None


def _payload(data: bytes, first: int) -> bytes | None:
    """What an RTP packet carries, without header, extension and padding; None for none or a malformed one."""
    start = 12 + 4 * (first & 0x0F)
    end = len(data)
    if first & 0x10:
        if start + 4 > end:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= data[-1]
    return data[start:end] if start < end <= start + MAX_PAYLOAD else None


class RtpOutlet:
    """What one stream of a browser hears (an OpusOutlet): frames are encoded at once, packets pass unchanged.

    Whoever sends, the browser sees one unbroken stream: timestamps follow the clock across every change of source.
    """

    def __init__(self, msid: str, send: Callable[[bytes], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.msid = msid
        self.ssrc = secrets.randbits(32) or 1
        self.payload_type = 0
        self.live = False  # whether the far end has said that it receives
        self.packets = self.octets = 0
        self._send, self._clock = send, clock
        self._sequence = secrets.randbits(15)  # the lower half: a roll-over before the first packet arrives breaks SRTP
        self._timestamp = secrets.randbits(32)  # of the last packet
        self._at = clock()
        self._theirs: int | None = None  # the timestamp of the last packet passed on; None after a frame of ours
        self._encoder: Encoder | None = None
        self._silent = 0

    def forward(self, packet: OpusPacket) -> None:
        """Send a packet on unchanged, at once."""
        if not self.live:
            return
        now = self._clock()
        step = (packet.timestamp - self._theirs) & 0xFFFFFFFF if self._theirs is not None else -1
        if step >= 1 << 31 and step > (1 << 32) - RATE:
            return  # overtaken by a later packet: what it would fill has been covered
        # The same source goes on if its timestamps advanced by what the clock did.
        same = self._theirs is not None and abs(step / RATE - (now - self._at)) < 0.5
        self._theirs = packet.timestamp
        self._post(packet.payload, step if same else self._step(now), packet.marker or not same, now)

    def put(self, frame: Frame | None) -> None:
        """Encode and send a frame. Silence is encoded until the encoder has run empty; after that it costs nothing."""
        if not self.live:
            return
        now = self._clock()
        fresh = self._theirs is not None or not self.packets
        self._theirs = None
        self._silent = self._silent + 1 if frame is None else 0
        if self._silent > 3 or (self._encoder is None and frame is None):
            payload = SILENCE
        else:
            if self._encoder is None or fresh:
                self._encoder = Encoder()
            payload = self._encoder.encode(_ZEROS if frame is None else frame)
        self._post(payload, self._step(now), fresh, now)

    def _step(self, now: float) -> int:
        """How far our time moves on: one frame, or as long as nothing was sent."""
        gap = now - self._at
        return FRAME_SAMPLES if gap < 0.1 else FRAME_SAMPLES * round(gap * RATE / FRAME_SAMPLES)

    def _post(self, payload: bytes, step: int, marker: bool, now: float) -> None:
        self._timestamp = timestamp = (self._timestamp + step) & 0xFFFFFFFF
        self._sequence = sequence = (self._sequence + 1) & 0xFFFF
        self._at = now
        self.packets += 1
        self.octets += len(payload)
        self._send(HEADER.pack(0x80, self.payload_type | (0x80 if marker else 0), sequence, timestamp, self.ssrc) + payload)

    def report(self, wall: float) -> RtcpSenderInfo:
        """What the far end is told: which of our timestamps it is now, and what was sent. `wall` is the time of day."""
        passed = int((self._clock() - self._at) * RATE)
        timestamp = (self._timestamp + passed) & 0xFFFFFFFF
        return RtcpSenderInfo(rtcp.ntp(wall), timestamp, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
