"""Reports about RTP (RFC 3550): what browsers need to know the round trip and the loss, and what they tell of theirs."""

from __future__ import annotations

import time
from struct import pack

from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    clamp_packets_lost,
)

_NTP = 2_208_988_800  # seconds from 1900 to 1970
_AT_ONCE = 8  # senders in one packet, which must fit into a datagram


def ntp(now: float) -> int:
    """A time of day as NTP has it: seconds since 1900 and their fraction, 32 bits each."""
    return int((now + _NTP) * (1 << 32)) & 0xFFFF_FFFF_FFFF_FFFF


class Reception:
    """What arrived from one sender."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self._base = self._highest = -1
        self._jitter = 0.0
        self._transit: float | None = None
        self._before = (0, 0)  # expected and received at the last report
        self._heard: tuple[int, float] | None = None  # the sender's last report, and when it came

    def add(self, sequence: int, timestamp: int | None, now: float) -> None:
        """Count a packet; `now` in seconds. A key's timestamp stands still and says nothing of jitter: None."""
        self.received += 1
        if self._base < 0:
            self._base = self._highest = sequence
        step = (sequence - self._highest) & 0xFFFF
        if step < 0x8000:
            self._highest += step
        if timestamp is None:
            return
        transit = now * 48_000 - timestamp
        if self._transit is not None and (change := abs(transit - self._transit)) < 48_000:
            self._jitter += (change - self._jitter) / 16
        self._transit = transit

    def told(self, sent: int, now: float) -> None:
        """Remember the sender's own report, by the NTP time in it."""
        self._heard = ((sent >> 16) & 0xFFFFFFFF, now)

    def report(self, now: float) -> RtcpReceiverInfo:
        """What the sender is told."""
        expected = self._highest - self._base + 1
        lost = expected - self._before[0] - (self.received - self._before[1])
        fraction = max(0, min(255, (lost << 8) // max(1, expected - self._before[0])))
        self._before = (expected, self.received)
        last, since = self._heard or (0, now)
        delay = min(int((now - since) * 65536), 0xFFFFFFFF)
        gone = clamp_packets_lost(expected - self.received)
        return RtcpReceiverInfo(self.ssrc, fraction, gone, self._highest & 0xFFFFFFFF, int(self._jitter), last, delay)


def reports(senders: list[tuple[int, RtcpSenderInfo]], receptions: list[RtcpReceiverInfo], ssrc: int, cname: str) -> list[bytes]:
    """The packets of one round: a report of each sender, with what arrived. `ssrc` signs while nothing is sent."""
    packets: list[bytes] = []
    for first in range(0, len(senders), _AT_ONCE) or [0]:
        some = senders[first : first + _AT_ONCE]
        parts: list[AnyRtcpPacket] = [
            RtcpSrPacket(sender, info, [] if index or first else receptions) for index, (sender, info) in enumerate(some)
        ]
        if not some:
            if not receptions:
                continue
            parts = [RtcpRrPacket(ssrc, receptions)]
        named = [sender for sender, _ in some] or [ssrc]
        parts.append(RtcpSdesPacket([RtcpSourceInfo(name, [(1, cname.encode())]) for name in named]))
        packets.append(b"".join(map(bytes, parts)))
    return packets


def goodbye(ssrcs: list[int]) -> bytes:
    """What ends the streams of these senders, with the empty report that must come first."""
    some = ssrcs[:31]
    return pack("!BBHI", 0x80, 201, 1, some[0]) + pack(f"!BBH{len(some)}I", 0x80 | len(some), 203, len(some), *some)


def parse(data: bytes) -> list[AnyRtcpPacket]:
    """The packets in a datagram; none in garbage."""
    try:
        packets: list[AnyRtcpPacket] = RtcpPacket.parse(data)
    except Exception:  # the library raises whatever struct, indexing and decoding do
        return []
    return packets


def round_trip(report: RtcpReceiverInfo, now: float | None = None) -> float | None:
    """Seconds to the far end and back, from its answer to our report."""
    if not report.lsr:
        return None
    passed = ((ntp(time.time() if now is None else now) >> 16) & 0xFFFFFFFF) - report.lsr - report.dlsr
    return passed / 65536 if 0 <= passed < 60 * 65536 else None
