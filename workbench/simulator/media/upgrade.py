"""The WebSocket protocol of the platform's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent


class DeviceProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, but a refusal is not taken for a fault, and a device that answers no ping is let go at once.

    Such a device does not take what is still to be written either.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """What the application says. A refusal is an answer too: uvicorn 0.54 would complain that none had been given."""
        await super().send(message)
        self.handshake_complete = self.handshake_complete or self.close_sent

    def keepalive_timeout(self) -> None:
        """No answer came in time."""
        super().keepalive_timeout()
        self.transport.abort()
