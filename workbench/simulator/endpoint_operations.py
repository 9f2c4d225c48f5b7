"""BRTC: every operation on endpoints as a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench import bxml
from workbench.errors import BxmlError
from workbench.simulator import endpoint_fields, endpoints
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Endpoint
from workbench.simulator.webrtc_operations import WebRtcOperations


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of endpoints: how many match in all, how many came before it, and whether more follow."""

    endpoints: list[Endpoint]
    limit: int
    total: int
    before: int

    @property
    def more(self) -> bool:
        """Whether endpoints come after these."""
        return self.before + len(self.endpoints) < self.total


class EndpointOperations(WebRtcOperations):
    """What the Endpoints API may ask of the engine. Methods raise Refusal, and then nothing has changed."""

    __slots__ = ()

    def create_endpoint(self, now: float, fields: Mapping[str, Any]) -> tuple[Endpoint, str]:
        """A new endpoint and its token."""
        self.tick(now)
        return endpoints.create(self, *endpoint_fields.create(fields))

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """An endpoint by id. Raises Refusal 404."""
        if endpoint_id not in self.endpoints:
            raise Refusal(404, f"endpoint {endpoint_id} was not found", "endpoint.unknown", source={"reference": endpoint_id})
        return self.endpoints[endpoint_id]

    def list_endpoints(self, query: Mapping[str, str], after: int = 0) -> Listed:
        """The endpoints that match and were made after the one at place `after`, oldest first."""
        status, limit = endpoint_fields.listing(query)
        wanted = [one for one in self.endpoints.values() if status is None or one.connected == (status == "CONNECTED")]
        later = [one for one in wanted if one.place > after]
        return Listed(later[:limit], limit, len(wanted), len(wanted) - len(later))

    def delete_endpoint(self, now: float, endpoint_id: str) -> None:
        """Forget an endpoint; its device is put off and its connection ends."""
        self.tick(now)
        endpoints.delete(self, self.endpoint(endpoint_id))

    def update_endpoint_bxml(self, now: float, endpoint_id: str, document: bytes) -> None:
        """Take a document for an endpoint. It is checked, and runs nowhere: what it would do is not documented."""
        self.tick(now)
        endpoint = self.endpoint(endpoint_id)
        try:
            verbs = bxml.parse(document, bxml.Where.CALL).verbs
        except BxmlError as error:
            raise Refusal(400, f"the document {error}", "endpoint.bxml", source={"field": "body"}) from None
        self.happen("notSimulated", "endpoint.bxml-ignored", endpointId=endpoint.id, verbs=[type(verb).__name__ for verb in verbs])
