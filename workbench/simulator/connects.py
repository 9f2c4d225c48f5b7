"""Connect: a call reaches an endpoint's device, which takes it, declines it or lets it ring; and what the call does afterwards."""

from __future__ import annotations

from functools import partial
from urllib.parse import urljoin

from workbench import bxml
from workbench.simulator import bodies, endpoints, lifecycle, program
from workbench.simulator.calls import Call, Hook
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Connection, Endpoint

ACCEPT_SECONDS = 30.0


def joined_with(core: Core, call: Call) -> Endpoint | None:
    """The endpoint at the other end of a call's connection, when both can hear each other."""
    connection = core.connects.get(call.call_id)
    return core.endpoints[connection.endpoint_id] if connection is not None and connection.joined else None


def connect(core: Core, call: Call, verb: bxml.Connect) -> bool:
    """Offer a call to an endpoint; True when it cannot be had, and the next verb may run at once."""
    target, *others = [item.endpoint_id for item in verb.destination]
    if others:
        core.happen("endpointsPassedOver", "connect.first", callId=call.call_id, endpointIds=others)
    endpoint = core.endpoints.get(target)
    connection = Connection(core.ids("connection"), call.call_id, target, _hook(call, verb))
    _tell(core, connection, "INITIATED", "connect.initiated", endpoint)
    if endpoint is None:
        return _failed(core, connection, "FAILED", "connect.unknown", endpoint)
    if endpoint.call_id is not None:
        return _failed(core, connection, "DENIED", "connect.busy", endpoint)
    if not endpoint.eligible:
        return _failed(core, connection, "FAILED", "connect.ineligible", endpoint)
    core.connects[call.call_id], endpoint.call_id = connection, call.call_id
    endpoints.weigh(core, endpoint)
    _offer(core, call, connection, endpoint)
    return False


def _hook(call: Call, verb: bxml.Connect) -> Hook | None:
    if not verb.event_callback_url:
        return None
    base, fallback = call.base_url or "", verb.event_fallback_url
    return Hook(urljoin(base, verb.event_callback_url), fallback_url=urljoin(base, fallback) if fallback else None)


def _failed(core: Core, connection: Connection, status: str, rule: str, endpoint: Endpoint | None) -> bool:
    _tell(core, connection, status, rule, endpoint)
    core.happen("next", "connect.next", callId=connection.call_id)
    return True


def _offer(core: Core, call: Call, connection: Connection, endpoint: Endpoint) -> None:
    assert endpoint.device is not None
    accepted = endpoint.device.auto_accept
    about = {"callId": call.call_id, "endpointId": endpoint.id, "deviceId": endpoint.device.id}
    core.happen("streamAvailable", "connect.offer", **about, autoAccepted=accepted)
    if accepted:
        return _join(core, connection)
    if call.answered:
        core.play(call.call_id, "ring")
    # Nobody waits for a device that is in somebody's hand.
    call.timers.append(core.after(ACCEPT_SECONDS, partial(_over, core, connection, endpoint, "TIMED_OUT", "connect.timeout"), waits=False))
    return None


def _join(core: Core, connection: Connection) -> None:
    call = core.calls[connection.call_id]
    core.next_turn(call)
    connection.joined = True
    core.happen("connected", "connect.join", callId=call.call_id, endpointId=connection.endpoint_id)
    lifecycle.answer_inbound(core, call, "connect.answers")


# What an endpoint's device does


def offered(core: Core, endpoint: Endpoint) -> Connection:
    """The call an endpoint is offered and has not taken yet. Raises Refusal 409."""
    connection = core.connects.get(endpoint.call_id or "")
    if connection is None or connection.joined:
        raise Refusal(409, f"endpoint {endpoint.id} is offered no call", "device.idle")
    return connection


def accept(core: Core, endpoint: Endpoint) -> None:
    """The device takes the call it is offered. Raises Refusal 409 when there is none."""
    _join(core, offered(core, endpoint))


def decline(core: Core, endpoint: Endpoint) -> None:
    """The device declines the call it is offered. Raises Refusal 409 when there is none."""
    _over(core, offered(core, endpoint), endpoint, "DENIED", "connect.declined")


def hang_up(core: Core, endpoint: Endpoint) -> None:
    """The device ends its connection, or declines the call it is offered. Raises Refusal 409 when there is neither."""
    connection = core.connects.get(endpoint.call_id or "")
    if connection is None:
        raise Refusal(409, f"endpoint {endpoint.id} is connected with no call", "device.idle")
    if not connection.joined:
        return decline(core, endpoint)
    return _over(core, connection, endpoint, "COMPLETED", "connect.hangup")


# The end


def call_left(core: Core, call: Call) -> None:
    """A call ended, or is given another document: it leaves its connection."""
    connection = core.connects.get(call.call_id)
    if connection is not None:
        status, rule = ("COMPLETED", "connect.completed") if connection.joined else ("CANCELED", "connect.canceled")
        _part(core, connection, core.endpoints[connection.endpoint_id], status, rule)


def endpoint_gone(core: Core, endpoint: Endpoint, rule: str) -> None:
    """The device left or was lost, or the endpoint ended: the call goes on with its next verb."""
    connection = core.connects.get(endpoint.call_id or "")
    if connection is not None:
        core.happen("connectionLost", rule, callId=connection.call_id, endpointId=endpoint.id)
        _over(core, connection, endpoint, *(("COMPLETED", "connect.gone") if connection.joined else ("FAILED", "connect.gone-early")))


def _over(core: Core, connection: Connection, endpoint: Endpoint, status: str, rule: str) -> None:
    """The connection is over and the call is still there: its next verb runs."""
    call = core.calls[connection.call_id]
    _part(core, connection, endpoint, status, rule)
    core.happen("next", "connect.next", callId=call.call_id)
    program.step(core, call)


def _part(core: Core, connection: Connection, endpoint: Endpoint, status: str, rule: str) -> None:
    del core.connects[connection.call_id]
    endpoint.call_id = None
    _tell(core, connection, status, rule, endpoint)
    if endpoint.connected and endpoint.device is not None:
        about = {"callId": connection.call_id, "endpointId": endpoint.id, "deviceId": endpoint.device.id}
        core.happen("streamUnavailable", "connect.offer", **about)
    endpoints.weigh(core, endpoint)


def _tell(core: Core, connection: Connection, status: str, rule: str, endpoint: Endpoint | None) -> None:
    call = core.calls[connection.call_id]
    core.happen("connectStatus", rule, callId=call.call_id, endpointId=connection.endpoint_id, status=status)
    if connection.hook is not None:
        body = bodies.connect_status(core, status, connection, call, endpoint.tag if endpoint is not None else None)
        core.send(connection.hook, body, rule, timeout=call.callback_timeout)
