"""Whether a call may begin now: the queue is served at the account's rate, calls over a limit are refused. Nothing is, without limits."""

from __future__ import annotations

from functools import partial

from workbench.simulator import lifecycle
from workbench.simulator.calls import Call
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal

RATE = "Account call creation rate limit exceeded"
CONCURRENT = "Account concurrent call limit exceeded"
REQUESTS = "Account request rate limit exceeded"


def check_request(core: Core) -> None:
    """Count a request. Raises Refusal 429 when there were too many within a second."""
    most = core.limits.requests_per_second
    if most is None:
        return
    if core.asked.opens(core.now, most) is not None:
        raise Refusal(429, REQUESTS, "limits.requests", "error")
    core.asked.moments.append(core.now)


def check_queue(core: Core) -> None:
    """Whether one more call may be queued. Raises Refusal 429."""
    if core.limits.capacity is not None and len(core.queue) >= core.limits.capacity:
        raise Refusal(429, RATE, "limits.queue", "error")
    if _full(core):
        raise Refusal(429, CONCURRENT, "limits.at-once", "error")


def enqueue(core: Core, call: Call) -> None:
    """Let a call wait for its turn, which comes at once unless the account's rate says otherwise."""
    core.queue.add(call)
    core.after(0.0, partial(_dequeue, core))


def _dequeue(core: Core) -> None:
    """Begin the call whose turn it is, or come back when the rate allows it."""
    call = core.queue.first()
    if call is None or core.queue_timer is not None:
        return
    opens = _opens(core)
    if opens is not None:
        core.queue_timer = core.timers.add(opens, partial(serve, core))
        core.happen("queueWaits", "limits.rate", waiting=len(core.queue), callsPerSecond=core.limits.calls_per_second)
    elif _full(core):
        lifecycle.end(core, call, "account-limit", CONCURRENT, rule="limits.at-once-queued")
    else:
        if core.queue.overtaken(call):
            core.happen("overtook", "limits.priority", callId=call.call_id, priority=call.priority)
        lifecycle.start(core, call)


def serve(core: Core) -> None:
    """Begin as many of the waiting calls as may."""
    if core.queue_timer is not None:
        core.queue_timer.cancelled, core.queue_timer = True, None
    while core.queue.first() is not None and core.queue_timer is None:
        _dequeue(core)


def count(core: Core, call: Call) -> None:
    """A call begins, whoever placed it."""
    core.under_way.add(call.call_id)
    if core.limits.calls_per_second is not None:
        core.begun.moments.append(core.now)


def why_not(core: Core) -> str | None:
    """Why no further call may begin now, in the documented words."""
    return CONCURRENT if _full(core) else RATE if _opens(core) is not None else None


def room(core: Core) -> int | None:
    """How many more calls may begin now; None without a limit."""
    limits = core.limits
    found = [] if limits.calls_at_once is None else [max(0, limits.calls_at_once - len(core.under_way))]
    if limits.calls_per_second is not None:
        found.append(core.begun.room(core.now, limits.calls_per_second))
    return min(found, default=None)


def _opens(core: Core) -> float | None:
    most = core.limits.calls_per_second
    return None if most is None else core.begun.opens(core.now, most)


def _full(core: Core) -> bool:
    return core.limits.calls_at_once is not None and len(core.under_way) >= core.limits.calls_at_once
