"""The WebSocket protocol of the platform's server."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class DeviceProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, but a device that answers no ping is let go at once: it does not take what is still to be written either."""

    def keepalive_timeout(self) -> None:
        """No answer came in time."""
        super().keepalive_timeout()
        self.transport.abort()
