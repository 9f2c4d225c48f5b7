"""The platform's HTTP server: uvicorn, which tells when it is ready and ends without waiting for those who only listen."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from workbench.simulator.spelling import spelled

MESSAGE_LIMIT = 500_000  # bytes of a device's message; an SDP has a few thousand
PING_SECONDS = 10.0  # between pings, and for the answer: a device that gives none is gone


def _web_socket(**options: Any) -> asyncio.Protocol:
    """The protocol of a WebSocket, loaded with the first one."""
    from workbench.simulator.media.upgrade import DeviceProtocol

    return DeviceProtocol(**options)


class Server(uvicorn.Server):
    """Calls `ready` once it listens and `ending` before it waits for open connections. A child is `deaf` to the kernel's interrupt.

    With a `certificate`, a PEM file with chain and private key, it speaks TLS.
    """

    def __init__(
        self, app: ASGIApp, ready: Callable[[], None], ending: Callable[[], None], *, deaf: bool, certificate: Path | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                spelled(app),
                log_level="warning",
                access_log=False,
                server_header=False,
                ws=_web_socket,  # type: ignore[arg-type]  # made like the class it stands for
                ws_max_size=MESSAGE_LIMIT,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PING_SECONDS,
                ws_per_message_deflate=False,  # sound does not get smaller by it
                timeout_keep_alive=75,  # longer than clients keep idle connections
                timeout_graceful_shutdown=1,
                ssl_certfile=certificate,
            )
        )
        self._ready, self._ending, self._deaf = ready, ending, deaf

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, tell, and load what the first request would wait for."""
        await super().startup(sockets)
        self._ready()
        import aiohttp  # noqa: F401 between start and first request, so that neither waits for it

        # What was loaded stays, and calls are kept for days: to look through them for cycles every 700 objects costs calls per second.
        gc.freeze()
        gc.set_threshold(20_000)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let those who follow the event stream go, then end."""
        self._ending()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop; the signal is not raised again at the end, so that stopping is a success."""
        if not (self._deaf and sig == signal.SIGINT):
            self.should_exit, self.force_exit = True, self.should_exit
