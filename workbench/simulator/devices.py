"""Devices: who is admitted by a token, and what a connected device does. One mechanism for participants and endpoints.

A device is known by its id, whatever carries it: simulated ones come over `/_local/`, browsers by sockets.
"""

from __future__ import annotations

from typing import Literal

from workbench import tokens
from workbench.errors import TokenError
from workbench.simulator import endpoints, requests, webrtc
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Device, Endpoint, Participant

Kind = Literal["participant", "endpoint"]
TYPES = ("PHONE_NUMBER", "ENDPOINT", "CALL_ID")


def admitted(core: Core, token: str) -> Participant | Endpoint:
    """Whose device may connect with a token. Raises Refusal 403 for one that is malformed, forged, expired or of nobody any more."""
    try:
        claims = tokens.verified(token, core.config.token_secret)
    except TokenError as error:
        raise Refusal(403, str(error), "device.token") from None
    if core.now >= claims.expires:
        raise Refusal(403, f"the token expired {core.now - claims.expires:.0f} s ago", "device.expired")
    if isinstance(claims, tokens.EndpointClaims):
        found: Participant | Endpoint | None = core.endpoints.get(claims.endpoint_id)
    else:
        found = core.participants.get(claims.participant_id)
    if found is None:
        raise Refusal(403, "whom the token was made for is not known, or was deleted", "device.unknown")
    return found


def connect(
    core: Core, token: str, name: str | None, *, publishes: bool = True, auto_accept: bool = True, of: Kind | None = None
) -> Device:
    """A device connects with a token, where `of` is set with one of that kind. Raises Refusal 403 for the token, 409 for an endpoint that
    has a device."""
    holder = admitted(core, token)
    kind: Kind = "endpoint" if isinstance(holder, Endpoint) else "participant"
    if of is not None and kind != of:
        raise Refusal(403, f"this is the token of one {kind}, here connects the device of one {of}", "device.kind")
    if isinstance(holder, Endpoint):
        endpoints.check_vacant(holder)
        device = Device(core.ids("endpointDevice"), core.now, None, holder.id, name, publishes, auto_accept)
        core.devices[device.id] = device
        endpoints.take_device(core, holder, device)
    else:
        device = Device(core.ids("device"), core.now, holder.id, None, name, publishes, auto_accept)
        webrtc.connect_device(core, holder, device)
    return device


def leave(core: Core, device: Device) -> None:
    """A device ends its connection, as it should."""
    if device.participant_id is not None:
        return webrtc.disconnect_device(core, core.participants[device.participant_id])
    return endpoints.device_gone(core, endpoint_of(core, device), "device.left")


def lose(core: Core, device: Device) -> None:
    """The connection to a device breaks."""
    if device.participant_id is not None:
        return webrtc.disconnect_device(core, core.participants[device.participant_id], "onDisconnect", "webrtc.disconnect")
    return endpoints.device_gone(core, endpoint_of(core, device), "device.lost")


def publish(core: Core, device: Device, audio: bool, alias: str | None = None) -> None:
    """A device begins or stops sending audio, under an alias if it has chosen one."""
    device.alias = alias if audio else None
    if device.publishes == audio:
        return
    device.publishes = audio
    core.happen("published" if audio else "unpublished", "device.publish", deviceId=device.id)
    if device.endpoint_id is not None:
        endpoints.weigh(core, core.endpoints[device.endpoint_id])


def endpoint_of(core: Core, device: Device) -> Endpoint:
    """The endpoint a device stands for. Raises Refusal 409 for a participant's device."""
    if device.endpoint_id is None:
        raise Refusal(409, f"device {device.id} is a participant's: only an endpoint's does that", "device.endpoint")
    return core.endpoints[device.endpoint_id]


def request_outbound(core: Core, device: Device, to: str, to_type: str) -> bool:
    """A device asks to be connected with somebody: the application is told, and may place a call. Whether the request was accepted."""
    endpoint = endpoint_of(core, device)
    if to_type not in TYPES:
        raise Refusal(400, f"type must be one of {', '.join(TYPES)}, but was {to_type}", "device.type")
    if to_type != "PHONE_NUMBER":
        raise Refusal(400, f"type {to_type} is not supported yet: ask for a PHONE_NUMBER", "device.phones-only")
    if not requests.is_e164(to):
        raise Refusal(400, f"to must be an E164 telephone number, but was {to}", "request.number")
    if endpoint.call_id is not None:
        raise Refusal(409, f"endpoint {endpoint.id} is connected with a call", "device.one-call")
    endpoints.tell(core, endpoint, "outboundConnectionRequest", "endpoint.outbound", to=to, toType=to_type)
    return endpoint.callback_url is not None
