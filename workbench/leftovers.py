"""What of a workbench is still there: calls, participants and whatever else on the platform, threads and ports here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from workbench.errors import ApiError
from workbench.local import Local

if TYPE_CHECKING:
    from workbench.wiring import Wiring

_THREADS = ("callback-server", "waitress", "callbacks-", "log-checkpoints", "workbench-")


def on_platform(parts: Wiring) -> list[str]:
    """What of ours is still on the platform. Raises ApiError when that cannot be asked."""
    if isinstance(parts.local, Local):
        return list(_in_state(parts, parts.local.state()))
    kind = "endpoint" if parts.settings.webrtc == "endpoints" else "participant"
    return [*_calls_up(parts), *(f"{kind} {one.name}" for one in parts.side.participants)]


def kept(parts: Wiring) -> list[str]:
    """What of this run is still on the platform, as far as the log tells: the next start ends it."""
    return [f"{one.name} (the next start ends it)" for one in parts.undoing.kept] if parts.undoing is not None else []


def in_process(parts: Wiring) -> list[str]:
    """What of ours is still in this process or beside it: threads, the callback server's port, the platform's process."""
    left = [f"thread {one.name}" for one in threading.enumerate() if one not in parts.before and one.name.startswith(_THREADS)]
    if parts.server.running:
        left.append(f"port {parts.server.port}")
    if parts.process is not None and parts.process.running:
        left.append(f"process {parts.process.pid}")
    return left


def _in_state(parts: Wiring, state: dict[str, Any]) -> Iterator[str]:
    # A platform that others use too may hold things of theirs.
    alone, calls, made = parts.process is not None, parts.board.call_ids, parts.side.made
    yield from (f"call {one['callId']} ({one['state']})" for one in state["calls"] if alone or one["callId"] in calls)
    for one in state["conferences"]:
        if alone or any(member["callId"] in calls for member in one["members"]):
            yield f"conference {one['name']}"
    yield from (f"session {one['id']}" for one in state["sessions"] if alone or one["id"] in made)
    yield from (f"participant {one['tag'] or one['id']}" for one in state["participants"] if alone or one["id"] in made)
    yield from (f"endpoint {one['tag'] or one['endpointId']}" for one in state["endpoints"] if alone or one["endpointId"] in made)


def _calls_up(parts: Wiring) -> Iterator[str]:
    for call_id in parts.board.call_ids:
        with suppress(ApiError):
            if (state := parts.voice.call(call_id)["state"]) != "disconnected":
                yield f"call {call_id} ({state})"
