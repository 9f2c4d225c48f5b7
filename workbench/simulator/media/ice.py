"""One ICE connection (RFC 8445) whose datagrams are handed on at once, to nobody's task. Host addresses only: no server is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from aioice import Candidate, Connection, stun
from aioice.ice import StunProtocol, get_host_addresses

LOOPBACK = "127.0.0.1"
MAX_ADDRESSES = 8
MAX_REMOTE = 64  # addresses that one far end may call from

log = logging.getLogger(__name__)


def host_addresses() -> list[str]:
    """Where browsers find us: loopback, which aioice leaves out, then the LAN, as Firefox refuses servers known by loopback alone."""
    return list(dict.fromkeys([LOOPBACK, *get_host_addresses(use_ipv4=True, use_ipv6=True)]))[:MAX_ADDRESSES]


class Wire(Connection):
    """An ICE connection that gives each datagram which is not STUN to `arrived`, and sends without a task.

    `heard()` is called for each check of the far end that proved to know our password: a sign of life.
    """

    def __init__(self, controlling: bool, arrived: Callable[[bytes], None], heard: Callable[[], None]) -> None:
        super().__init__(ice_controlling=controlling)
        self._arrived = arrived
        self._heard = heard
        self.faults = 0

    async def gather_candidates(self) -> None:
        """Open a socket on every address of this host."""
        self._local_candidates_start = True
        self._local_candidates = await self.get_component_candidates(1, host_addresses())
        self._local_candidates_end = True
        for protocol in self._protocols:
            self._tap(protocol)

    def _tap(self, protocol: StunProtocol) -> None:
        """Take media off before aioice looks at it, and keep what malformed STUN makes aioice raise from the loop."""
        stun_received, arrived = protocol.datagram_received, self._arrived

        def received(data: bytes | str, addr: tuple[Any, ...]) -> None:
            assert isinstance(data, bytes)
            try:
                if data and data[0] > 3:
                    # SRTP proves where it comes from, a DTLS record only to who has decrypted it.
                    if data[0] > 127 or self._known(addr):
                        arrived(data)
                else:
                    stun_received(data, addr)
            except Exception as error:
                self.faults += 1
                log.log(logging.WARNING if self.faults == 1 else logging.DEBUG, "a datagram of %d bytes was dropped: %r", len(data), error)

        protocol.datagram_received = received  # type: ignore[method-assign]

    def data_received(self, data: bytes, component: int) -> None:
        """Nothing: what begins like STUN but is none would only fill a queue that nobody reads."""

    def check_incoming(self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
        """Take a check that proved to know our password."""
        if self._known(addr) or len(self._remote_candidates) < MAX_REMOTE:
            self._heard()
            super().check_incoming(message, addr, protocol)

    def _known(self, addr: tuple[Any, ...]) -> bool:
        return any((remote._network_host, remote.port) == addr[:2] for remote in self._remote_candidates)

    async def expect(self, ufrag: str, password: str, lite: bool, candidates: tuple[str, ...]) -> None:
        """Learn who will call, and from where. The end of candidates is never signalled: the far end may call from elsewhere."""
        self.remote_username, self.remote_password, self.remote_is_lite = ufrag, password, lite
        for text in candidates:
            try:
                candidate = Candidate.from_sdp(text)
            except ValueError:
                continue
            if candidate.component == 1 and 0 < candidate.port < 65536:
                await self.add_remote_candidate(candidate)

    @property
    def connected(self) -> bool:
        """Whether a way to the far end has been found and still stands."""
        return 1 in self._nominated

    def post(self, data: bytes) -> None:
        """Send a datagram, or drop it while there is no way."""
        pair = self._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)
