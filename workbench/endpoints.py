"""Client of the Endpoints API v2: BRTC, the product that follows the classic WebRTC API (brtc 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from workbench.records import About
from workbench.settings import Settings
from workbench.spending import Spending
from workbench.wire import Recorder, Wire, body_of, object_in, path_to

Json = dict[str, Any]


class Endpoints:
    """The Endpoints API of the settings' account. OAuth2 first, as in Bandwidth's samples; it needs the BRTC role. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        record: Recorder | None = None,
        *,
        spending: Spending | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`spending` is asked before a document that might call somebody; without it all is allowed."""
        self.spending = spending or Spending()
        self._wire = Wire(settings, settings.endpoints_url, record, transport=transport)
        self.patience = self._wire.patience

    def create(
        self,
        *,
        direction: str = "BIDIRECTIONAL",
        event_callback_url: str | None = None,
        event_fallback_url: str | None = None,
        tag: str | None = None,
        connection_metadata: Mapping[str, Any] | None = None,
        about: About | None = None,
    ) -> Json:
        """A new endpoint, for 24 hours; its `token` is given only here. `direction`: INBOUND, OUTBOUND or BIDIRECTIONAL."""
        more = {"event_callback_url": event_callback_url, "event_fallback_url": event_fallback_url, "tag": tag}
        body = body_of({}, type="WEBRTC", direction=direction, connection_metadata=connection_metadata, **more)
        return _data(self._wire.send("createEndpoint", "POST", "/endpoints", json=body, about=about))

    def list(self, *, status: str | None = None, limit: int | None = None, about: About | None = None) -> Iterator[Json]:
        """Endpoints without their devices, page by page. `status`: CONNECTED or DISCONNECTED."""
        after: str | None = None
        while True:
            params = body_of({}, type="WEBRTC", status=status, limit=limit, after_cursor=after)
            answer = object_in(self._wire.send("listEndpoints", "GET", "/endpoints", params=params, about=about))
            yield from answer.get("data") or ()
            following = next((str(one.get("href")) for one in answer.get("links") or () if one.get("rel") == "next"), None)
            # only its query is used, so that credentials go nowhere else
            after = httpx.URL(following).params.get("afterCursor") if following else None
            if not after:
                return

    def get(self, endpoint_id: str, *, about: About | None = None) -> Json:
        """An endpoint with its devices, without its token."""
        return _data(self._wire.send("getEndpoint", "GET", path_to("endpoints", endpoint_id), about=about))

    def delete(self, endpoint_id: str, *, about: About | None = None) -> None:
        """Delete an endpoint; its media end."""
        self._wire.send("deleteEndpoint", "DELETE", path_to("endpoints", endpoint_id), about=about)

    def update_bxml(self, endpoint_id: str, document: str, *, about: About | None = None) -> None:
        """Give an endpoint BXML to run. Documented with StartRecording only, and said to be without effect in early 2026."""
        with self.spending.charged_document(document):
            self._wire.send("updateEndpointBxml", "PUT", path_to("endpoints", endpoint_id, "bxml"), xml=document, about=about)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _data(answer: Any) -> Json:
    found = object_in(answer).get("data")
    return found if isinstance(found, dict) else {}
