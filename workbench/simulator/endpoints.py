"""BRTC endpoints: their life of 24 hours, the device that stands for one, whether it can be connected, and the events that tell."""

from __future__ import annotations

from functools import partial

from workbench import tokens
from workbench.simulator import bodies, connects
from workbench.simulator.calls import Hook
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Device, Endpoint

LIFETIME_SECONDS = 24 * 3600.0


def create(core: Core, direction: str, callback_url: str | None, fallback_url: str | None, tag: str | None) -> tuple[Endpoint, str]:
    """A new endpoint and its token, which is given only here. Raises Refusal 429 when there are too many."""
    most = core.limits.endpoints
    if most is not None and len(core.endpoints) >= most:
        told = f"Too many endpoints: {most} at most. Please delete one or wait 24 hours for one to be removed."
        raise Refusal(429, told, "endpoint.limit")
    endpoint = Endpoint(core.ids("endpoint"), core.number(), direction, core.now, callback_url, fallback_url, tag)
    core.endpoints[endpoint.id] = endpoint
    core.after(LIFETIME_SECONDS, partial(_expire, core, endpoint), waits=False)
    token = tokens.issue_endpoint(
        account_id=core.config.account_id,
        endpoint_id=endpoint.id,
        secret=core.config.token_secret,
        now=core.now,
        lifetime=LIFETIME_SECONDS,
    )
    return endpoint, token


def _expire(core: Core, endpoint: Endpoint) -> None:
    if endpoint.id in core.endpoints:
        core.happen("endpointExpired", "endpoint.day", endpointId=endpoint.id)
        delete(core, endpoint, "endpoint.day")


def delete(core: Core, endpoint: Endpoint, rule: str = "endpoint.deleted") -> None:
    """Forget an endpoint: its device is put off, and a call connected with it goes on with its next verb."""
    del core.endpoints[endpoint.id]
    device_gone(core, endpoint, rule)


# Its device


def take_device(core: Core, endpoint: Endpoint, device: Device) -> None:
    """A device connected with the endpoint's token."""
    endpoint.device, endpoint.connected = device, True
    tell(core, endpoint, "endpointConnected", "endpoint.connected")
    weigh(core, endpoint)


def check_vacant(endpoint: Endpoint) -> None:
    """Raises Refusal when the endpoint has a device, or had one: it serves one session of one device."""
    if endpoint.connected:
        raise Refusal(409, f"endpoint {endpoint.id} already has a device that is connected", "device.second")
    if endpoint.device is not None:
        raise Refusal(403, f"the device of endpoint {endpoint.id} has gone; a new connection needs a new endpoint", "endpoint.once")


def device_gone(core: Core, endpoint: Endpoint, rule: str) -> None:
    """The endpoint's device left, was lost, or was put off because the endpoint ended; again: nothing happens."""
    if not endpoint.connected:
        return
    assert endpoint.device is not None
    endpoint.connected = False
    del core.devices[endpoint.device.id]
    core.pressed.pop(endpoint.device.id, None)
    core.hush(endpoint.id)
    weigh(core, endpoint)
    tell(core, endpoint, "endpointDisconnected", rule)
    connects.endpoint_gone(core, endpoint, rule)


def weigh(core: Core, endpoint: Endpoint) -> None:
    """See whether the endpoint can be connected now, and tell when that has changed."""
    publishes = endpoint.connected and endpoint.device is not None and endpoint.device.publishes
    eligible = publishes and endpoint.call_id is None
    if eligible != endpoint.eligible:
        endpoint.eligible = eligible
        tell(core, endpoint, *(("endpointEligible", "endpoint.eligible") if eligible else ("endpointIneligible", "endpoint.ineligible")))


def tell(core: Core, endpoint: Endpoint, event: str, rule: str, **extra: str) -> None:
    """Send an event of the endpoint to its eventCallbackUrl; without one it only happens."""
    assert endpoint.device is not None
    core.happen(event, rule, endpointId=endpoint.id, deviceId=endpoint.device.id, callId=endpoint.call_id, **extra)
    if endpoint.callback_url is not None:
        hook = Hook(endpoint.callback_url, fallback_url=endpoint.fallback_url)
        core.send(hook, bodies.endpoint_event(core, event, endpoint, **extra), rule)
