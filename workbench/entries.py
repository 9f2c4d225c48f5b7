"""From a webhook or an exchange to its event: the row of the log. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workbench.records import ANSWERING, Event, Exchange, Webhook


def of_webhook(webhook: Webhook, data: Mapping[str, Any], run: str, number: int, duplicate_of: int | None) -> Event:
    """A webhook's event with `data` in the place of its own; another one that it repeats is `duplicate_of`."""
    # Its `from` and `to` are ids: of the call, and of the endpoint (brtc 4.2).
    connecting = webhook.event_type == "connectStatus"
    return Event(
        id=number,
        run=run,
        time=webhook.time,
        mode=webhook.mode,
        flow=webhook.flow,
        leg=webhook.leg,
        direction="webhook",
        event_type=webhook.event_type,
        call_id=_text(data.get("from" if connecting and data.get("fromType") == "CALL" else "callId")),
        from_=None if connecting else _text(data.get("from")),
        to=None if connecting else _text(data.get("to")),
        cause=_text(data.get("cause") or (data.get("status") if connecting else None)),
        data=data,
        label=webhook.label,
        rule=webhook.rule,
        seq=webhook.seq,
        duplicate_of=duplicate_of,
    )


def of_exchange(exchange: Exchange, run: str, number: int) -> Event:
    """A request's event."""
    asked = exchange.request if isinstance(exchange.request, dict) else {}
    answered = exchange.response if isinstance(exchange.response, dict) else {}
    parts = exchange.path.strip("/").split("/")
    answering = ANSWERING.get()
    return Event(
        id=number,
        run=run,
        time=exchange.time,
        mode=exchange.about.mode,
        flow=exchange.about.flow,
        leg=exchange.about.leg,
        direction="request",
        event_type=exchange.operation,
        call_id=_text(answered.get("callId")) or next((part for part in reversed(parts) if part.startswith("c-")), None),
        from_=_text(asked.get("from")),
        to=_text(asked.get("to")),
        cause=None,
        data={"method": exchange.method, "path": exchange.path, "request": exchange.request, "response": exchange.response}
        | ({} if answering is None else {"during": answering}),
        status=exchange.status,
        handler_ms=None,
        error=exchange.error,
        label=exchange.label,
        rule=exchange.rule,
        seq=exchange.seq,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else json.dumps(value)
