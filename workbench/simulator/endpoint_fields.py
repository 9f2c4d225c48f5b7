"""What requests to the Endpoints API may ask for, checked before anything is changed. A refusal names the field and its rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.simulator import requests
from workbench.simulator.effects import Refusal

DIRECTIONS = ("INBOUND", "OUTBOUND", "BIDIRECTIONAL")
STATUSES = ("CONNECTED", "DISCONNECTED")
TAG_LIMIT = 1024
MOST_LISTED, LISTED = 1000, 100


def refuse(name: str, said: str, rule: str, kind: str = "field") -> Refusal:
    """A refusal of a field of the body, or of a `parameter` of the URL."""
    return Refusal(400, f"{name} {said}", rule, source={kind: name})


def create(fields: Mapping[str, Any]) -> tuple[str, str | None, str | None, str | None]:
    """Direction, event callback URL, its fallback and tag of a new endpoint."""
    for name in ("type", "direction"):
        if name not in fields:
            raise refuse(name, "is required", "endpoint.required")
    if fields["type"] != "WEBRTC":
        raise refuse("type", "must be WEBRTC: there are no other endpoints yet", "endpoint.type")
    if fields["direction"] not in DIRECTIONS:
        raise refuse("direction", f"must be one of {', '.join(DIRECTIONS)}", "endpoint.direction")
    tag = fields.get("tag", "")
    if not isinstance(tag, str) or len(tag) > TAG_LIMIT:
        raise refuse("tag", f"must be a string of at most {TAG_LIMIT} characters", "endpoint.tag")
    if not isinstance(fields.get("connectionMetadata", {}), dict):
        raise refuse("connectionMetadata", "must be an object", "endpoint.field")
    return fields["direction"], _url(fields, "eventCallbackUrl"), _url(fields, "eventFallbackUrl"), tag or None


def _url(fields: Mapping[str, Any], name: str) -> str | None:
    if name not in fields:
        return None
    try:
        requests.check_url(name, fields[name])
    except Refusal as refusal:
        raise Refusal(400, refusal.description, refusal.rule, source={"field": name}) from None
    return str(fields[name])


def listing(query: Mapping[str, str]) -> tuple[str | None, int]:
    """Status and number of the endpoints wanted in a list; there is only one type."""
    for name, words in (("type", ("WEBRTC",)), ("status", STATUSES)):
        if name in query and query[name] not in words:
            raise refuse(name, f"must be one of {', '.join(words)}", "endpoint.list", "parameter")
    limit = query.get("limit", str(LISTED))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and 1 <= int(limit) <= MOST_LISTED):
        raise refuse("limit", f"must be a whole number from 1 to {MOST_LISTED}", "endpoint.limit-range", "parameter")
    return query.get("status"), int(limit)
