"""One callback sent again to our own callback server, as the platform would send it. Nothing is sent to the platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx

from workbench.errors import CallbackError, WorkbenchError
from workbench.modes import Gate
from workbench.records import Event

# Longer than any platform waits.
PATIENCE = 30.0


class Log(Protocol):
    """What is asked of the log."""

    def asked_at(self, event_id: int) -> str | None: ...

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]: ...


def resend(
    event: Event,
    changes: Mapping[str, Any],
    log: Log,
    server: str,
    gate: Gate,
    *,
    live: bool,
    settle: Callable[[], object],
) -> Event:
    """Send a callback of the log again, or changed as a new one; gives the event that this made.

    A repetition is answered from the log and marked as one; a changed callback, or one that failed, is put to its handler.
    """
    if event.direction != "webhook":
        raise WorkbenchError(f"event: {event.event_type} is a request that we made; only a callback can be sent to us again")
    path = log.asked_at(event.duplicate_of or event.id)
    if path is None:
        raise WorkbenchError(f"event: where {event.event_type} came is not known; only newer callbacks of this run can be sent again")
    if live and (changes or (event.status or 0) >= 500):
        raise WorkbenchError(
            "live, your handler would act on real calls; an unchanged callback that was answered is harmless: its answer comes from the log"
        )
    data = {**event.data, **changes}
    if changes and "eventTime" not in changes:
        # At the same time it would be the same event.
        data["eventTime"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    heard: list[Event] = []
    stop = log.subscribe(heard.append)
    try:
        # Our own server, on this machine: no proxy.
        credentials = gate.dashboard if path.startswith("/inbound/") else (gate.username, gate.password)
        answer = httpx.post(server + path, json=data, auth=credentials, timeout=PATIENCE, trust_env=False)
        settle()
    except httpx.HTTPError as error:
        raise CallbackError(f"our callback server did not answer ({type(error).__name__})") from error
    finally:
        stop()
    kind = str(data.get("eventType") or event.event_type)
    found = [one for one in heard if one.direction == "webhook" and one.event_type == kind and one.call_id == data.get("callId")]
    if not found:
        raise CallbackError(f"our callback server refused it with {answer.status_code}: {answer.text[:200]}")
    return found[-1]
